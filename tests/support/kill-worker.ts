/** A worker as `highwater start` runs it, in a process of its own that a test may kill. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const LOG_LENGTH_MAX = 20_000

/** One life of a worker. */
export class WorkerProcess {
  /** What it said, or the end of it. */
  log = ''
  #url: string | null = null
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>

  constructor(configDirectory: string, environment: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(process.execPath, [MAIN, 'start', '--config', configDirectory], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment,
    })
    this.#closed = once(this.#child, 'close')
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.log = (this.log + text).slice(-LOG_LENGTH_MAX)
        this.#url ??= /"url":"(http:[^"]+)"/.exec(this.log)?.[1] ?? null
      })
    }
  }

  /** Resolves with the address of its HTTP server; rejects when it ends before it has one. */
  async untilListening(): Promise<string> {
    for (;;) {
      if (this.#url !== null) return this.#url
      if (this.#isGone()) throw new Error(`the worker ended by itself:\n${this.log}`)
      await Promise.race([once(this.#child.stdout!, 'data'), this.#closed])
    }
  }

  /** Sends a signal that does not end it: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Resolves when it has ended, by whatever. */
  async untilEnded(): Promise<void> {
    await this.#closed
  }

  get pid(): number {
    return this.#child.pid!
  }

  get isGone(): boolean {
    return this.#isGone()
  }

  /** Sends a signal and waits for the end; returns exit code and signal. */
  async end(signal: NodeJS.Signals): Promise<readonly [number | null, NodeJS.Signals | null]> {
    if (!this.#isGone()) this.#child.kill(signal)
    await this.#closed
    return [this.#child.exitCode, this.#child.signalCode]
  }

  #isGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }
}

/** One number of a worker's `/metrics`, by the start of its line; 0 while there is no partition. */
export async function readMetric(url: string, name: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', url))).text()
  const line = text.split('\n').find((each) => each.startsWith(name))
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ')))
}
