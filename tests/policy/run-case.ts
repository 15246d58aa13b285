/** One case: the machine beside the naive model, and what must hold of any answer. */

import { isDeepStrictEqual } from 'node:util'
import { ENGINE_DRAWS } from './draws.ts'
import { decisionText } from './decision-text.ts'
import { type EngineAnswer, PolicyRefused, runEngine } from './engine-run.ts'
import { comparable, type FeatureSet } from './features.ts'
import { generateCase } from './history.ts'
import { brokenRules } from './invariants.ts'
import { PolicyModel } from './model.ts'
import type { PolicyCase, PolicyDecision } from './plain.ts'
import {
  hasCapacity,
  hasControl,
  isArbitrated,
  sortedByInput,
  withCancelledSorted,
  withFilesReversed,
  withoutArm,
  withoutControl,
  withoutExpiry,
} from './properties.ts'

/** A case whose answers differ, or that breaks a rule. */
export class PolicyFailure extends Error {
  readonly policyCase: PolicyCase
  readonly expected: readonly PolicyDecision[]
  readonly decided: readonly PolicyDecision[]

  constructor(
    message: string,
    policyCase: PolicyCase,
    expected: readonly PolicyDecision[],
    decided: readonly PolicyDecision[],
  ) {
    super(message)
    this.policyCase = policyCase
    this.expected = expected
    this.decided = decided
  }
}

/** What a case came to, to be added up. */
export interface CaseTally {
  readonly decisions: readonly PolicyDecision[]
  readonly candidates: number
  readonly inputs: number
  /** Policies that validation refused before one was taken, with the reasons. */
  readonly refusals: readonly string[]
}

const TRIES_MAX = 200

/** The case of a seed whose policies validation takes, run. Throws Error when there is none. */
export function acceptedCase(seed: number, features: FeatureSet): AcceptedCase {
  const refusals: string[] = []
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    const policyCase = generateCase(seed, attempt, features, ENGINE_DRAWS)
    try {
      return { policyCase, answer: runEngine(policyCase), refusals }
    } catch (error) {
      if (!(error instanceof PolicyRefused)) throw error
      // Without the file's name: it is to be counted.
      refusals.push(error.message.replace(/^\S+: /, ''))
    }
  }
  throw new Error(`no policy of seed ${seed} is valid: ${refusals.at(-1)}`)
}

/** A case whose policies are valid, and what the machine says to it. */
export interface AcceptedCase {
  readonly policyCase: PolicyCase
  readonly answer: EngineAnswer
  /** Of the policies that were drawn before. */
  readonly refusals: readonly string[]
}

/**
 * Runs the case of a seed: beside the model, against the rules that hold of any answer, and for
 * half of the seeds once more in one of three altered ways. Throws PolicyFailure.
 */
export function runCase(seed: number, features: FeatureSet): CaseTally {
  const { policyCase, answer, refusals } = acceptedCase(seed, features)
  const model = new PolicyModel(policyCase, ENGINE_DRAWS)
  const expected = policyCase.inputs.flatMap((input) => model.apply(input))
  const { decisions, candidates } = answer
  const orderless = (all: readonly PolicyDecision[]) => withCancelledSorted(policyCase, all)
  expectSame(policyCase, orderless(expected), orderless(decisions), features, 'the model')
  const fail = (message: string): never => {
    throw new PolicyFailure(message, policyCase, expected, decisions)
  }
  if (candidates !== model.candidateCount) {
    fail(`${candidates} candidates, the model has ${model.candidateCount}`)
  }
  if (answer.pending !== model.pendingCount()) {
    fail(`${answer.pending} wait, in the model ${model.pendingCount()}`)
  }
  const [broken] = brokenRules(policyCase, decisions, answer)
  if (broken !== undefined) fail(broken)
  checkAltered(policyCase, decisions, features)
  return { decisions, candidates, inputs: policyCase.inputs.length, refusals }
}

/** One of the alterations that must not matter, by turns; half of the seeds have none. */
function checkAltered(
  policyCase: PolicyCase,
  decisions: readonly PolicyDecision[],
  features: FeatureSet,
): void {
  const { seed, inputs } = policyCase
  const turn = seed % 6
  if (turn > 2) return
  if (turn === 0 && hasControl(policyCase) && !hasCapacity(policyCase)) {
    const calm = withoutExpiry(policyCase)
    const held = runEngine(calm).decisions.map(withoutArm)
    const free = runEngine(calm, { alter: withoutControl }).decisions.map(withoutArm)
    expectSame(policyCase, free, held, features, 'the same without control groups')
  } else if (turn === 1 && isArbitrated(policyCase)) {
    const turned = runEngine(policyCase, { alter: withFilesReversed }).decisions
    const order = 'the same with the files in the opposite order'
    expectSame(policyCase, sortedByInput(turned), sortedByInput(decisions), features, order)
  } else {
    const reloadImageAt = Math.floor((inputs.length * (seed % 97)) / 97)
    const loaded = runEngine(policyCase, { reloadImageAt }).decisions
    expectSame(
      policyCase,
      loaded,
      decisions,
      features,
      `the same with an image at ${reloadImageAt}`,
    )
  }
}

function expectSame(
  policyCase: PolicyCase,
  expected: readonly PolicyDecision[],
  decided: readonly PolicyDecision[],
  features: FeatureSet,
  other: string,
): void {
  for (let index = 0; index < Math.max(expected.length, decided.length); index++) {
    const [theirs, ours] = [expected[index], decided[index]]
    const isSame =
      theirs !== undefined &&
      ours !== undefined &&
      isDeepStrictEqual(comparable(theirs, features), comparable(ours, features))
    if (isSame) continue
    const texts = [theirs, ours].map((each) => (each ? decisionText(each) : 'nothing'))
    const sequence = (ours ?? theirs)!.inputSequence
    const message = `decision ${index + 1} (input ${sequence}) differs from ${other}: ${texts.join(' | ')}`
    throw new PolicyFailure(message, policyCase, expected, decided)
  }
}
