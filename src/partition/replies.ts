/**
 * What customers' replies mean: keywords of the trigger that they reply to. An order in two steps
 * is asked back once per attempt; the word that confirms it counts for as long as the question
 * says.
 */

import { findRefusingList } from '../decision/eligibility.ts'
import { confirmIdOf } from '../model/decision.ts'
import type { FeedbackRow } from '../model/messages.ts'
import { kindOfReply, normaliseReply, type ReplySpec } from '../model/reply.ts'
import { nameCode, nameOf } from '../state/layout.ts'
import { formatPeriod } from '../state/periods.ts'
import { type Attributed, loopOf } from './attribution.ts'
import { Composer } from './composing.ts'
import type { PartitionCore } from './core.ts'
import type { Outcomes } from './outcomes.ts'
import { regionOf } from './region.ts'

/** Class of questions: whoever just wrote may be answered whatever they were told today. */
const QUESTION_CLASS = 'service'

/** Reads replies of one partition. */
export class Replies {
  readonly #core: PartitionCore
  readonly #outcomes: Outcomes
  readonly #composer: Composer

  constructor(core: PartitionCore, outcomes: Outcomes) {
    this.#core = core
    this.#outcomes = outcomes
    this.#composer = new Composer(core)
  }

  /** Takes a reply to a delivery; false: it said nothing that was not said before. */
  take(found: Attributed, report: FeedbackRow): boolean {
    const { timeMs, text, word = text } = report
    const said = word === undefined ? null : normaliseReply(word)
    const confirmed = said === null ? null : this.#confirmedBy(found, said, timeMs)
    const meant = confirmed ?? this.#meantBy(found, said)
    const by = report.deliveryId === undefined ? 'subscriber' : 'id'
    const spelled = meant === null ? {} : { word: meant.word }
    const isNew = this.#outcomes.take(found, { what: 'replied', timeMs, by, ...spelled })
    if (meant === null) return isNew
    if (meant.confirm !== null && confirmed === null) return this.#ask(found, meant) || isNew
    const what = kindOfReply(meant.means)
    if (what === null) return isNew
    return this.#outcomes.take(found, { what, timeMs, by: 'reply', word: meant.word }) || isNew
  }

  #meantBy({ row }: Attributed, said: string | null): ReplySpec | null {
    const { replies } = loopOf(this.#core, row.trigger)
    return replies.find(({ normalised }) => normalised === said) ?? null
  }

  /** The order that a word confirms; null: none is asked for, or the word is another. */
  #confirmedBy({ number, row }: Attributed, said: string, timeMs: number): ReplySpec | null {
    const { ledger, layout } = this.#core
    const asked = ledger.askedWord(number)
    if (asked === 0 || timeMs >= ledger.askedUntilMs(number)) return null
    const word = nameOf(layout, asked)
    const order = loopOf(this.#core, row.trigger).replies.find((reply) => reply.word === word)
    return order?.confirm?.normalised === said ? order : null
  }

  /** Asks whether the order is meant; once per attempt, and nobody who is never spoken to. */
  #ask({ number, row, trigger }: Attributed, order: ReplySpec): boolean {
    const core = this.#core
    const { ledger, layout, clockMs } = core
    if (ledger.askedWord(number) !== 0 || !this.#mayAsk(row.slot)) return false
    const { message, withinMs } = order.confirm!
    ledger.ask(number, nameCode(layout, order.word), clockMs + withinMs)
    const subscriber = core.subscriberOf(row.slot)
    const period = formatPeriod(row.once, row.period)
    const channel = nameOf(layout, row.channel)
    core.outbox.add({
      kind: 'delivery',
      inputSequence: core.inputSequence,
      trigger,
      subscriber,
      period,
      attempt: row.attempt,
      generation: core.generation,
      decidedAtMs: clockMs,
      firedAtMs: row.firedAtMs,
      values: {},
      id: confirmIdOf(trigger, subscriber, period, row.attempt, row.incarnation),
      channel,
      class: QUESTION_CLASS,
      isCanary: row.isCanary,
      purpose: 'confirm',
      ...this.#composer.composeText(message, channel),
      notBeforeMs: clockMs,
      notAfterMs: clockMs + withinMs,
      ...regionOf(core, row.slot),
    })
    core.capacity.count(channel, QUESTION_CLASS)
    core.statistics.decisions += 1
    core.statistics.questions += 1
    return true
  }

  #mayAsk(slot: number): boolean {
    const core = this.#core
    const { classes } = core.compiled.catalog.policy
    const classSpec = classes.find(({ name }) => name === QUESTION_CLASS)!
    return findRefusingList(classSpec, (list) => core.isListed(slot, list)) === null
  }
}
