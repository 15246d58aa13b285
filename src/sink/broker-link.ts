/**
 * Whether a connection is up, as an answer to wait for. The client keeps a request alive over a
 * disconnect until its timeout, although the answer can no longer come; and it drops what was sent
 * while it dialled. Both cost seconds that a partition would stand still.
 */

import type { NatsConnection } from 'nats'
import { BrokerUnavailableError } from '../errors.ts'
import type { FrameReceiver } from '../model/frame.ts'
import type { FrameReceivers } from './tapped-connection.ts'

/** One per connection, see `brokerLink`. */
export interface BrokerLink {
  /**
   * Resolves at once when connected, else on reconnect. Rejects after `timeoutMs` or when closed
   * for good.
   */
  untilConnected(timeoutMs: number): Promise<void>
  /**
   * Settles as `answer` does, or rejects with BrokerUnavailableError as soon as the connection is
   * lost.
   */
  whileConnected<T>(answer: Promise<T>): Promise<T>
  /** Calls back on every change until the returned function is called; `closed` is the last one. */
  onChange(callback: (state: LinkState) => void): () => void
  /**
   * Hands over a subscription's messages as they lie in the socket's bytes, until the returned
   * function is called. What the receiver does not take, and all messages of a connection that was
   * not made by `connectToNats`, goes to the subscription's callback.
   */
  divert(subscription: number, receiver: FrameReceiver): () => void
}

/** `closed`: by its owner, or for good. */
export type LinkState = 'connected' | 'disconnected' | 'closed'

const links = new WeakMap<NatsConnection, WatchedLink>()

/** The link of a connection; made on first use, which should be right after connecting. */
export function brokerLink(
  connection: NatsConnection,
  receivers: FrameReceivers = new Map(),
): BrokerLink {
  let link = links.get(connection)
  if (link === undefined) {
    link = new WatchedLink(connection, receivers)
    links.set(connection, link)
  }
  return link
}

class WatchedLink implements BrokerLink {
  #state: LinkState = 'connected'
  readonly #callbacks = new Set<(state: LinkState) => void>()
  readonly #receivers: FrameReceivers

  constructor(connection: NatsConnection, receivers: FrameReceivers) {
    this.#receivers = receivers
    void this.#watch(connection)
  }

  onChange(callback: (state: LinkState) => void): () => void {
    this.#callbacks.add(callback)
    return () => this.#callbacks.delete(callback)
  }

  divert(subscription: number, receiver: FrameReceiver): () => void {
    this.#receivers.set(subscription, receiver)
    return () => this.#receivers.delete(subscription)
  }

  untilConnected(timeoutMs: number): Promise<void> {
    if (this.#state === 'connected') return Promise.resolve()
    if (this.#state === 'closed') {
      return Promise.reject(new BrokerUnavailableError('the connection is closed'))
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stopListening()
        clearTimeout(timer)
        if (this.#state === 'connected') resolve()
        else reject(new BrokerUnavailableError('NATS cannot be reached'))
      }
      const timer = setTimeout(settle, timeoutMs)
      const stopListening = this.onChange(settle)
    })
  }

  whileConnected<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stopListening = this.onChange(() => {
        stopListening()
        reject(new BrokerUnavailableError('the connection to NATS was lost before the answer'))
      })
      answer.then(
        (value) => {
          stopListening()
          resolve(value)
        },
        (error: unknown) => {
          stopListening()
          reject(error)
        },
      )
    })
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.#change('disconnected')
      else if (status.type === 'reconnect') this.#change('connected')
    }
    this.#change('closed')
  }

  #change(state: LinkState): void {
    if (state === this.#state) return
    this.#state = state
    for (const callback of [...this.#callbacks]) callback(state)
  }
}
