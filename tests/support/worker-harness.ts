/**
 * A whole installation for integration tests: a private nats-server, store and config directories,
 * a producer, and as many workers as a test wants, in this process or as children. Everything that
 * was opened is closed by `close`.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { pino } from 'pino'
import { engineIdentity } from '../../src/commands/engine.ts'
import { type RunningWorker, serve } from '../../src/commands/serve.ts'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { ClockMode } from '../../src/model/messages.ts'
import type { EngineIdentity } from '../../src/partition/image.ts'
import { SYSTEM_CLOCK } from '../../src/partition/system-clock.ts'
import {
  PartitionWorker,
  type WorkerPorts,
  type WorkerSettings,
} from '../../src/partition/worker.ts'
import {
  encodeGenesis,
  encodeTick,
  encodeUsageRows,
  type UsageRow,
} from '../../src/probe/encode.ts'
import { createErrandWriter } from '../../src/probe/encode-errand.ts'
import { brokerLink } from '../../src/sink/broker-link.ts'
import { connectToNats } from '../../src/sink/connection.ts'
import { openControlWriter } from '../../src/sink/control-writer.ts'
import { openInputWriter } from '../../src/sink/input-writer.ts'
import type { PrivateServer } from '../../src/sink/nats-server.ts'
import { openOutputStream } from '../../src/sink/output-stream.ts'
import { openRejectStream } from '../../src/sink/reject-stream.ts'
import { DEFAULT_STREAM_LIMITS, type StreamLimits } from '../../src/sink/stream-settings.ts'
import { ensureStreams } from '../../src/sink/streams.ts'
import { createJetStreamSource } from '../../src/source/jetstream-source.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { startNatsServer } from './nats-server.ts'
import { cutWhenCrashed } from './port-wrappers.ts'
import {
  decisionsOf,
  type OutDecision,
  type OutMessage,
  type RejectMessage,
  readOutput,
  readRejects,
} from './stream-contents.ts'

/** One counter and one trigger: each subscriber that reaches 1 KiB gets one delivery, at once. */
export const LINE_FILES: ConfigFiles = {
  'counters.yaml': 'counters:\n  data: { sum: bytes, per: [lifetime] }\n',
  'triggers/line.yaml':
    'trigger: line\nwhen: data.lifetime >= 1 * KiB\nonce: ever\ndeliver: { channel: sms }\nmessage: Hello\n',
}

/** What a test may choose of one in-process worker. */
export interface WorkerChoice {
  /** Name of its store directory and in its claims; default `a`. */
  readonly name?: string
  readonly partition?: number
  /** Replaces ports by ones that misbehave. */
  readonly wrap?: (ports: WorkerPorts) => WorkerPorts
  readonly settings?: Partial<WorkerSettings>
  /** Time between checkpoints; default: never by itself. */
  readonly checkpointEveryMs?: number
  readonly engine?: Partial<EngineIdentity>
}

/** A worker under test. */
export interface TestWorker {
  readonly worker: PartitionWorker
  readonly connection: NatsConnection
  /** Resolves when it stopped or halted. */
  readonly done: Promise<void>
  /**
   * As if the process had died: nothing that it holds reaches OUT, REJ, IN or the store any more.
   */
  crash(): Promise<void>
}

/** What a test may choose of the installation. */
export interface InstallationChoice {
  readonly files?: ConfigFiles
  readonly clock?: ClockMode
  readonly limits?: Partial<StreamLimits>
  readonly partitionCount?: number
}

const NEVER_MS = 1e9

/** Starts a server; streams come with the first worker, or with `makeStreams`. */
export async function openInstallation(choice: InstallationChoice = {}): Promise<Installation> {
  const directory = await mkdtemp(join(tmpdir(), 'highwater-worker-'))
  const server = await startNatsServer({ storeDirectory: join(directory, 'nats') })
  const connection = await connectToNats({ servers: [server.url], name: 'test-producer' })
  return new Installation(directory, server, connection, choice)
}

/** Everything around the workers of one test. */
export class Installation {
  readonly directory: string
  readonly server: PrivateServer
  /** The producer's and the admin's connection. */
  readonly connection: NatsConnection
  readonly #choice: InstallationChoice
  readonly #closers: (() => Promise<unknown>)[] = []
  #seq = 0

  constructor(
    directory: string,
    server: PrivateServer,
    connection: NatsConnection,
    choice: InstallationChoice,
  ) {
    this.directory = directory
    this.server = server
    this.connection = connection
    this.#choice = choice
  }

  /** Runs when the installation is closed, newest first. */
  onClose(close: () => Promise<unknown>): void {
    this.#closers.push(close)
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
    await this.connection.close()
    await this.server.stop()
    await rm(this.directory, { recursive: true, force: true })
  }

  async manager(): Promise<JetStreamManager> {
    await this.untilConnected()
    return jetstreamManager(this.connection, { checkAPI: false })
  }

  storeDirectory(name = 'a', partition = 0): string {
    return join(this.directory, `store-${name}`, `partition-${partition}`)
  }

  /** Makes the three streams and genesis, as the supervisor does. */
  async makeStreams(partition = 0, isNew = true): Promise<void> {
    const {
      files = LINE_FILES,
      clock = { mode: 'real' },
      limits,
      partitionCount = 1,
    } = this.#choice
    const genesis = encodeGenesis({
      id: `genesis-${partition}`,
      partitionCount,
      partition,
      zone: 'Asia/Shanghai',
      clock,
      generation: 1,
      files,
    })
    const all = { ...DEFAULT_STREAM_LIMITS, ...limits }
    await ensureStreams(this.connection, partition, all, isNew ? genesis : null)
  }

  /** Starts a worker on real adapters; does not wait for it to be live. */
  async startWorker(choice: WorkerChoice = {}): Promise<TestWorker> {
    const { name = 'a', partition = 0, wrap = (ports) => ports } = choice
    await this.makeStreams(partition)
    const connection = await connectToNats({ servers: [this.server.url], name: `worker-${name}` })
    const store = await openStore(this.storeDirectory(name, partition))
    const stream = `IN_${partition}`
    const source = await createJetStreamSource(connection, brokerLink(connection), { stream })
    const real: WorkerPorts = {
      source,
      output: await openOutputStream(connection, partition),
      rejects: openRejectStream(connection, partition),
      control: openControlWriter(connection, partition),
      errands: createErrandWriter((target) => openControlWriter(connection, target)),
      store,
      clock: SYSTEM_CLOCK,
    }
    const { ports, cut } = cutWhenCrashed(wrap(real))
    const worker = new PartitionWorker(ports, {
      partition,
      worker: name,
      engine: { ...engineIdentity(), ...choice.engine },
      checkpoint: { everyMs: choice.checkpointEveryMs ?? NEVER_MS, bandwidth: 1e9 },
      outbox: { latencyMs: 1, batchDecisionsMax: 100, batchSizeMax: 64 * 1024 },
      pendingDecisionsMax: 10_000,
      encodeTick: (id) => encodeTick({ id }),
      ...choice.settings,
    })
    const done = worker.start()
    let isGone = false
    const crash = async (): Promise<void> => {
      if (isGone) return
      isGone = true
      cut()
      // What a killed process had handed to the kernel is there; the lock goes with the process.
      await store.close()
      await connection.close()
    }
    this.onClose(crash)
    return { worker, connection, done, crash }
  }

  /** Starts a worker and waits until it is live. */
  async startLive(choice: WorkerChoice = {}): Promise<TestWorker> {
    const started = await this.startWorker(choice)
    await started.worker.untilLive()
    return started
  }

  /** Drains a worker and closes what is its own. */
  async stop({ worker, crash }: TestWorker): Promise<void> {
    await worker.stop()
    await crash()
  }

  /**
   * Writes a config directory for `serve` and `start`; `settings` is YAML that follows the basics.
   */
  async writeConfig(
    name: string,
    files: ConfigFiles = LINE_FILES,
    settings: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
  ): Promise<string> {
    const directory = join(this.directory, `config-${name}`)
    const basics: Record<string, Record<string, unknown>> = {
      nats: { servers: [this.server.url] },
      store: { directory: join(this.directory, `store-${name}`) },
      http: { port: 0 },
      checkpoint: { every: '1h' },
    }
    const merged = { ...basics, ...settings }
    await writeFiles(directory, { 'highwater.yaml': JSON.stringify(merged), ...files })
    return directory
  }

  /** A whole worker in this process, with HTTP. */
  async serve(configDirectory: string, isWatching = false): Promise<RunningWorker> {
    const logger = pino({ level: 'silent' })
    const running = await serve({ configDirectory, logger, isWatching })
    this.onClose(() => running.stop())
    return running
  }

  /** A whole worker in a process of its own. Resolves when it says that HTTP listens. */
  async spawn(configDirectory: string, options: readonly string[] = []): Promise<ChildWorker> {
    const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
    const args = [main, 'start', '--config', configDirectory, ...options]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const output: string[] = []
    const exited = once(child, 'exit').then(() => undefined)
    this.onClose(async () => {
      child.kill('SIGKILL')
      await exited
    })
    let url = ''
    const listens = new Promise<void>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          output.push(line)
          const found = /"url":"(http[^"]+)"/.exec(line)?.[1]
          if (found === undefined) return
          url = found
          resolve()
        })
      }
    })
    await Promise.race([listens, exited])
    return { child, output, exited, url: () => url }
  }

  /** Publishes one usage batch and repeats it until it is stored. */
  async usage(
    rows: readonly UsageRow[],
    stamp: { probe?: string; epoch?: number; seq?: number } = {},
    partition = 0,
  ): Promise<void> {
    const { probe = 'probe', epoch = 1, seq = ++this.#seq } = stamp
    await this.send(`usage.${partition}.${probe}`, encodeUsageRows({ probe, epoch, seq }, rows))
  }

  /** One record of 1 KiB, now, for each subscriber: one delivery each under LINE_FILES. */
  async cross(subscribers: readonly number[], partition = 0): Promise<void> {
    const now = Date.now()
    await this.usage(
      subscribers.map((subscriber) => [subscriber, 1024, now]),
      {},
      partition,
    )
  }

  /** Publishes until the broker says that it is stored: the same bytes each time. */
  async send(subject: string, data: Uint8Array): Promise<void> {
    const partition = Number(subject.split('.')[1])
    const writer = openInputWriter(this.connection, partition, 1_000)
    for (;;) {
      try {
        await writer.publish(subject, data)
        return
      } catch (error) {
        if ((error as { code?: string }).code !== 'HW_BROKER_UNAVAILABLE') throw error
        await sleep(20)
      }
    }
  }

  /** All of OUT. */
  async readOut(partition = 0): Promise<OutMessage[]> {
    return readOutput(await this.manager(), partition)
  }

  /** All decisions of OUT; throws when the chain is broken: numbers 1, 2, 3 … each exactly once. */
  async decisions(partition = 0): Promise<OutDecision[]> {
    return decisionsOf(await this.readOut(partition))
  }

  /** All of REJ, repeats by key removed (it is at least once). */
  async rejects(partition = 0): Promise<RejectMessage[]> {
    return readRejects(await this.manager(), partition)
  }

  /** After a restart of the server: the next request of a test must not meet a dead connection. */
  async untilConnected(): Promise<void> {
    await brokerLink(this.connection).untilConnected(10_000)
    await this.connection.flush()
  }
}

/** A worker in a process of its own. */
export interface ChildWorker {
  readonly child: ChildProcess
  /** Lines of its log so far. */
  readonly output: readonly string[]
  readonly exited: Promise<void>
  readonly url: () => string
}

/** Writes texts below a directory. */
export async function writeFiles(directory: string, files: ConfigFiles): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const target = join(directory, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, text)
  }
}

/**
 * Polls until the condition holds; throws after `timeoutMs` so that a test says what it waited for.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`timed out waiting until ${what}`)
    await sleep(5)
  }
}

/** Numbers `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/** Waits until OUT has acknowledged a worker's decisions up to exactly this number. */
export async function untilSaid({ worker }: TestWorker, number: number): Promise<void> {
  await until(
    `decision ${number} is said`,
    () => worker.view().acknowledgedDecisionNumber === number,
  )
}

/** A worker that said something and left a checkpoint of it. */
export async function leaveImage(installation: Installation): Promise<void> {
  const before = await installation.startLive()
  await installation.cross(range(1, 10))
  await installation.cross(range(11, 20))
  await untilSaid(before, 20)
  await installation.stop(before)
}
