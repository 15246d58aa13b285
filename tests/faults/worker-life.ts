/**
 * Workers as `highwater start` runs them, in lives of their own, over one private nats-server: what
 * the families that kill processes share.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { brokerLink } from '../../src/sink/broker-link.ts'
import { connectToNats } from '../../src/sink/connection.ts'
import type { PrivateServer } from '../../src/sink/nats-server.ts'
import { COMPILE_CACHE, fillCompileCache } from '../support/compile-cache.ts'
import { WorkerProcess } from '../support/kill-worker.ts'
import { startNatsServer } from '../support/nats-server.ts'
import { writeFiles } from '../support/worker-harness.ts'
import { genesisSettings, type Story } from './story.ts'

/** Settings beside those that every worker of a stage needs, by section. */
export type StageSettings = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** One server and the config directories of its workers. */
export class Stage {
  readonly directory: string
  readonly server: PrivateServer
  /** The producer's and the reader's. */
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  readonly #story: Story
  readonly #lives: WorkerProcess[] = []

  constructor(
    directory: string,
    server: PrivateServer,
    connection: NatsConnection,
    manager: JetStreamManager,
    story: Story,
  ) {
    this.directory = directory
    this.server = server
    this.connection = connection
    this.manager = manager
    this.#story = story
  }

  /** Writes the config directory of a worker named `name`, with a store of its own. */
  async configure(name: string, settings: StageSettings = {}): Promise<string> {
    const directory = join(this.directory, `config-${name}`)
    const all: Record<string, Record<string, unknown>> = {
      nats: { servers: [this.server.url] },
      genesis: genesisSettings(this.#story),
      partitions: { count: this.#story.parameters.partitionCount },
      store: { directory: join(this.directory, `store-${name}`) },
      // A test asks more often than any monitoring does.
      http: { port: 0, readsPerMinute: 1_000_000 },
    }
    for (const [section, fields] of Object.entries(settings)) {
      all[section] = { ...all[section], ...fields }
    }
    const files = { ...this.#story.files, 'highwater.yaml': JSON.stringify(all) }
    await writeFiles(directory, files)
    return directory
  }

  /** Starts a worker; ended with the stage if it still lives. */
  start(configDirectory: string): WorkerProcess {
    const worker = new WorkerProcess(configDirectory, lifeEnvironment())
    this.#lives.push(worker)
    return worker
  }

  /** A worker makes the streams; resolves once genesis is in all of them. */
  async untilStreams(): Promise<void> {
    const { partitionCount } = this.#story.parameters
    for (let partition = 0; partition < partitionCount; ) {
      if (await this.#isBegun(partition)) partition += 1
      else await new Promise((resolve) => setTimeout(resolve, 20))
      // Nobody is left who would make them.
      const isOver = this.#lives.length > 0 && this.#lives.every(({ isGone }) => isGone)
      if (isOver) throw new Error(`a worker ended by itself: ${this.#lives.at(-1)!.log}`)
    }
  }

  async #isBegun(partition: number): Promise<boolean> {
    try {
      await this.manager.streams.info(`REJ_${partition}`)
      const { state, config } = await this.manager.streams.info(`IN_${partition}`)
      // Other subjects come after genesis: who publishes before waits for the next life.
      return state.last_seq > 0 && (config.subjects?.length ?? 0) > 1
    } catch {
      return false
    }
  }

  /** After a restart of the server: the next request must not meet a dead connection. */
  async untilConnected(): Promise<void> {
    await brokerLink(this.connection).untilConnected(10_000)
    await this.connection.flush()
  }

  async close(): Promise<void> {
    await Promise.all(this.#lives.map((life) => life.end('SIGKILL')))
    await this.connection.close()
    await this.server.stop()
    await rm(this.directory, { recursive: true, force: true })
  }
}

/** Starts a server for a story. The caller closes the stage. */
export async function openStage(story: Story): Promise<Stage> {
  await compileOnce()
  const directory = await mkdtemp(join(tmpdir(), 'highwater-stage-'))
  const server = await startNatsServer({ storeDirectory: join(directory, 'nats') })
  const connection = await connectToNats({ servers: [server.url], name: 'story' })
  const manager = await jetstreamManager(connection, { checkAPI: false })
  return new Stage(directory, server, connection, manager, story)
}

let compiling: Promise<void> | null = null

/** Halves the start of all that are to be killed. */
function compileOnce(): Promise<void> {
  compiling ??= fillCompileCache()
  return compiling
}

/** Environment of processes that are to be killed: their start is short. */
export function lifeEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE }
}
