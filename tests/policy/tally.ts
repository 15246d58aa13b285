/** What many cases came to, added up. */

import type { CaseTally } from './run-case.ts'

/** Sums over cases; mutable, plain, and the same after a trip through JSON. */
export interface RunTally {
  cases: number
  inputs: number
  candidates: number
  deliveries: number
  holdouts: number
  /** Suppressions by reason. */
  suppressed: Record<string, number>
  /** Generated policies that validation refused, by reason. */
  refusals: Record<string, number>
}

/** Nothing yet. */
export function emptyTally(): RunTally {
  return {
    cases: 0,
    inputs: 0,
    candidates: 0,
    deliveries: 0,
    holdouts: 0,
    suppressed: {},
    refusals: {},
  }
}

/** Adds one case. Mutates `tally`. */
export function addTally(tally: RunTally, one: CaseTally): void {
  tally.cases += 1
  tally.inputs += one.inputs
  tally.candidates += one.candidates
  for (const { kind, reason } of one.decisions) {
    if (kind === 'delivery') tally.deliveries += 1
    else if (kind === 'holdout') tally.holdouts += 1
    else count(tally.suppressed, reason!, 1)
  }
  for (const refusal of one.refusals) count(tally.refusals, refusal, 1)
}

/** One tally of several. */
export function mergeTallies(tallies: readonly RunTally[]): RunTally {
  const sum = emptyTally()
  for (const tally of tallies) {
    sum.cases += tally.cases
    sum.inputs += tally.inputs
    sum.candidates += tally.candidates
    sum.deliveries += tally.deliveries
    sum.holdouts += tally.holdouts
    for (const [reason, times] of Object.entries(tally.suppressed)) {
      count(sum.suppressed, reason, times)
    }
    for (const [reason, times] of Object.entries(tally.refusals)) count(sum.refusals, reason, times)
  }
  return sum
}

/** For people. */
export function tallyLines(tally: RunTally, seconds: number): string[] {
  const number = (value: number): string => value.toLocaleString('en')
  const perCase = tally.cases === 0 ? 0 : (seconds * 1_000) / tally.cases
  const refused = Object.values(tally.refusals).reduce((sum, each) => sum + each, 0)
  return [
    `${number(tally.cases)} cases in ${seconds.toFixed(1)} s (${perCase.toFixed(1)} ms each): ` +
      `${number(tally.inputs)} inputs, ${number(tally.candidates)} candidates, ` +
      `${number(tally.deliveries)} deliveries, ${number(tally.holdouts)} holdouts`,
    `suppressed: ${listOf(tally.suppressed) || 'none'}`,
    `policies refused by validation and drawn again: ${number(refused)}`,
    ...(refused === 0 ? [] : [`  ${listOf(tally.refusals, 8)}`]),
  ]
}

function listOf(counts: Readonly<Record<string, number>>, most = Number.POSITIVE_INFINITY): string {
  return Object.entries(counts)
    .sort(([, left], [, right]) => right - left)
    .slice(0, most)
    .map(([name, times]) => `${name} ${times.toLocaleString('en')}`)
    .join(', ')
}

function count(counts: Record<string, number>, name: string, times: number): void {
  counts[name] = (counts[name] ?? 0) + times
}
