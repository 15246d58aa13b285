/**
 * A client's connection whose messages of some subscriptions can be had as they lie in the socket's
 * bytes. Dialling, TLS, authentication, reconnecting, keeping alive and everything that is sent
 * stay the client's: only what its transport reads passes through a scanner on its way to it.
 */

import {
  type ConnectionOptions,
  type NatsConnection,
  NatsConnectionImpl,
  setTransportFactory,
} from 'nats'
import { NodeTransport, nodeResolveHost } from 'nats/lib/node_transport.js'
import type { FrameReceiver } from '../model/frame.ts'
import { FrameScanner } from './frame-scanner.ts'

/** Receivers of one connection by the id of their subscription. */
export type FrameReceivers = Map<number, FrameReceiver>

/** The client copies its options by key, and hands them to each transport that it dials with. */
interface TappedOptions extends ConnectionOptions {
  readonly frameReceivers?: FrameReceivers
}

type DialledPlace = Parameters<NodeTransport['connect']>[0]

/**
 * As the client's own `connect`, whose errors it throws. The receivers may change at any time; an
 * empty map leaves all to the client.
 */
export function connectTapped(
  options: ConnectionOptions,
  frameReceivers: FrameReceivers,
): Promise<NatsConnection> {
  // For each dial of the process, so as the client's `connect` does it.
  setTransportFactory({ factory: () => new TappedTransport(), dnsResolveFn: nodeResolveHost })
  const tapped: TappedOptions = { ...options, frameReceivers }
  return NatsConnectionImpl.connect(tapped)
}

class TappedTransport extends NodeTransport {
  #scanner: FrameScanner | null = null

  override connect(place: DialledPlace, options: TappedOptions): Promise<void> {
    const { frameReceivers } = options
    if (frameReceivers !== undefined) this.#scanner = new FrameScanner(frameReceivers)
    return super.connect(place, options)
  }

  override async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const scanner = this.#scanner
    for await (const chunk of this.iterate()) {
      if (scanner === null) yield chunk
      else for (const piece of scanner.scan(chunk)) yield piece
    }
  }
}
