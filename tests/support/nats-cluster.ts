/**
 * Three nats-servers on the loopback that form a JetStream cluster. Each pair of them talks through
 * a relay of ours, so that one of them can be cut off from the others while it and its clients
 * live on.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JetStreamManager } from '@nats-io/jetstream'
import { type PrivateServer, startPrivateServer } from '../../src/sink/nats-server.ts'

const SIZE = 3
/** Entries by which a copy may be behind and still count as up to date. */
const LAG_MAX = 64

/** What a cluster is made of. */
export interface ClusterOptions {
  /** The nats-server program, 2.10 or later. */
  readonly program: string
  /** As in `PrivateServerOptions`. */
  readonly syncInterval?: string
  /** Store directory of each server; default: temporary ones. */
  readonly storeDirectories?: readonly string[]
}

/** Starts three servers; resolves when all accept connections (a leader may still be missing). */
export async function startNatsCluster(options: ClusterOptions): Promise<NatsCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'highwater-cluster-'))
  const routePorts = await freePorts(SIZE)
  const relays: Relay[] = []
  const servers: PrivateServer[] = []
  const cluster = new NatsCluster(directory, servers, relays)
  try {
    // A ring: each pair is dialled from one side, and each server has a route, as it demands.
    for (let from = 0; from < SIZE; from++) {
      const to = (from + 1) % SIZE
      relays.push(await Relay.open(from, to, routePorts[to]!))
    }
    const starts = routePorts.map((port, index) => {
      const routes = relays.filter(({ from }) => from === index).map((relay) => relay.url)
      const configText = [
        `server_name: ${serverName(index)}`,
        `cluster { name: highwater, listen: "127.0.0.1:${port}", no_advertise: true, routes: ${JSON.stringify(routes)} }`,
      ].join('\n')
      const storeDirectory = options.storeDirectories?.[index] ?? join(directory, serverName(index))
      const { program, syncInterval } = options
      const sync = syncInterval === undefined ? {} : { syncInterval }
      return startPrivateServer({ program, configText, storeDirectory, ...sync })
    })
    servers.push(...(await Promise.all(starts)))
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

function serverName(index: number): string {
  return `server-${index}`
}

/** A running cluster; whoever started it stops it. */
export class NatsCluster {
  readonly servers: readonly PrivateServer[]
  readonly #directory: string
  readonly #relays: readonly Relay[]

  constructor(directory: string, servers: readonly PrivateServer[], relays: readonly Relay[]) {
    this.#directory = directory
    this.servers = servers
    this.#relays = relays
  }

  get urls(): readonly string[] {
    return this.servers.map(({ url }) => url)
  }

  /** Index of the server that leads a stream now; waits until one does. */
  async leaderOf(manager: JetStreamManager, stream: string, timeoutMs = 30_000): Promise<number> {
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const leader = await manager.streams
        .info(stream)
        .then(({ cluster }) => cluster?.leader)
        .catch(() => undefined)
      const index = this.servers.findIndex((_, each) => serverName(each) === leader)
      if (index !== -1) return index
      if (performance.now() > deadlineMs) throw new Error(`nobody leads ${stream}`)
      await sleep(100)
    }
  }

  /**
   * Waits until every copy of a stream is up to date: a majority is enough to go on, but the next
   * fault must find all three.
   */
  async untilInSync(manager: JetStreamManager, stream: string, timeoutMs = 60_000): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const info = await manager.streams.info(stream).catch(() => null)
      const replicas = info?.cluster?.replicas ?? []
      const areAll = replicas.length === SIZE - 1
      // Under traffic a copy that keeps up is a few entries behind at any moment.
      const isUp = ({ current, offline, lag = 0, active }: (typeof replicas)[number]): boolean =>
        offline !== true && (current || (lag < LAG_MAX && active > 0))
      if (areAll && replicas.every(isUp)) return
      if (performance.now() > deadlineMs) throw new Error(`the copies of ${stream} do not agree`)
      await sleep(100)
    }
  }

  /** Cuts one server off from the two others, without a word: packets vanish. */
  isolate(index: number): void {
    for (const relay of this.#relays) if (relay.touches(index)) relay.hold()
  }

  /** Ends the isolation: what was held is dropped with its connections, and new ones pass. */
  heal(): void {
    for (const relay of this.#relays) relay.release()
  }

  /** Ends everything and removes what it made. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()))
    for (const relay of this.#relays) relay.close()
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** Passes TCP connections on to one port, or holds them: nothing passes and nothing ends. */
class Relay {
  readonly from: number
  readonly to: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isHeld = false

  private constructor(from: number, to: number, targetPort: number) {
    this.from = from
    this.to = to
    this.#server = createServer((near) => {
      const far = dial(targetPort, '127.0.0.1')
      for (const [a, b] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(a)
        a.on('error', () => a.destroy())
        a.on('close', () => {
          this.#sockets.delete(a)
          b.destroy()
        })
        a.on('data', (bytes) => b.write(bytes))
        if (this.#isHeld) a.pause()
      }
    })
  }

  static async open(from: number, to: number, targetPort: number): Promise<Relay> {
    const relay = new Relay(from, to, targetPort)
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve))
    return relay
  }

  get url(): string {
    return `nats-route://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  touches(index: number): boolean {
    return this.from === index || this.to === index
  }

  hold(): void {
    this.#isHeld = true
    for (const socket of this.#sockets) socket.pause()
  }

  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    for (const socket of [...this.#sockets]) socket.destroy()
  }

  close(): void {
    this.#server.close()
    for (const socket of [...this.#sockets]) socket.destroy()
  }
}

/** Ports that were free a moment ago; all are held until the last is known. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Server>((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
