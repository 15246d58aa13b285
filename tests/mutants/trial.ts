/**
 * Tries mutants in a copy of the work tree, so that the real one is never touched: changes one
 * file, checks that the engine still compiles, runs the suites, and puts the file back.
 */

import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ensureDebianProgram } from '../../src/launch.mjs'
import { type Mutant, type MutantResult, mutate } from './mutant.ts'

const PROJECT = join(import.meta.dirname, '..', '..')
const SUITE_TIMEOUT_MS = 300_000
/** Without its protection a test may wait for a halt that never comes. */
const MUTANT_TIMEOUT_MS = 12_000

/** A copy of the project without its history, with the packages of the original. */
export class TrialTree {
  readonly #directory: string
  readonly #natsServer: string

  private constructor(directory: string, natsServer: string) {
    this.#directory = directory
    this.#natsServer = natsServer
  }

  /** Makes the copy anew; `directory` is replaced. */
  static async open(directory: string): Promise<TrialTree> {
    await rm(directory, { recursive: true, force: true })
    for (const file of projectFiles()) {
      const target = join(directory, file)
      await mkdir(dirname(target), { recursive: true })
      await cp(join(PROJECT, file), target)
    }
    await symlink(join(PROJECT, 'node_modules'), join(directory, 'node_modules'))
    return new TrialTree(directory, await ensureDebianProgram('nats-server'))
  }

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** Tries one mutant. */
  async try(mutant: Mutant): Promise<MutantResult> {
    const startedAt = performance.now()
    const path = join(this.#directory, mutant.file)
    const text = await readFile(path, 'utf8')
    const mutated = mutate(text, mutant)
    const outcome =
      mutated === null
        ? { ...NOTHING, verdict: 'stale' as const }
        : await this.#run(path, mutated, mutant)
    await writeFile(path, text)
    return { name: mutant.name, ...outcome, seconds: (performance.now() - startedAt) / 1000 }
  }

  async #run(path: string, mutated: string, { suites }: Mutant): Promise<Outcome> {
    await writeFile(path, mutated)
    const flags = ['--noUnusedLocals', 'false', '--noUnusedParameters', 'false']
    const compiled = await this.#tool('tsc', ['--noEmit', '-p', 'tsconfig.json', ...flags])
    if (compiled.code !== 0)
      return { ...NOTHING, verdict: 'broken', firstFailure: firstLine(compiled.text) }
    return this.runSuites(suites, MUTANT_TIMEOUT_MS)
  }

  /** Runs suites on the copy as it is; `timeoutMs` is that of a test. */
  async runSuites(suites: readonly string[], timeoutMs: number): Promise<Outcome> {
    const report = join(this.#directory, 'report.json')
    await rm(report, { force: true })
    const files = suites.map((suite) => join('tests', suite))
    const options = [
      '--bail=1',
      `--testTimeout=${timeoutMs}`,
      '--hookTimeout=120000',
      '--reporter=json',
      `--outputFile=${report}`,
    ]
    const { text: output } = await this.#tool('vitest', ['run', ...files, ...options])
    const text = await readFile(report, 'utf8').catch(() => '')
    if (text === '') return { ...NOTHING, verdict: 'broken', firstFailure: firstLine(output) }
    return readReport(JSON.parse(text) as VitestReport)
  }

  #tool(name: string, args: readonly string[]): Promise<{ code: number; text: string }> {
    const program = join(PROJECT, 'node_modules', '.bin', name)
    const options = {
      cwd: this.#directory,
      timeout: SUITE_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, NO_COLOR: '1', HIGHWATER_NATS_SERVER: this.#natsServer },
    }
    return new Promise((resolve) => {
      execFile(program, [...args], options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : 1, text: stdout + stderr })
      })
    })
  }
}

type Outcome = Omit<MutantResult, 'name' | 'seconds'>

const NOTHING: Outcome = { verdict: 'survived', failedTests: 0, passedTests: 0, firstFailure: '' }

/** What is read of vitest's JSON report. */
interface VitestReport {
  readonly numFailedTests: number
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

function readReport(report: VitestReport): Outcome {
  const { numFailedTests: failedTests, numPassedTests: passedTests, testResults } = report
  const all = testResults.flatMap(({ assertionResults }) => assertionResults)
  const firstFailure = all.find(({ status }) => status === 'failed')?.fullName ?? ''
  if (failedTests > 0) return { verdict: 'caught', failedTests, passedTests, firstFailure }
  if (passedTests > 0) return { verdict: 'survived', failedTests, passedTests, firstFailure }
  return { ...NOTHING, verdict: 'broken', firstFailure: testResults[0]?.message ?? 'no test ran' }
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}

/** Files that git knows or would know. */
function projectFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const listed = execFileSync('git', args, { cwd: PROJECT, encoding: 'utf8' }).split('\n')
  const isDeleted = new Set(
    execFileSync('git', ['ls-files', '--deleted'], { cwd: PROJECT, encoding: 'utf8' }).split('\n'),
  )
  return listed.filter((file) => file !== '' && !isDeleted.has(file))
}

/** Names the engine and its tests as they are now: results of another state are of no use. */
export async function hashProject(): Promise<string> {
  const hash = createHash('sha256')
  for (const file of projectFiles().sort()) {
    if (!/^(src|tests)\/|^package-lock/.test(file)) continue
    hash.update(`${file}\n`).update(await readFile(join(PROJECT, file)))
  }
  return hash.digest('hex').slice(0, 16)
}
