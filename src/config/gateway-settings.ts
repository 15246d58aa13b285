/** The settings of `highwater gateway`, checked beyond what each field says for itself. */

import { isIP } from 'node:net'
import type { ChannelSettings } from './gateway-grammar.ts'
import type { NamedValues } from './read-settings.ts'

/** How the gateway of this process sends. Times in ms. */
export interface GatewaySettings {
  readonly name: string
  readonly begin: 'all' | 'new'
  readonly receiptsWithinMs: number
  readonly host: string
  readonly port: number
  readonly channels: readonly ChannelSettings[]
}

type Report = (path: string, code: string, message: string, suggestion?: string) => void

/** The channels as they were read; what is wrong with one is reported at its setting. */
export function checkChannels(
  named: readonly NamedValues[],
  report: Report,
): readonly ChannelSettings[] {
  // Every value went through the field of its kind.
  const channels = named as unknown as readonly ChannelSettings[]
  for (const channel of channels) {
    const path = `gateway.channels.${channel.name}`
    if (channel.kind === 'webhook') checkWebhook(channel, path, report)
  }
  return channels
}

function checkWebhook(
  channel: ChannelSettings & { kind: 'webhook' },
  path: string,
  report: Report,
): void {
  const { url, addresses, retryMin, retryMax } = channel
  if (typeof url === 'string' && !URL.canParse(url)) {
    report(`${path}.url`, 'bad-value', 'the address cannot be read')
  }
  if (addresses !== 'public' && addresses.length === 0) {
    report(`${path}.addresses`, 'too-few', 'no address at all may be connected to')
  }
  for (const network of addresses === 'public' ? [] : addresses) {
    const [address = '', prefix = '0'] = network.split('/')
    const prefixMax = isIP(address) === 6 ? 128 : 32
    if (isIP(address) !== 0 && Number(prefix) <= prefixMax) continue
    report(`${path}.addresses`, 'bad-value', `${network} is no network`, 'write it as 10.1.0.0/16')
  }
  if (retryMax < retryMin) {
    report(`${path}.retryMax`, 'out-of-range', 'the longest wait is shorter than the first one')
  }
}
