/** One case: the machine beside the naive model, and once more through an image. */

import { isDeepStrictEqual } from 'node:util'
import { engineHeldOut, runEngine } from './engine-run.ts'
import { generateCase } from './history.ts'
import { LoopModel } from './model.ts'
import type { PlainAnswer, PlainCase } from './plain.ts'

/** What many cases came to. */
export interface LoopTally {
  cases: number
  /** Outcomes by `what`, deliveries, questions, holdouts, refusals and repeats. */
  counts: Record<string, number>
}

/** The answers to a case: the model's, and the machine's. */
export interface LoopAnswers {
  readonly plainCase: PlainCase
  readonly expected: PlainAnswer
  readonly given: PlainAnswer
}

/** Runs the case of a seed. Throws Error where the answers differ. */
export function runCase(seed: number, tally: LoopTally): void {
  const { plainCase, expected, given } = answersOf(seed)
  const difference = differenceOf(expected, given)
  if (difference !== null) throw new Error(`case ${seed}: ${difference}`)
  const imageAt = seed % plainCase.inputs.length
  const reloaded = differenceOf(given, runEngine(plainCase, imageAt))
  if (reloaded !== null) throw new Error(`case ${seed}, image before ${imageAt}: ${reloaded}`)
  tally.cases += 1
  for (const [name, count] of Object.entries(countsOf(given))) {
    tally.counts[name] = (tally.counts[name] ?? 0) + count
  }
}

/** What model and machine say to the case of a seed. */
export function answersOf(seed: number): LoopAnswers {
  const plainCase = generateCase(seed, engineHeldOut)
  const model = new LoopModel(plainCase, engineHeldOut)
  for (const input of plainCase.inputs) model.apply(input)
  return { plainCase, expected: model.answer(), given: runEngine(plainCase) }
}

/** The first place where two answers differ, in words; null: nowhere. */
export function differenceOf(expected: PlainAnswer, given: PlainAnswer): string | null {
  const count = Math.max(expected.decisions.length, given.decisions.length)
  for (let index = 0; index < count; index++) {
    const [theirs, ours] = [expected.decisions[index], given.decisions[index]]
    if (isDeepStrictEqual(theirs, ours)) continue
    return `decision ${index + 1} is ${text(ours)}, not ${text(theirs)}`
  }
  for (const key of ['profiles', 'refused', 'repeats'] as const) {
    if (isDeepStrictEqual(expected[key], given[key])) continue
    return `${key} are ${text(given[key])}, not ${text(expected[key])}`
  }
  return null
}

function text(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

function countsOf({ decisions, refused, repeats }: PlainAnswer): Record<string, number> {
  const counts: Record<string, number> = { repeats, ...refused }
  for (const { kind, what, purpose, first, arm } of decisions) {
    const names = [what ?? (purpose === 'confirm' ? 'question' : kind)]
    if (first === true) names.push('first')
    if (arm !== undefined) names.push('in control')
    for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
