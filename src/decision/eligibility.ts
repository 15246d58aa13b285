/** Who may be spoken to at all: lists, the subscriber's own wish, audience, validity. */

import type { TriggerSpec } from '../model/catalog.ts'
import type { SuppressionReason } from '../model/decision.ts'
import type { ListName } from '../model/expression.ts'
import type { ClassSpec } from '../model/policy.ts'

/** What eligibility asks of a subscriber. */
export interface EligibilityReader {
  isListed(list: ListName): boolean
  /** Whether the trigger's audience, which it has, holds the subscriber. */
  isInAudience(): boolean
}

/** Why each list refuses. */
const REASONS = {
  black: 'list-black',
  red: 'list-red',
  sensitive: 'list-sensitive',
  optOut: 'opted-out',
} as const satisfies Partial<Record<ListName, SuppressionReason>>

/**
 * The first list that refuses triggers of the class, in the order of the checks; null: none does.
 * Whoever is listed white or canary is not refused by red and sensitive.
 */
export function findRefusingList(
  { refusingLists }: ClassSpec,
  isListed: (list: ListName) => boolean,
): keyof typeof REASONS | null {
  if (isListed('black')) return 'black'
  const isRefused = (list: ListName) => refusingLists.includes(list) && isListed(list)
  const isSpared = isListed('white') || isListed('canary')
  if (!isSpared && isRefused('red')) return 'red'
  if (!isSpared && isRefused('sensitive')) return 'sensitive'
  return isRefused('optOut') ? 'optOut' : null
}

/**
 * First reason against, in the order of the checks; null: eligible. `white` passes over red,
 * sensitive and audience, `canary` over red and sensitive; nothing passes over black and optOut.
 */
export function findIneligibility(
  trigger: TriggerSpec,
  classSpec: ClassSpec,
  reader: EligibilityReader,
  nowMs: number,
): SuppressionReason | null {
  const list = findRefusingList(classSpec, (each) => reader.isListed(each))
  if (list !== null) return REASONS[list]
  if (trigger.audience !== null && !reader.isListed('white') && !reader.isInAudience()) {
    return 'not-in-audience'
  }
  if (trigger.validFromMs !== null && nowMs < trigger.validFromMs) return 'not-valid-yet'
  if (trigger.validToMs !== null && nowMs >= trigger.validToMs) return 'no-longer-valid'
  return null
}
