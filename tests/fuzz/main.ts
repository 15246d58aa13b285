/**
 * `npm run fuzz [-- TARGET…] [--cases N] [--seed S] [--json]`: throws hostile input at everything
 * that takes input from outside. Without `--cases` each target runs its full number. The first case
 * that breaks a rule ends the run with what is needed to see it again. Exit code 1.
 */

import { parseArgs } from 'node:util'
import { FuzzFailure, type FuzzTally } from './target.ts'
import { FUZZ_TARGETS } from './targets.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cases: { type: 'string' },
    seed: { type: 'string', default: '20261121' },
    json: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const unknown = positionals.filter((name) => !FUZZ_TARGETS.some((target) => target.name === name))
if (unknown.length > 0 || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run fuzz [-- TARGET…] [--cases N] [--seed S] [--json]')
  for (const { name, rule, cases } of FUZZ_TARGETS) {
    console.error(`  ${name.padEnd(11)} ${String(cases).padStart(9)} cases: ${rule}`)
  }
  process.exitCode = 2
} else {
  console.error(`seed ${seed} (--seed chooses another)`)
  for (const target of FUZZ_TARGETS) {
    if (positionals.length > 0 && !positionals.includes(target.name)) continue
    const cases = Number(values.cases ?? target.cases)
    const startedAt = performance.now()
    let saidAt = startedAt
    const say = (done: number): void => {
      if (performance.now() - saidAt < 5_000) return
      saidAt = performance.now()
      console.error(
        `  ${target.name}: ${done.toLocaleString('en')} of ${cases.toLocaleString('en')}`,
      )
    }
    try {
      report(target.name, await target.run({ seed, cases, say }), performance.now() - startedAt)
    } catch (error) {
      if (!(error instanceof FuzzFailure)) throw error
      console.error(`${target.name}, seed ${seed}: ${error.message.slice(0, 4_000)}`)
      console.error(error.cause)
      process.exitCode = 1
    }
  }
}

function report(name: string, tally: FuzzTally, elapsedMs: number): void {
  const seconds = elapsedMs / 1_000
  const reasons = [...tally.refusals].sort(([, a], [, b]) => b - a)
  const refused = tally.cases - tally.accepted
  if (values.json) {
    const { cases, accepted } = tally
    const rest = { seconds, reasons: Object.fromEntries(reasons) }
    console.log(
      JSON.stringify({ target: name, seed, cases, accepted, refused, failures: 0, ...rest }),
    )
    return
  }
  const number = (value: number): string => value.toLocaleString('en')
  console.log(
    `${name}: ${number(tally.cases)} cases in ${seconds.toFixed(1)} s, ${number(tally.accepted)} accepted, ` +
      `${number(refused)} refused for ${reasons.length} reasons, 0 broke the rule`,
  )
  console.log(`  ${reasons.map(([reason, count]) => `${reason} ${number(count)}`).join(', ')}`)
}
