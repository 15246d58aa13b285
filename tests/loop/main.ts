/**
 * `npm run loop [-- --cases N] [--seed S] [--json]`: random deliveries and what comes back of them,
 * through the machine and the naive model. The first case in which they differ ends the run and is
 * printed; `--case SEED` prints one alone. Exit code 1.
 */

import { parseArgs } from 'node:util'
import { answersOf, differenceOf, type LoopTally, runCase } from './run-case.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '20261122' },
    case: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

if (values.case !== undefined) showCase(Number(values.case))
else runAll(Number(values.seed), Number(values.cases))

function showCase(seed: number): void {
  const { plainCase, expected, given } = answersOf(seed)
  console.log(JSON.stringify(plainCase.config, null, 1))
  for (const [index, input] of plainCase.inputs.entries()) {
    console.log(`${index + 2}: ${JSON.stringify(input)}`)
    const said = given.decisions.filter((each) => each.in === index + 2)
    for (const decision of said) console.log(`     ${JSON.stringify(decision)}`)
  }
  const difference = differenceOf(expected, given)
  console.log(difference ?? 'the same')
  if (difference !== null) process.exitCode = 1
}

function runAll(first: number, cases: number): void {
  console.error(`seeds ${first} to ${first + cases - 1} (--seed chooses others)`)
  const startedAt = performance.now()
  const tally: LoopTally = { cases: 0, counts: {} }
  for (let seed = first; seed < first + cases; seed++) {
    try {
      runCase(seed, tally)
    } catch (error) {
      console.error(String(error))
      showCase(seed)
      process.exitCode = 1
      return
    }
  }
  const seconds = (performance.now() - startedAt) / 1_000
  if (values.json) console.log(JSON.stringify({ seconds, ...tally }))
  else {
    console.log(`${tally.cases} cases in ${seconds.toFixed(1)} s`)
    for (const name of Object.keys(tally.counts).sort()) {
      console.log(`  ${name}: ${tally.counts[name]!.toLocaleString('en')}`)
    }
  }
}
