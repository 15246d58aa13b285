/**
 * A TCP proxy on the loopback that a test may make a bad network of: connections cut by RST or FIN,
 * bytes held back in either direction, delayed, or let through slowly. What was held back arrives
 * when it is let go, even from a peer that has given up meanwhile: so do retransmitted packets.
 */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** `up`: from the client to the server; `down`: the other way. */
export type Direction = 'up' | 'down'

/** How a direction lets bytes through. */
export interface LinkSpeed {
  readonly delayMs: number
  readonly bytesPerSecond: number
}

/** One listening port in front of one server's. Whoever opened it closes it. */
export class TcpProxy {
  readonly #listener: Server
  readonly #targetPort: number
  readonly #links = new Set<Link>()
  readonly #held = new Set<Direction>()
  #isRefusing = false
  #speed: LinkSpeed | null = null

  private constructor(listener: Server, targetPort: number) {
    this.#listener = listener
    this.#targetPort = targetPort
    listener.on('connection', (client: Socket) => this.#accept(client))
  }

  /** Listens on a free port of the loopback. */
  static async open(targetPort: number): Promise<TcpProxy> {
    const listener = createServer({ allowHalfOpen: true })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return new TcpProxy(listener, targetPort)
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port
  }

  /** Connections that are open now. */
  get linkCount(): number {
    return this.#links.size
  }

  /** Resets (RST) the client's or the server's side of all connections, or both. */
  reset(side: Direction | 'both'): void {
    for (const { client, server } of this.#links) {
      if (side !== 'up') client.resetAndDestroy()
      if (side !== 'down') server.resetAndDestroy()
    }
  }

  /** Closes one direction (FIN) of all connections: `up`: the server reads the end. */
  halfClose(direction: Direction): void {
    for (const { client, server } of this.#links) {
      if (direction === 'up') server.end()
      else client.end()
    }
  }

  /** New connections are reset as soon as they are made. */
  refuse(isRefusing: boolean): void {
    this.#isRefusing = isRefusing
  }

  /** Nothing passes any more in these directions; new connections are accepted all the same. */
  hold(directions: readonly Direction[]): void {
    for (const direction of directions) this.#held.add(direction)
  }

  /** Everything that was held back goes on its way. */
  release(): void {
    this.#held.clear()
    for (const link of this.#links) link.wake()
  }

  /** Bytes take their time from now on; null: as fast as they come. */
  slowDown(speed: LinkSpeed | null): void {
    this.#speed = speed
  }

  async close(): Promise<void> {
    this.release()
    this.reset('both')
    await new Promise<void>((resolve) => {
      this.#listener.close(() => resolve())
    })
  }

  #accept(client: Socket): void {
    if (this.#isRefusing) {
      client.resetAndDestroy()
      return
    }
    const server = connect({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true })
    const isHeld = (direction: Direction): boolean => this.#held.has(direction)
    const link = new Link(client, server, isHeld, () => this.#speed)
    this.#links.add(link)
    void link.run().then(() => this.#links.delete(link))
  }
}

/** One connection through the proxy. */
class Link {
  readonly client: Socket
  readonly server: Socket
  readonly #isHeld: (direction: Direction) => boolean
  readonly #speed: () => LinkSpeed | null
  #waiting: (() => void)[] = []

  constructor(
    client: Socket,
    server: Socket,
    isHeld: (direction: Direction) => boolean,
    speed: () => LinkSpeed | null,
  ) {
    this.client = client
    this.server = server
    this.#isHeld = isHeld
    this.#speed = speed
    for (const socket of [client, server]) socket.setNoDelay(true)
  }

  /** Resolves when both directions are over. */
  async run(): Promise<void> {
    await Promise.all([
      this.#pass('up', this.client, this.server),
      this.#pass('down', this.server, this.client),
    ])
    this.client.destroy()
    this.server.destroy()
  }

  wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #pass(direction: Direction, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        await this.#untilReleased(direction)
        await this.#delay(chunk.length)
        if (!to.writable) break
        if (!to.write(chunk)) await Promise.race([once(to, 'drain'), once(to, 'close')])
      }
      await this.#untilReleased(direction)
      to.end()
    } catch {
      // The peer is gone in the middle of something: so is the other side, now.
      await this.#untilReleased(direction)
      to.destroy()
    }
  }

  async #untilReleased(direction: Direction): Promise<void> {
    while (this.#isHeld(direction)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async #delay(size: number): Promise<void> {
    const speed = this.#speed()
    if (speed !== null) await sleep(speed.delayMs + (size / speed.bytesPerSecond) * 1000)
  }
}
