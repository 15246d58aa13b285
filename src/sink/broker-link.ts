/**
 * Whether a connection is up, as an answer to wait for. The client keeps a request alive over a
 * disconnect until its timeout, although the answer can no longer come; and it drops what was sent
 * while it dialled. Both cost seconds that a partition would stand still.
 */

import type { NatsConnection } from 'nats'
import { BrokerUnavailableError } from '../errors.ts'

/** One per connection, see `brokerLink`. */
export interface BrokerLink {
  /** Resolves at once when connected, else on reconnect. Rejects after `timeoutMs` or when closed for good. */
  untilConnected(timeoutMs: number): Promise<void>
  /** Settles as `answer` does, or rejects with BrokerUnavailableError as soon as the connection is lost. */
  whileConnected<T>(answer: Promise<T>): Promise<T>
}

const links = new WeakMap<NatsConnection, WatchedLink>()

/** The link of a connection; made on first use, which should be right after connecting. */
export function brokerLink(connection: NatsConnection): BrokerLink {
  let link = links.get(connection)
  if (link === undefined) {
    link = new WatchedLink(connection)
    links.set(connection, link)
  }
  return link
}

class WatchedLink implements BrokerLink {
  #isConnected = true
  #isClosed = false
  readonly #onLost = new Set<() => void>()
  readonly #onChange = new Set<() => void>()

  constructor(connection: NatsConnection) {
    void this.#watch(connection)
  }

  untilConnected(timeoutMs: number): Promise<void> {
    if (this.#isClosed)
      return Promise.reject(new BrokerUnavailableError('the connection is closed'))
    if (this.#isConnected) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#onChange.delete(settle)
        clearTimeout(timer)
        if (this.#isConnected && !this.#isClosed) resolve()
        else reject(new BrokerUnavailableError('NATS cannot be reached'))
      }
      const timer = setTimeout(settle, timeoutMs)
      this.#onChange.add(settle)
    })
  }

  whileConnected<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const lose = (): void => {
        this.#onLost.delete(lose)
        reject(new BrokerUnavailableError('the connection to NATS was lost before the answer'))
      }
      this.#onLost.add(lose)
      answer.then(
        (value) => {
          this.#onLost.delete(lose)
          resolve(value)
        },
        (error: unknown) => {
          this.#onLost.delete(lose)
          reject(error)
        },
      )
    })
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.#change(false)
      else if (status.type === 'reconnect') this.#change(true)
    }
    this.#isClosed = true
    this.#change(false)
  }

  #change(isConnected: boolean): void {
    this.#isConnected = isConnected
    if (!isConnected) for (const lose of [...this.#onLost]) lose()
    if (isConnected || this.#isClosed) for (const settle of [...this.#onChange]) settle()
  }
}
