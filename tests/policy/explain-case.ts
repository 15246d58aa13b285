/** A case as text: its policy, its history, both answers, and the first difference. */

import { isDeepStrictEqual } from 'node:util'
import { decisionText, instant } from './decision-text.ts'
import { ENGINE_DRAWS } from './draws.ts'
import { comparable, type FeatureSet } from './features.ts'
import { PolicyModel } from './model.ts'
import type { PlainInput, PlainPolicy, PolicyDecision } from './plain.ts'
import { acceptedCase, PolicyFailure, runCase } from './run-case.ts'
import { filesOf } from './yaml-text.ts'

/** All that there is to say of a seed; `isSame`: nothing is wrong with it. */
export function explainCase(
  seed: number,
  features: FeatureSet,
): { lines: string[]; isSame: boolean } {
  const { policyCase, answer } = acceptedCase(seed, features)
  const { policy, zone, startMs, inputs } = policyCase
  const model = new PolicyModel(policyCase, ENGINE_DRAWS)
  const expected = inputs.map((input) => model.apply(input))
  const decided = decisionsByInput(inputs, answer.decisions)
  const lines = [`seed ${seed}: ${zone}, from ${instant(startMs)}`, ...policyLines(policy)]
  let isDifferent = false
  for (const [index, input] of inputs.entries()) {
    lines.push(`${input.sequence}  ${inputText(input)}`)
    if (input.kind === 'config') lines.push(...policyLines(input.policy))
    const strip = (decision: PolicyDecision) => comparable(decision, features)
    const ours = expected[index]!.map(strip)
    const theirs = (decided.get(input.sequence) ?? []).map(strip)
    if (isDeepStrictEqual(ours, theirs)) {
      lines.push(...ours.map((decision) => `        ${decisionText(decision)}`))
      continue
    }
    lines.push(isDifferent ? '   DIFFERS' : '   THE FIRST DIFFERENCE')
    isDifferent = true
    lines.push(...ours.map((decision) => `  model ${decisionText(decision)}`))
    lines.push(...theirs.map((decision) => `  engine ${decisionText(decision)}`))
  }
  return { ...verdictOf(seed, features, lines) }
}

function verdictOf(
  seed: number,
  features: FeatureSet,
  lines: string[],
): { lines: string[]; isSame: boolean } {
  try {
    runCase(seed, features)
    return { lines: [...lines, 'model and engine agree'], isSame: true }
  } catch (error) {
    if (!(error instanceof PolicyFailure)) throw error
    return { lines: [...lines, error.message], isSame: false }
  }
}

function decisionsByInput(
  inputs: readonly PlainInput[],
  decisions: readonly PolicyDecision[],
): Map<number, PolicyDecision[]> {
  const byInput = new Map<number, PolicyDecision[]>(inputs.map(({ sequence }) => [sequence, []]))
  for (const decision of decisions) byInput.get(decision.inputSequence)?.push(decision)
  return byInput
}

function policyLines(policy: PlainPolicy): string[] {
  return Object.entries(filesOf(policy)).flatMap(([path, text]) => [
    `  --- ${path}`,
    ...text.split('\n').map((line) => `  ${line}`),
  ])
}

function inputText(input: PlainInput): string {
  switch (input.kind) {
    case 'tick':
      return `tick ${instant(input.timeMs ?? 0)}`
    case 'usage':
      return `usage ${input.records
        .map(
          ({ subscriber, usageBytes, timeMs, kind }) =>
            `${subscriber}: ${kind === 0 ? `${usageBytes} bytes` : `kind ${kind}`} at ${instant(timeMs)}`,
        )
        .join('; ')}`
    case 'profile':
      return `profile ${input.rows.map((row) => JSON.stringify(row)).join('; ')}`
    case 'feedback':
      return `feedback ${input.rows.map(({ kind, deliveryId }) => `${kind} ${deliveryId}`).join('; ')}`
    case 'erase':
      return `erase ${input.subscribers.join(', ')}`
    case 'cancel': {
      const { trigger, channel, subscriber } = input
      return `cancel ${JSON.stringify({ trigger, channel, subscriber })}`
    }
    case 'config':
      return 'reload'
  }
}
