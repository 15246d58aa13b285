/**
 * Where a demo or a scenario takes place: its folder, its nats-server, its worker; all of it goes
 * when it ends.
 */

import { rmSync } from 'node:fs'
import { cp, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { destination, pino } from 'pino'
import { loadConfigDirectory } from '../config/load.ts'
import { UsageError } from '../errors.ts'
import { type PrivateServer, startPrivateServer } from '../sink/nats-server.ts'
import { INTERRUPTED } from './interrupt.ts'
import type { Screen } from './screen.ts'
import { type RunningWorker, serve } from './serve.ts'

/** The folder of all scenarios: beside src/ and, compiled, beside dist/. */
export const SCENARIOS_DIRECTORY = join(import.meta.dirname, '..', '..', 'config', 'scenarios')

/** What a usage record takes in the input stream, and some for all else. */
const RECORD_SIZE = 36

/** What takes place, and whose clock it runs on. */
export interface StageOptions {
  /** `demo` or `scenario`: names the folder, and the command in messages. */
  readonly name: string
  /** Folder of the configuration below SCENARIOS_DIRECTORY. */
  readonly scenario: string
  /** Whose ticks move the virtual clock, and where it begins, ms since the epoch. */
  readonly tickWriter: string
  readonly startMs: number
  readonly recordsExpected: number
  /** Lines of highwater.yaml beside those of this machine. */
  readonly settings?: readonly string[]
}

/** Everything that was set up so far; `strike` takes it down in the other order. */
export class PrivateStage {
  readonly directory: string
  readonly #options: StageOptions
  #server: PrivateServer | null = null
  #worker: RunningWorker | null = null
  #striking: Promise<void> | null = null

  private constructor(options: StageOptions, directory: string) {
    this.#options = options
    this.directory = directory
  }

  /** Makes the folder. @throws UsageError when so many records would not fit on the disk */
  static async create(options: StageOptions): Promise<PrivateStage> {
    const { name, recordsExpected } = options
    const { bavail, bsize } = await statfs(tmpdir())
    const [freeSize, neededSize] = [bavail * bsize, recordsExpected * RECORD_SIZE]
    if (freeSize < neededSize) {
      const gigabytes = (size: number): string => `${(size / 1e9).toFixed(1)} GB`
      throw new UsageError(
        `the ${name} needs ${gigabytes(neededSize)} in ${tmpdir()}, ` +
          `which has ${gigabytes(freeSize)}: ` +
          'take fewer --subscribers or --days, or set TMPDIR',
      )
    }
    return new PrivateStage(options, await mkdtemp(join(tmpdir(), `highwater-${name}-`)))
  }

  get configDirectory(): string {
    return join(this.directory, 'config')
  }

  get logFile(): string {
    return join(this.directory, 'worker.log')
  }

  get natsDirectory(): string {
    return join(this.directory, 'nats')
  }

  async startServer(): Promise<PrivateServer> {
    this.#server = await startPrivateServer({ storeDirectory: this.natsDirectory })
    return this.#server
  }

  /**
   * The scenario's own files, with the settings of this machine; then a worker as `start` runs it.
   */
  async startWorker(): Promise<RunningWorker> {
    const source = join(SCENARIOS_DIRECTORY, this.#options.scenario)
    await cp(source, this.configDirectory, { recursive: true })
    await writeFile(join(this.configDirectory, 'highwater.yaml'), this.#settings())
    const logger = pino({ level: 'info' }, destination({ dest: this.logFile, sync: true }))
    const config = await loadConfigDirectory(this.configDirectory)
    const { configDirectory } = this
    this.#worker = await serve({ configDirectory, config, logger, isWatching: false })
    return this.#worker
  }

  /** Stops the worker (orderly, with a last checkpoint), then the server; may be called twice. */
  strike(isKept: boolean): Promise<void> {
    this.#striking ??= this.#strike(isKept)
    return this.#striking
  }

  /** Removes the folder without stopping anything; for a process that is about to exit. */
  removeNow(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** How to look at what `--keep` left. */
  keepsake(): string[] {
    const port = this.#server?.port ?? 4222
    return [
      `Kept: ${this.directory}`,
      '  nats/ holds the streams, store/ the checkpoints, worker.log what the worker said.',
      '  To look at it, start the server and then the worker, which says where HTTP listens:',
      `  nats-server -js -a 127.0.0.1 -p ${port} -sd ${this.natsDirectory}`,
      `  npm start -- --config ${this.configDirectory}`,
    ]
  }

  async #strike(isKept: boolean): Promise<void> {
    try {
      await this.#worker?.stop()
    } finally {
      await this.#server?.stop()
      if (!isKept) await rm(this.directory, { recursive: true, force: true })
    }
  }

  #settings(): string {
    const { name, tickWriter, startMs, settings = [] } = this.#options
    const start = new Date(startMs).toISOString()
    return [
      `# Written by highwater ${name}.`,
      `nats: { servers: ['${this.#server?.url}'] }`,
      'partitions: { count: 1 }',
      `genesis: { clock: virtual, writer: ${tickWriter}, start: '${start}' }`,
      `store: { directory: ${JSON.stringify(join(this.directory, 'store'))} }`,
      'checkpoint: { every: 5s }',
      'http: { port: 0 }',
      ...settings,
      '',
    ].join('\n')
  }
}

/**
 * Performs `work` on a stage of its own and takes it down; `isKeeping`: leaves it and says where.
 * Ctrl-C and SIGTERM abort the signal, a second one ends the process at once.
 */
export async function performOnStage(
  options: StageOptions,
  screen: Screen,
  isKeeping: boolean,
  work: (stage: PrivateStage, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const ending = new AbortController()
  let stage: PrivateStage | null = null
  const interrupt = (): void => {
    if (ending.signal.aborted) {
      // The exit of this process kills the server.
      if (!isKeeping) stage?.removeNow()
      process.exit(INTERRUPTED)
    }
    screen.say('Interrupted: ending in good order (once more: at once) …')
    ending.abort()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  try {
    stage = await PrivateStage.create(options)
    return await work(stage, ending.signal)
  } finally {
    await stage?.strike(isKeeping)
    process.removeListener('SIGINT', interrupt)
    process.removeListener('SIGTERM', interrupt)
    for (const line of isKeeping ? (stage?.keepsake() ?? []) : ['Stopped and cleaned up.']) {
      screen.say(line)
    }
  }
}
