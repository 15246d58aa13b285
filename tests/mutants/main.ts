/**
 * `npm run mutants [-- NAME…] [--json] [--fresh] [--list] [--readme]`: takes away one protection of
 * the engine after the other and shows that the tests turn red for each. Results are kept in
 * `.cache/mutants.jsonl`, so that an interrupted run goes on where it stopped; a changed engine or
 * test starts anew. `--readme` writes the table of all results into the README.
 */

import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MUTANTS } from './list.ts'
import type { Mutant, MutantResult } from './mutant.ts'
import { hashProject, TrialTree } from './trial.ts'

const PROJECT = join(import.meta.dirname, '..', '..')
const CACHE = join(PROJECT, '.cache')
const RESULTS = join(CACHE, 'mutants.jsonl')
const SOUND_TIMEOUT_MS = 120_000
const MARK = '<!-- mutants-table -->'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    readme: { type: 'boolean', default: false },
  },
})

const chosen = MUTANTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const unknown = positionals.filter((name) => !MUTANTS.some((mutant) => mutant.name === name))
if (unknown.length > 0) {
  console.error(`no such mutant: ${unknown.join(', ')} (--list names them)`)
  process.exitCode = 2
} else if (values.list) {
  for (const { name, protection } of chosen) console.log(`${name.padEnd(28)} ${protection}`)
} else {
  await run()
}

async function run(): Promise<void> {
  await mkdir(CACHE, { recursive: true })
  const state = await hashProject()
  const known = values.fresh ? new Map<string, MutantResult>() : await readResults(state)
  const missing = chosen.filter(({ name }) => !known.has(name))
  if (missing.length > 0) await tryAll(missing, state, known)
  const results = chosen.flatMap(({ name }) => known.get(name) ?? [])
  if (values.json) for (const result of results) console.log(JSON.stringify(toJson(result)))
  else console.log(`\n${tableOf(chosen, known)}`)
  const uncaught = results.filter(({ verdict }) => verdict !== 'caught')
  console.error(`${results.length - uncaught.length} of ${results.length} caught`)
  if (values.readme) await writeReadme(tableOf(chosen, known))
  if (uncaught.length > 0) process.exitCode = 1
}

async function tryAll(
  mutants: readonly Mutant[],
  state: string,
  known: Map<string, MutantResult>,
): Promise<void> {
  const tree = await TrialTree.open(join(CACHE, 'mutants'))
  try {
    const suites = [...new Set(mutants.flatMap((mutant) => mutant.suites))]
    console.error(`without a change: ${suites.length} suites …`)
    const sound = await tree.runSuites(suites, SOUND_TIMEOUT_MS)
    if (sound.verdict !== 'survived') {
      throw new Error(`the suites must pass before anything is removed: ${sound.firstFailure}`)
    }
    for (const [index, mutant] of mutants.entries()) {
      const result = await tree.try(mutant)
      known.set(mutant.name, result)
      await appendFile(RESULTS, `${JSON.stringify({ state, ...result })}\n`)
      const place = `${index + 1}/${mutants.length}`
      const seconds = `${result.seconds.toFixed(1)} s`
      console.error(
        `${place} ${result.verdict.padEnd(8)} ${mutant.name} (${seconds}) ${result.firstFailure}`,
      )
    }
  } finally {
    await tree.close()
  }
}

async function readResults(state: string): Promise<Map<string, MutantResult>> {
  const text = await readFile(RESULTS, 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line !== '')
  const all = lines.map((line) => JSON.parse(line) as MutantResult & { state: string })
  return new Map(all.filter((each) => each.state === state).map((each) => [each.name, each]))
}

function toJson({ name, verdict, failedTests, firstFailure, seconds }: MutantResult): object {
  return { mutant: name, verdict, failed_tests: failedTests, first_failure: firstFailure, seconds }
}

function tableOf(mutants: readonly Mutant[], results: ReadonlyMap<string, MutantResult>): string {
  const rows = mutants.map(({ name, protection }) => {
    const { verdict = 'not run', firstFailure = '' } = results.get(name) ?? {}
    const failure = firstFailure.replaceAll('|', '\\|')
    return `| \`${name}\` | ${protection} | ${verdict} | ${failure} |`
  })
  const head =
    '| removed | protection | verdict | first test that turns red |\n| --- | --- | --- | --- |'
  return `${head}\n${rows.join('\n')}`
}

async function writeReadme(table: string): Promise<void> {
  const path = join(PROJECT, 'README.md')
  const parts = (await readFile(path, 'utf8')).split(MARK)
  if (parts.length !== 3) throw new Error(`README.md must hold ${MARK} twice`)
  await writeFile(path, [parts[0], `\n\n${table}\n\n`, parts[2]].join(MARK))
}
