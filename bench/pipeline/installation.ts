/**
 * An installation as people run it: a private broker, a folder of configuration, and `highwater
 * start` in a process of its own, which a bench may kill.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import { connectToNats } from '../../src/sink/connection.ts'
import { type PrivateServer, startPrivateServer } from '../../src/sink/nats-server.ts'
import { partitionDirectory } from '../../src/store/partition-directory.ts'
import { say } from '../report.ts'
import type { CrowdReport } from './crowd-image.ts'
import { forkForReport } from './fork.ts'
import { publishAll } from './rig.ts'
import { BATCH_RECORDS, BENCH_FILES, type Traffic } from './traffic.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const LOG_LENGTH_MAX = 20_000
const POLL_MS = 20
const LOOK_EVERY_MS = 100

/** Broker, configuration and store; workers come and go. */
export class Installation {
  readonly server: PrivateServer
  readonly connection: NatsConnection
  readonly #directory: string

  private constructor(server: PrivateServer, connection: NatsConnection, directory: string) {
    this.server = server
    this.connection = connection
    this.#directory = directory
  }

  /** Starts the broker and writes the configuration; `checkpointEvery` as in highwater.yaml. */
  static async start(checkpointEvery: string): Promise<Installation> {
    const directory = await mkdtemp(join(tmpdir(), 'highwater-bench-'))
    const server = await startPrivateServer({ storeDirectory: join(directory, 'jetstream') })
    const connection = await connectToNats({ servers: [server.url], name: 'bench' })
    const installation = new Installation(server, connection, directory)
    const settings = {
      nats: { servers: [server.url] },
      store: { directory: join(directory, 'store') },
      checkpoint: { every: checkpointEvery },
      http: { port: 0 },
    }
    const files = { ...BENCH_FILES, 'highwater.yaml': JSON.stringify(settings) }
    await installation.writeFiles(files)
    return installation
  }

  /** Writes files of the configuration; a worker takes them over when it is told to. */
  async writeFiles(files: ConfigFiles): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.#directory, 'config', path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    }
  }

  /** Starts a worker; it may not be ready yet. */
  startWorker(): StartedWorker {
    return new StartedWorker(join(this.#directory, 'config'))
  }

  /** Lets a worker make the streams and an image, and puts subscribers into the image. */
  async fill(subscribers: number): Promise<CrowdReport> {
    const worker = this.startWorker()
    await worker.untilReady()
    await worker.end('SIGTERM')
    say(`filling an image with ${subscribers} subscribers`)
    const store = partitionDirectory(join(this.#directory, 'store'), 0)
    const report = await forkForReport<CrowdReport>('crowd-image.ts', [store, `${subscribers}`])
    const { fillSeconds, imageSeconds } = report
    say(`filled in ${fillSeconds.toFixed(1)} s, written in ${imageSeconds.toFixed(1)} s`)
    return report
  }

  /** Publishes batches of `traffic`; resolves with IN's last sequence once all are stored. */
  async publish(traffic: Traffic, records: number): Promise<number> {
    say(`publishing ${records} records`)
    let published = 0
    await publishAll(this.connection, 'usage.0.probe', () => {
      if (published >= records) return null
      published += BATCH_RECORDS
      return traffic.random(BATCH_RECORDS, Date.now(), 'probe', 1)
    })
    return this.lastSequence()
  }

  /** Last sequence of IN. */
  async lastSequence(): Promise<number> {
    const manager = await jetstreamManager(this.connection)
    return (await manager.streams.info('IN_0')).state.last_seq
  }

  async stop(): Promise<void> {
    await this.connection.close()
    await this.server.stop()
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** One life of a worker. */
export class StartedWorker {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  /** When it was started, on the clock of `performance.now`. */
  readonly startedAtMs = performance.now()
  #log = ''
  #url: string | null = null

  constructor(configDirectory: string) {
    const args = [...process.execArgv, MAIN, 'start', '--config', configDirectory]
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#closed = once(this.#child, 'close')
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log = (this.#log + text).slice(-LOG_LENGTH_MAX)
        this.#url ??= /"url":"(http:[^"]+)"/.exec(this.#log)?.[1] ?? null
      })
    }
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Address of its HTTP server, once it listens. */
  async url(): Promise<string> {
    while (this.#url === null) {
      this.#checkLife()
      await sleep(POLL_MS)
    }
    return this.#url
  }

  /** Until `/-/ready` says so: replay is over. Resolves with the instant. */
  async untilReady(): Promise<number> {
    const url = await this.url()
    for (;;) {
      this.#checkLife()
      const answer = await fetch(`${url}/-/ready`)
      if (answer.ok) return performance.now()
      const text = await answer.text()
      if (text.includes('halted')) throw new Error(`the partition has halted: ${text}`)
      await sleep(POLL_MS)
    }
  }

  /**
   * Follows it until it has applied IN up to a sequence and OUT holds what it decided. Resolves
   * with inputs per second from the first look that found it at work.
   */
  async inputsPerSecond(lastSequence: number): Promise<number> {
    const { sequence: begin } = await this.#look()
    let first = await this.#look()
    while (first.sequence === begin) first = await this.#look()
    let last = first
    while (last.sequence < lastSequence) last = await this.#look()
    for (let look = last; look.owed > 0; ) look = await this.#look()
    return ((last.sequence - first.sequence) * 1000) / (last.atMs - first.atMs)
  }

  async #look(): Promise<{ sequence: number; owed: number; atMs: number }> {
    await sleep(LOOK_EVERY_MS)
    this.#checkLife()
    const metrics = await this.metrics()
    const decided = metrics.get('highwater_decision_number') ?? 0
    const sequence = metrics.get('highwater_applied_sequence') ?? 0
    const owed = decided - (metrics.get('highwater_acknowledged_decision_number') ?? 0)
    return { sequence, owed, atMs: performance.now() }
  }

  /** All it tells Prometheus, labels left out: of several, the last. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`${await this.url()}/metrics`)).text()
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      lines.map((line) => [/^\w+/.exec(line)![0], Number(line.slice(line.lastIndexOf(' ')))]),
    )
  }

  /** Makes it read its configuration again; throws when it refuses. */
  async reload(): Promise<void> {
    const answer = await fetch(`${await this.url()}/-/reload`, { method: 'POST' })
    if (!answer.ok) throw new Error(`the reload was refused: ${await answer.text()}`)
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal)
    await this.#closed
  }

  #checkLife(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return
    throw new Error(`the worker ended by itself:\n${this.#log}`)
  }
}
