/** The same case once more, altered in a way that must not change who gets what. */

import type { PlainInput, PlainPolicy, PolicyCase, PolicyDecision } from './plain.ts'

/** With the triggers in the opposite order of files. */
export function withFilesReversed(policy: PlainPolicy): PlainPolicy {
  const paths = policy.triggers.map(({ path }) => path).sort()
  const triggers = policy.triggers.map((trigger) => {
    const position = paths.length - 1 - paths.indexOf(trigger.path)
    return { ...trigger, path: `triggers/r${String(position).padStart(2, '0')}.yaml` }
  })
  return { ...policy, triggers }
}

/** Nobody is held out. */
export function withoutControl(policy: PlainPolicy): PlainPolicy {
  const triggers = policy.triggers.map((trigger) => ({ ...trigger, control: null }))
  return { ...policy, globalControl: null, triggers }
}

/** Whether some policy of the case holds anybody out. */
export function hasControl(policyCase: PolicyCase): boolean {
  return policiesOf(policyCase).some(
    ({ globalControl, triggers }) =>
      globalControl !== null || triggers.some(({ control }) => control !== null),
  )
}

/** Whether some channel carries only so many: what is held out takes no room from others. */
export function hasCapacity(policyCase: PolicyCase): boolean {
  return policiesOf(policyCase).some(({ channels }) =>
    channels.some(({ capacity }) => capacity !== null),
  )
}

/** Whether candidates compete under every policy of the case. */
export function isArbitrated(policyCase: PolicyCase): boolean {
  return policiesOf(policyCase).every(({ arbitration }) => arbitration !== null)
}

function policiesOf({ policy, inputs }: PolicyCase): PlainPolicy[] {
  return [policy, ...inputs.flatMap((input) => (input.kind === 'config' ? [input.policy] : []))]
}

/** Nothing comes back as expired: what is held out cannot, so the arms would part there. */
export function withoutExpiry(policyCase: PolicyCase): PolicyCase {
  const inputs = policyCase.inputs.map((input): PlainInput => {
    if (input.kind !== 'feedback') return input
    return { ...input, rows: input.rows.map((row) => ({ ...row, kind: 'sent' as const })) }
  })
  return { ...policyCase, inputs }
}

/** A decision without what tells control from treated. */
export function withoutArm(decision: PolicyDecision): PolicyDecision {
  const { experiment: _, class: __, ...rest } = decision
  return rest.kind === 'holdout' ? { ...rest, kind: 'delivery' } : rest
}

/** What an operator takes back at once has no order that follows from the contract. */
export function withCancelledSorted(
  { inputs }: PolicyCase,
  decisions: readonly PolicyDecision[],
): PolicyDecision[] {
  const cancelling = new Set(
    inputs.filter(({ kind }) => kind === 'cancel').map(({ sequence }) => sequence),
  )
  const sorted = sortedByInput(decisions.filter((each) => cancelling.has(each.inputSequence)))
  const others = decisions.filter((each) => !cancelling.has(each.inputSequence))
  return [...others, ...sorted].sort((left, right) => left.inputSequence - right.inputSequence)
}

/** Decisions of each input in an order that does not depend on that of the files. */
export function sortedByInput(decisions: readonly PolicyDecision[]): PolicyDecision[] {
  const keyOf = ({ subscriber, trigger, period, attempt, kind }: PolicyDecision): string =>
    JSON.stringify([subscriber, trigger, period, attempt, kind])
  return [...decisions].sort(
    (left, right) =>
      left.inputSequence - right.inputSequence || (keyOf(left) < keyOf(right) ? -1 : 1),
  )
}
