/** Who may be spoken to at all: lists, the subscriber's own wish, the campaign's validity. */

import type { TriggerSpec } from '../model/catalog.ts'
import type { SuppressionReason } from '../model/decision.ts'
import type { ListName } from '../model/expression.ts'

/** First reason against, in the order of the checks; null: eligible. */
export function findIneligibility(
  trigger: TriggerSpec,
  isListed: (list: ListName) => boolean,
  nowMs: number,
): SuppressionReason | null {
  if (isListed('black')) return 'list-black'
  if (isListed('optOut')) return 'opted-out'
  if (trigger.validFromMs !== null && nowMs < trigger.validFromMs) return 'not-valid-yet'
  if (trigger.validToMs !== null && nowMs >= trigger.validToMs) return 'no-longer-valid'
  return null
}
