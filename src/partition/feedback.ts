/**
 * Feedback messages: what gateways report of deliveries, row by row, matched with the ledger. Rows
 * that match nothing are refused by name and change nothing.
 */

import { deliveryIdOf, isOutsideRates } from '../model/decision.ts'
import { FEEDBACK_KINDS, type FeedbackMessage, type FeedbackRow } from '../model/messages.ts'
import type { InputMessage } from '../model/ports.ts'
import { REJECT_REASONS, type Reject } from '../model/reject.ts'
import { ROW_EMITTED, ROW_RESOLVED } from '../state/ledger.ts'
import { formatPeriod } from '../state/periods.ts'
import type { PartitionCore } from './core.ts'
import type { Decider } from './deciding.ts'
import type { Interests } from './interests.ts'

/** Refused feedback rows that one reject names, and the body of all but the first. */
const ROWS_PER_REJECT = 40
const NO_BODY = new Uint8Array(0)

/** Applies feedback messages of one partition. */
export class Feedback {
  readonly #core: PartitionCore
  readonly #decider: Decider
  readonly #interests: Interests

  constructor(core: PartitionCore, decider: Decider, interests: Interests) {
    this.#core = core
    this.#decider = decider
    this.#interests = interests
  }

  /** Applies a message that is no repeat. */
  apply(message: InputMessage, feedback: FeedbackMessage): void {
    const refused: number[] = []
    for (const [index, row] of feedback.rows.entries()) {
      if (!this.#applyRow(row)) refused.push(index)
    }
    this.#refuse(message, refused)
  }

  /** Names the refused rows, a bounded number per reject; the message itself travels once. */
  #refuse(message: InputMessage, rows: readonly number[]): void {
    const core = this.#core
    core.statistics.rejects[REJECT_REASONS.indexOf('unknown-delivery')]! += rows.length
    for (let first = 0; first < rows.length; first += ROWS_PER_REJECT) {
      const named = rows.slice(first, first + ROWS_PER_REJECT)
      const reject: Reject = {
        reason: 'unknown-delivery',
        position: `rows[${named[0]}]`,
        detail: `no delivery waits for rows ${named.join(', ')}`,
      }
      const body = first === 0 ? message.data : NO_BODY
      core.rejects.add(message.sequence, message.subject, reject, body)
    }
  }

  /**
   * Whether the row's report was about a delivery that is remembered, and the right attempt of it.
   */
  #applyRow(row: FeedbackRow): boolean {
    const core = this.#core
    // Nothing is kept of tests and notices: there is nothing to be moved.
    if (row.deliveryId !== undefined && isOutsideRates(row.deliveryId)) return true
    const slot = core.index.find(row.subscriber)
    if (slot === -1) return false
    for (const number of core.ledger.rowsOf(slot)) {
      const status = core.ledger.status(number)
      if (status !== ROW_EMITTED && status !== ROW_RESOLVED) continue
      const { trigger, period, once, attempt, incarnation } = core.ledger.read(number)
      const id = core.layout.triggers[trigger]!.id
      const text = formatPeriod(once, period)
      const known = deliveryIdOf(id, row.subscriber, text, attempt, incarnation)
      if (row.deliveryId !== known) continue
      if (row.kind === 'expired') {
        if (!this.#decider.expireAttempt(number)) return false
        core.ledger.forgetReports(number)
        this.#interests.report(slot, id, row.kind)
        return true
      }
      if (!this.#decider.resolveAttempt(number)) return false
      if (!this.#interests.isMovedBy(id)) return true
      const isFirst = core.ledger.noteReport(number, FEEDBACK_KINDS.indexOf(row.kind))
      if (isFirst) this.#interests.report(slot, id, row.kind)
      return true
    }
    return false
  }
}
