/** Who may get anything at all, who is held out, and what is asked again when the time has come. */

import type { PlainPolicy, PlainTrigger } from './plain.ts'
import { classOf, type ModelRow } from './rows.ts'
import { hasTag, isInAudience, type ModelSubscriber } from './subscriber.ts'

/** Lists and wishes first, then the audience, then the time of the campaign; null: eligible. */
export function findIneligibility(
  policy: PlainPolicy,
  trigger: PlainTrigger,
  subscriber: ModelSubscriber,
  nowMs: number,
): string | null {
  const { lists } = subscriber
  const { refusedBy } = classOf(policy, trigger.class)
  const isWhite = lists.has('white')
  const isExempt = isWhite || lists.has('canary')
  if (lists.has('black')) return 'list-black'
  if (lists.has('red') && refusedBy.includes('red') && !isExempt) return 'list-red'
  if (lists.has('sensitive') && refusedBy.includes('sensitive') && !isExempt) {
    return 'list-sensitive'
  }
  if (lists.has('optOut') && refusedBy.includes('optOut')) return 'opted-out'
  if (!isWhite && !isInAudience(subscriber, trigger.audience)) return 'not-in-audience'
  if (trigger.validFromMs !== null && nowMs < trigger.validFromMs) return 'not-valid-yet'
  if (trigger.validToMs !== null && nowMs >= trigger.validToMs) return 'no-longer-valid'
  return null
}

/** What is asked again when the time has come, before the window; null: nothing is against it. */
export function findDueFault(
  policy: PlainPolicy,
  trigger: PlainTrigger,
  row: ModelRow,
  nowMs: number,
): string | null {
  const { subscriber } = row.candidate
  const ineligibility = findIneligibility(policy, trigger, subscriber, nowMs)
  if (ineligibility !== null) return ineligibility
  const { cancelWhen } = trigger
  if (cancelWhen !== null && hasTag(subscriber, cancelWhen)) return 'cancelled'
  return nowMs >= row.expiresAtMs ? 'expired' : null
}

/** Whether an experiment's control group of this share [0, 1) holds the subscriber. */
export type IsHeldOut = (experiment: string, share: number, subscriber: number) => boolean

/** The experiment that holds the subscriber out, the global one first; null: none. */
export function experimentOf(
  policy: PlainPolicy,
  trigger: PlainTrigger,
  { lists, subscriber }: ModelSubscriber,
  isHeldOut: IsHeldOut,
): string | null {
  if (lists.has('canary')) return null
  const { globalControl } = policy
  const groups = [
    classOf(policy, trigger.class).heldOut && globalControl !== null
      ? { ...globalControl, name: globalControl.experiment ?? 'global' }
      : null,
    trigger.control === null
      ? null
      : { ...trigger.control, name: trigger.control.experiment ?? trigger.id },
  ]
  for (const group of groups) {
    if (group !== null && isHeldOut(group.name, group.percent / 100, subscriber)) return group.name
  }
  return null
}
