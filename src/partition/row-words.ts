/** What rows of the ledger are called, and what is kept in them by name, for whoever asks. */

import type { ExplainedDecision } from '../model/explanation.ts'
import type { DeliveryView } from '../model/view.ts'
import type { LayoutImage } from '../state/layout.ts'
import {
  type LedgerRow,
  ROW_EMITTED,
  ROW_PENDING,
  ROW_REFUSED,
  ROW_REOPEN,
  ROW_RESOLVED,
  ROW_WAITING,
} from '../state/ledger.ts'

/** Words of a status in views. A refusal is none of a subscriber's deliveries. */
export const STATUS_WORDS: Readonly<Record<number, DeliveryView['status']>> = {
  [ROW_PENDING]: 'pending',
  [ROW_WAITING]: 'pending',
  [ROW_EMITTED]: 'emitted',
  [ROW_RESOLVED]: 'resolved',
  [ROW_REOPEN]: 'suppressed',
}

/** What has become of a decision, in a word of explanations. */
export function explainedStatus({ status, experiment }: LedgerRow): ExplainedDecision['status'] {
  switch (status) {
    case ROW_PENDING:
      return 'pending'
    case ROW_WAITING:
      return 'waiting'
    case ROW_REFUSED:
      return 'refused'
    default:
      return experiment === 0 ? 'sent' : 'held-out'
  }
}

/** Counter values that a row remembers of its firing, by name. */
export function valuesByName(layout: LayoutImage, row: LedgerRow): Record<string, number> {
  const values: Record<string, number> = {}
  for (const [i, name] of layout.valueShapes[row.shape]!.entries()) values[name] = row.values[i]!
  return values
}
