/**
 * A private nats-server with JetStream on file storage: for the demo and for tests. It listens on
 * the loopback only, on a port that the system chose, and keeps that port over restarts.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BrokerUnavailableError, UsageError } from '../errors.ts'

/** Options of `startPrivateServer`; everything has a default. */
export interface PrivateServerOptions {
  /**
   * Where JetStream keeps its files; kept when the server stops. Default: a temporary directory,
   * removed by `stop`.
   */
  readonly storeDirectory?: string
  /**
   * When JetStream syncs its files (`sync_interval`): `always` before it acknowledges, or every so
   * often, like `1s`. Needs nats-server 2.10. Default: the server's own, every two minutes.
   */
  readonly syncInterval?: string
  /** Appended to the generated configuration (nats-server syntax). */
  readonly configText?: string
  /** TCP port on 127.0.0.1; default: a free one. */
  readonly port?: number
  /** Path of the program; default: `findNatsServer()`. */
  readonly program?: string
  /** How long a start may take, including the recovery of the streams. Default 30,000. */
  readonly startTimeoutMs?: number
}

/**
 * A running private server. Whoever started it stops it; the exit of this process kills it, too.
 */
export interface PrivateServer {
  readonly url: string
  readonly port: number
  readonly monitorUrl: string
  readonly storeDirectory: string
  /** Process id of the current run; changes with `restart`. */
  readonly pid: number
  /** Sends a signal. For one that ends the process (default SIGKILL), resolves when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Ends the server in an orderly way and removes what it made. May be called twice. */
  stop(): Promise<void>
  /** Starts it again on the same port and files, after ending it if it still runs. */
  restart(): Promise<void>
}

/**
 * Path of the nats-server program: HIGHWATER_NATS_SERVER, then PATH, then the project's own cache
 * folder.
 * @throws {UsageError} when there is none
 */
export function findNatsServer(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment.HIGHWATER_NATS_SERVER
  if (named !== undefined && named !== '') {
    if (isProgram(named)) return named
    throw new UsageError(`HIGHWATER_NATS_SERVER names no program: ${named}`)
  }
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  // The same two steps up lead from src/sink and from dist/sink to the project.
  folders.push(resolve(import.meta.dirname, '..', '..', '.cache', 'bin'))
  for (const folder of folders) {
    const path = join(folder, 'nats-server')
    if (isProgram(path)) return path
  }
  throw new UsageError(
    'nats-server was not found: install it (2.9 or later) so that it is on PATH, or name it in HIGHWATER_NATS_SERVER',
  )
}

/**
 * Starts a private server and resolves when it accepts connections.
 * @throws {UsageError} when the program is missing
 * @throws {BrokerUnavailableError} when it does not come up
 */
export async function startPrivateServer(
  options: PrivateServerOptions = {},
): Promise<PrivateServer> {
  const program = options.program ?? findNatsServer()
  const workDirectory = await mkdtemp(join(tmpdir(), 'highwater-nats-'))
  const storeDirectory = options.storeDirectory ?? join(workDirectory, 'store')
  await mkdir(storeDirectory, { recursive: true })
  const server = new PrivateServerProcess(program, workDirectory, storeDirectory, options)
  try {
    await server.start()
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

const ENDING_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT'])
const STOP_TIMEOUT_MS = 10_000

class PrivateServerProcess implements PrivateServer {
  readonly storeDirectory: string
  readonly #program: string
  readonly #workDirectory: string
  readonly #configText: string
  readonly #syncText: string
  readonly #startTimeoutMs: number
  readonly #killChild = (): void => {
    this.#child?.kill('SIGKILL')
  }
  #port: number
  #monitorPort = -1
  #child: ChildProcess | null = null
  #exited: Promise<void> = Promise.resolve()

  constructor(
    program: string,
    workDirectory: string,
    storeDirectory: string,
    options: PrivateServerOptions,
  ) {
    this.#program = program
    this.#workDirectory = workDirectory
    this.storeDirectory = storeDirectory
    this.#configText = options.configText ?? ''
    const { syncInterval } = options
    this.#syncText = syncInterval === undefined ? '' : `, sync_interval: ${syncInterval}`
    this.#startTimeoutMs = options.startTimeoutMs ?? 30_000
    this.#port = options.port ?? -1
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`
  }

  get port(): number {
    return this.#port
  }

  get monitorUrl(): string {
    return `http://127.0.0.1:${this.#monitorPort}`
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  async start(): Promise<void> {
    const configFile = join(this.#workDirectory, 'nats-server.conf')
    const logFile = join(this.#workDirectory, 'nats-server.log')
    await writeFile(configFile, this.#config(logFile))
    const child = spawn(
      this.#program,
      ['-c', configFile, '--ports_file_dir', this.#workDirectory],
      // Its own process group: a Ctrl-C at the terminal reaches the worker first, which then stops
      // the server.
      { stdio: 'ignore', detached: true },
    )
    child.unref()
    this.#child = child
    this.#exited = new Promise((resolveExit) => {
      child.once('error', () => resolveExit())
      child.once('exit', () => resolveExit())
    })
    process.once('exit', this.#killChild)
    const ports = await this.#waitForPorts(child)
    if (ports === null) {
      await this.kill('SIGKILL')
      throw new BrokerUnavailableError(`nats-server did not start: ${lastLines(logFile)}`)
    }
    this.#port = portOf(ports.nats[0])
    this.#monitorPort = portOf(ports.monitoring?.[0])
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === null) return
    child.kill(signal)
    if (!ENDING_SIGNALS.has(signal)) return
    // We wait for it now: nothing else may be left that keeps this process up until it is gone.
    child.ref()
    await this.#exited
    process.removeListener('exit', this.#killChild)
    this.#child = null
  }

  async stop(): Promise<void> {
    await this.#end()
    await rm(this.#workDirectory, { recursive: true, force: true })
  }

  async restart(): Promise<void> {
    await this.#end()
    await this.start()
  }

  async #end(): Promise<void> {
    if (this.#child === null) return
    const deadline = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await this.kill('SIGTERM')
    clearTimeout(deadline)
  }

  #config(logFile: string): string {
    return [
      `listen: "127.0.0.1:${this.#port}"`,
      `http: "127.0.0.1:${this.#monitorPort}"`,
      `log_file: ${JSON.stringify(logFile)}`,
      `jetstream { store_dir: ${JSON.stringify(this.storeDirectory)}${this.#syncText} }`,
      this.#configText,
      '',
    ].join('\n')
  }

  /** The server writes its ports to a file once it accepts connections; null when it failed to. */
  async #waitForPorts(child: ChildProcess): Promise<ServerPorts | null> {
    const deadlineMs = performance.now() + this.#startTimeoutMs
    const suffix = `_${child.pid}.ports`
    while (performance.now() < deadlineMs) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
        return null
      const name = (await readdir(this.#workDirectory)).find((entry) => entry.endsWith(suffix))
      if (name !== undefined) {
        const text = await readFile(join(this.#workDirectory, name), 'utf8')
        // The file may be seen before its last byte is written.
        if (text.trimEnd().endsWith('}')) return JSON.parse(text) as ServerPorts
      }
      await sleep(10)
    }
    return null
  }
}

interface ServerPorts {
  readonly nats: readonly string[]
  readonly monitoring?: readonly string[]
}

function portOf(address: string | undefined): number {
  return address === undefined ? -1 : Number(new URL(address).port)
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5).join(' | ')
  } catch {
    return 'it left no log'
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
