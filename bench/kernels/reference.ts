/**
 * The reference in C: built into a temporary folder where the machine has a compiler, then a
 * process that takes turns with the kernel on the same core's worth of work.
 */

import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { KERNEL_SUBSCRIBER_FIRST, KERNEL_TIME_MS } from './kernel-records.ts'

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), 'reference.c')
const COMPILERS = ['cc', 'gcc', 'clang']

/** What of a run both sides must agree on. */
export interface KernelSums {
  readonly candidates: number
  readonly subscribers: number
  /** Sums of data_4g.day, data_4g.month, ott.day, ott.month over all subscribers. */
  readonly counters: readonly number[]
}

/** The compiler that `CC` names or that is there; null: none. */
export function findCompiler(): string | null {
  const named = process.env.CC
  const candidates = named === undefined || named === '' ? COMPILERS : [named]
  return candidates.find(canRun) ?? null
}

function canRun(compiler: string): boolean {
  try {
    execFileSync(compiler, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A running reference over `subscribers`; one question at a time. */
export class Reference {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: AsyncIterator<string>
  readonly #folder: string

  /** Builds and starts it. Throws where the compiler fails. */
  constructor(compiler: string, subscribers: number) {
    this.#folder = mkdtempSync(join(tmpdir(), 'highwater-reference-'))
    const program = join(this.#folder, 'reference')
    execFileSync(compiler, ['-O3', '-march=native', '-o', program, SOURCE, '-lm'])
    const args = [subscribers, KERNEL_SUBSCRIBER_FIRST, KERNEL_TIME_MS].map(String)
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** A record for every subscriber, and their tags; seconds. */
  async fill(): Promise<number> {
    return Number(await this.#ask('fill')) / 1e9
  }

  /** Seconds for so many batches: the whole kernel, the look-up, or with memory asked for ahead. */
  async run(pass: 'round' | 'resolve' | 'ahead', batches: number): Promise<number> {
    return Number(await this.#ask(`${pass} ${batches}`)) / 1e9
  }

  async sums(): Promise<KernelSums> {
    const [candidates, subscribers, ...counters] = JSON.parse(await this.#ask('sums')) as number[]
    return { candidates: candidates!, subscribers: subscribers!, counters }
  }

  /** Ends it. Throws when it met what the kernel would have left to the general path. */
  async stop(): Promise<void> {
    const isOver = once(this.#child, 'exit')
    this.#child.stdin.end()
    const [code] = await isOver
    rmSync(this.#folder, { recursive: true, force: true })
    if (code !== 0) throw new Error(`the reference in C ended with ${code}`)
  }

  async #ask(command: string): Promise<string> {
    this.#child.stdin.write(`${command}\n`)
    const { value, done } = await this.#answers.next()
    if (done === true) throw new Error(`the reference in C does not answer ${command}`)
    return value as string
  }
}
