/** Channels of the settings as ways of sending. */

import { readFileSync } from 'node:fs'
import type { ChannelSettings } from '../config/gateway-grammar.ts'
import { checkReadable, openSecretFile } from '../config/secrets.ts'
import type { GatewayChannel } from '../gateway/gateway.ts'
import type { WaitingClock } from '../model/ports.ts'
import type { ChannelPort } from '../model/sending.ts'
import type { BrokerConnection } from '../sink/connection.ts'
import { createDeliveryChannel } from '../sink/delivery-channel.ts'
import { SmppChannel } from '../smpp/smpp-channel.ts'
import { createAddressRules } from '../webhook/address-rules.ts'
import { WebhookChannel } from '../webhook/webhook-channel.ts'

/** What channels are made with. */
export interface ChannelParts {
  readonly connection: BrokerConnection
  readonly clock: WaitingClock
  readonly receiptHorizonMs: number
  /** Sentences for operators. */
  readonly warn: (message: string) => void
  /** What goes wrong with a channel's target, in a word. */
  readonly onTrouble: (channel: string, what: string) => void
}

const BREAKER_OPEN_MAX_MS = 300_000
const RECONNECT_MIN_MS = 1_000
const CONNECT_TIMEOUT_MS = 10_000
const THROTTLE_MAX_MS = 30_000

/**
 * Makes a channel; it connects to nothing yet.
 * @throws {SecretError} a file that it needs cannot be read
 */
export function createChannel(settings: ChannelSettings, parts: ChannelParts): GatewayChannel {
  const { name, kind, perSecond } = settings
  const receiptHorizonMs = kind === 'smpp' ? parts.receiptHorizonMs : null
  return { name, kind, perSecond, receiptHorizonMs, port: portOf(settings, parts) }
}

function portOf(settings: ChannelSettings, parts: ChannelParts): ChannelPort {
  switch (settings.kind) {
    case 'nats':
      return createDeliveryChannel(parts.connection, settings.name)
    case 'webhook':
      return createWebhook(settings, parts)
    case 'smpp':
      return createSmpp(settings, parts)
  }
}

function createWebhook(
  settings: ChannelSettings & { kind: 'webhook' },
  { clock, warn }: ChannelParts,
): ChannelPort {
  const path = `gateway.channels.${settings.name}`
  const { secretFile, concurrency, retryMin, retryMax } = settings
  const url = new URL(settings.url)
  if (url.protocol === 'http:') warn(`${path}: deliveries are posted without TLS`)
  if (secretFile === null) warn(`${path}: deliveries are not signed, no secretFile is set`)
  return new WebhookChannel(
    {
      target: {
        url,
        addresses: createAddressRules(settings.addresses),
        timeoutMs: settings.timeout,
        connectionsMax: concurrency,
        caText: readCa(`${path}.caFile`, settings.caFile),
        answerSizeMax: settings.answerMax,
      },
      concurrencyMax: concurrency,
      retry: { minMs: retryMin, maxMs: retryMax, retryAfterMaxMs: settings.retryAfterMax },
      breaker: {
        failuresMax: settings.breakerFailures,
        openMs: settings.breakerOpen,
        openMaxMs: BREAKER_OPEN_MAX_MS,
      },
      secret: secretFile === null ? null : openSecretFile(`${path}.secretFile`, secretFile, warn),
      random: Math.random,
    },
    clock,
  )
}

function createSmpp(
  settings: ChannelSettings & { kind: 'smpp' },
  { clock, warn, onTrouble }: ChannelParts,
): ChannelPort {
  const path = `gateway.channels.${settings.name}`
  // `smpp:` is no protocol of which URL knows that it has a host.
  const [, scheme, host, port] = /^(ssmpp|smpp):\/\/([^:]+):(\d+)$/.exec(settings.url)!
  const isTls = scheme === 'ssmpp'
  if (!isTls) warn(`${path}: the password goes to the SMSC without TLS`)
  const { from, replyAddresses, fromTon, fromNpi, toTon, toNpi, longMessages } = settings
  return new SmppChannel(
    {
      link: {
        host: host!,
        port: Number(port),
        isTls,
        caText: readCa(`${path}.caFile`, settings.caFile),
        systemId: settings.systemId,
        password: openSecretFile(`${path}.passwordFile`, settings.passwordFile, warn),
        systemType: settings.systemType ?? '',
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        answerTimeoutMs: settings.answerTimeout,
        enquireEveryMs: settings.enquireEvery,
        reconnectMinMs: Math.min(RECONNECT_MIN_MS, settings.reconnectMax),
        reconnectMaxMs: settings.reconnectMax,
        random: Math.random,
      },
      windowMax: settings.window,
      from,
      replyAddresses,
      fromTon,
      fromNpi,
      toTon,
      toNpi,
      prefix: settings.prefix ?? '',
      longMessages,
      receiptIds: settings.receiptIds,
      throttleMinMs: settings.throttleMin,
      throttleMaxMs: THROTTLE_MAX_MS,
    },
    clock,
    (what) => onTrouble(settings.name, what),
  )
}

function readCa(setting: string, file: string | null): string | null {
  if (file === null) return null
  checkReadable(setting, file)
  return readFileSync(file, 'utf8')
}
