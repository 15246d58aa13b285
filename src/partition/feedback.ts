/**
 * Feedback messages: what gateways report of deliveries, and what customers did, row by row,
 * matched with the ledger (attribution.ts) and said as outcomes (outcomes.ts, replies.ts). Rows
 * that match nothing are refused by name; a row that was taken before is counted. Neither changes
 * anything, but for the subscriber's own wish: an opt-out or a complaint holds whatever it is
 * about.
 */

import { isOutsideRates } from '../model/decision.ts'
import type { FeedbackMessage, FeedbackRow } from '../model/messages.ts'
import type { InputMessage } from '../model/ports.ts'
import { REJECT_REASONS, type Reject } from '../model/reject.ts'
import { ROW_EMITTED } from '../state/ledger.ts'
import { type Attributed, attribute, type Unattributed } from './attribution.ts'
import type { PartitionCore } from './core.ts'
import type { Decider } from './deciding.ts'
import type { Interests } from './interests.ts'
import { LIST_OF, Outcomes } from './outcomes.ts'
import type { Profiles } from './profiles.ts'
import { Replies } from './replies.ts'

/** Refused feedback rows that one reject names, and the body of all but the first. */
const ROWS_PER_REJECT = 40
const NO_BODY = new Uint8Array(0)

/** In words, for whoever reads REJ. */
const WHY: Readonly<Record<Unattributed, string>> = {
  'unknown-delivery': 'no delivery waits for',
  unattributed: 'nothing was sent that holds the time of',
  'bad-time': 'before their delivery, or ahead of the clock, are',
}

/** Applies feedback messages of one partition. */
export class Feedback {
  readonly #core: PartitionCore
  readonly #decider: Decider
  readonly #outcomes: Outcomes
  readonly #replies: Replies

  constructor(core: PartitionCore, decider: Decider, profiles: Profiles, interests: Interests) {
    this.#core = core
    this.#decider = decider
    this.#outcomes = new Outcomes(core, profiles, interests)
    this.#replies = new Replies(core, this.#outcomes)
  }

  /** Applies a message that is no repeat. */
  apply(message: InputMessage, feedback: FeedbackMessage): void {
    const { statistics } = this.#core
    const refused = new Map<Unattributed, number[]>()
    for (const [index, row] of feedback.rows.entries()) {
      const fate = this.#applyRow(row)
      if (fate === 'repeat') statistics.feedbackRepeats += 1
      if (fate === 'taken' || fate === 'repeat') continue
      const rows = refused.get(fate)
      if (rows === undefined) refused.set(fate, [index])
      else rows.push(index)
    }
    let body = message.data
    for (const [reason, rows] of refused) {
      this.#refuse(message, reason, rows, body)
      body = NO_BODY
    }
  }

  /** Names the refused rows, a bounded number per reject; the message itself travels once. */
  #refuse(
    message: InputMessage,
    reason: Unattributed,
    rows: readonly number[],
    body: Uint8Array,
  ): void {
    const core = this.#core
    core.statistics.rejects[REJECT_REASONS.indexOf(reason)]! += rows.length
    for (let first = 0; first < rows.length; first += ROWS_PER_REJECT) {
      const named = rows.slice(first, first + ROWS_PER_REJECT)
      const reject: Reject = {
        reason,
        position: `rows[${named[0]}]`,
        detail: `${WHY[reason]} rows ${named.join(', ')}`,
      }
      const { sequence, subject } = message
      core.rejects.add(sequence, subject, reject, first === 0 ? body : NO_BODY)
    }
  }

  #applyRow(row: FeedbackRow): 'taken' | 'repeat' | Unattributed {
    const core = this.#core
    const found = attribute(core, core.index.find(row.subscriber), row)
    if (typeof found === 'object') return this.#take(found, row)
    this.#heedWish(row)
    // Tests and notices leave nothing in the ledger.
    const isAside = row.deliveryId !== undefined && isOutsideRates(row.deliveryId)
    return isAside ? 'taken' : found
  }

  #take(found: Attributed, row: FeedbackRow): 'taken' | 'repeat' | Unattributed {
    const { number } = found
    const { kind: what, timeMs, deliveryId } = row
    const by = deliveryId === undefined ? 'subscriber' : 'id'
    const report = { what, timeMs, by } as const
    if (what === 'expired' && !found.isQuestion) {
      // Once, for the attempt that nobody has spoken of yet: who was answered was reached.
      if (found.row.status !== ROW_EMITTED) return 'unknown-delivery'
      this.#outcomes.take(found, report, () => {
        this.#decider.expireAttempt(number)
        this.#core.ledger.forgetReports(number)
      })
      return 'taken'
    }
    if (by === 'id' && !found.isQuestion) this.#decider.resolveAttempt(number)
    const isNew =
      what === 'replied' ? this.#replies.take(found, row) : this.#outcomes.take(found, report)
    return isNew ? 'taken' : 'repeat'
  }

  /** A subscriber's own wish needs no delivery that it is about. */
  #heedWish({ subscriber, kind }: FeedbackRow): void {
    if (LIST_OF[kind] === undefined) return
    const slot = this.#core.index.findOrAdd(subscriber)
    this.#core.alignTables()
    this.#outcomes.enlist(slot, kind)
  }
}
