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

/**
 * First reason against, in the order of the checks; null: eligible. `white` passes over red,
 * sensitive and audience, `canary` over red and sensitive; nothing passes over black and optOut.
 */
export function findIneligibility(
  trigger: TriggerSpec,
  { refusingLists }: ClassSpec,
  reader: EligibilityReader,
  nowMs: number,
): SuppressionReason | null {
  if (reader.isListed('black')) return 'list-black'
  const isWhite = reader.isListed('white')
  const isSpared = isWhite || reader.isListed('canary')
  const isRefused = (list: ListName) => refusingLists.includes(list) && reader.isListed(list)
  if (!isSpared && isRefused('red')) return 'list-red'
  if (!isSpared && isRefused('sensitive')) return 'list-sensitive'
  if (isRefused('optOut')) return 'opted-out'
  if (trigger.audience !== null && !isWhite && !reader.isInAudience()) return 'not-in-audience'
  if (trigger.validFromMs !== null && nowMs < trigger.validFromMs) return 'not-valid-yet'
  if (trigger.validToMs !== null && nowMs >= trigger.validToMs) return 'no-longer-valid'
  return null
}
