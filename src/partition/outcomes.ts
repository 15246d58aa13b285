/**
 * What became of deliveries, said as numbered decisions, and what follows: interests move, an order
 * sets its tag, an opt-out or a complaint puts the subscriber on a list. Once per attempt and kind.
 */

import {
  confirmIdOf,
  type DeliveryPurpose,
  deliveryIdOf,
  type OutcomeSource,
} from '../model/decision.ts'
import type { ListName } from '../model/expression.ts'
import { FEEDBACK_KINDS, type FeedbackKind, isReceipt, type ProfileRow } from '../model/messages.ts'
import { nameOf } from '../state/layout.ts'
import { formatPeriod } from '../state/periods.ts'
import { type Attributed, loopOf } from './attribution.ts'
import type { PartitionCore } from './core.ts'
import type { Interests } from './interests.ts'
import type { Profiles } from './profiles.ts'
import { regionOf } from './region.ts'

/** One thing that became of a delivery. */
export interface Report {
  readonly what: FeedbackKind
  readonly timeMs: number
  readonly by: OutcomeSource
  /** The keyword that a reply matched. */
  readonly word?: string
}

const NOTHING: Readonly<Record<string, never>> = Object.freeze({})
const doNothing = (): void => undefined

/** The list that a report puts its subscriber on, whatever it is about. */
export const LIST_OF: Readonly<Partial<Record<FeedbackKind, ListName>>> = {
  'opted-out': 'optOut',
  complained: 'sensitive',
}

/** Says outcomes of one partition. */
export class Outcomes {
  readonly #core: PartitionCore
  readonly #profiles: Profiles
  readonly #interests: Interests

  constructor(core: PartitionCore, profiles: Profiles, interests: Interests) {
    this.#core = core
    this.#profiles = profiles
    this.#interests = interests
  }

  /**
   * Takes a report about a delivery; false: it was taken before, for this attempt. `act`: what it
   * does to the delivery itself.
   */
  take(found: Attributed, report: Report, act: () => void = doNothing): boolean {
    const core = this.#core
    const { number, row, trigger, isQuestion } = found
    const code = FEEDBACK_KINDS.indexOf(report.what)
    const isOfSending = isReceipt(report.what)
    if (isQuestion && isOfSending) {
      if (!core.ledger.noteQuestionReport(number, code)) return false
      if (loopOf(core, row.trigger).isTellingReceipts) this.#say(found, report, false)
      return true
    }
    const noted = core.ledger.noteReport(number, code)
    if (noted === 'repeat') return false
    if (!isOfSending || loopOf(core, row.trigger).isTellingReceipts) {
      this.#say(found, report, noted === 'first')
    }
    act()
    const isDelivery = row.experiment === 0
    if (isDelivery) this.#interests.report(row.slot, trigger, report.what)
    const { orderTag } = loopOf(core, row.trigger)
    if (report.what === 'ordered' && orderTag !== null) {
      this.#change(row.slot, { tags: { [orderTag]: true } })
    }
    this.enlist(row.slot, report.what)
    return true
  }

  /** Puts a subscriber on the list that belongs to such a report, if there is one. */
  enlist(slot: number, kind: FeedbackKind): void {
    const list = LIST_OF[kind]
    if (list === undefined || this.#core.isListed(slot, list)) return
    this.#change(slot, { lists: { [list]: true } })
  }

  #change(slot: number, change: Partial<ProfileRow>): void {
    const subscriber = this.#core.subscriberOf(slot)
    const nothing = { tags: NOTHING, fields: NOTHING, lists: NOTHING }
    const row = { subscriber, ...nothing, zone: undefined, cycleDay: undefined, ...change }
    this.#profiles.change(row)
  }

  #say({ row, trigger, isQuestion }: Attributed, report: Report, isFirst: boolean): void {
    const core = this.#core
    const { layout, statistics } = core
    const subscriber = core.subscriberOf(row.slot)
    const period = formatPeriod(row.once, row.period)
    const idOf = isQuestion && isReceipt(report.what) ? confirmIdOf : deliveryIdOf
    const purpose = this.#purposeOf(row.trigger, idOf === confirmIdOf)
    core.outbox.add({
      kind: 'outcome',
      inputSequence: core.inputSequence,
      trigger,
      subscriber,
      period,
      attempt: row.attempt,
      generation: core.generation,
      decidedAtMs: core.clockMs,
      firedAtMs: row.firedAtMs,
      values: NOTHING,
      id: idOf(trigger, subscriber, period, row.attempt, row.incarnation),
      channel: nameOf(layout, row.channel),
      ...report,
      isFirst,
      isControl: row.experiment !== 0,
      isCanary: row.isCanary,
      ...(purpose === undefined ? {} : { purpose }),
      ...regionOf(core, row.slot),
    })
    statistics.decisions += 1
    statistics.outcomes[FEEDBACK_KINDS.indexOf(report.what)]! += 1
  }

  #purposeOf(triggerCode: number, isQuestion: boolean): DeliveryPurpose | undefined {
    if (isQuestion) return 'confirm'
    const trigger = this.#core.compiled.triggerByCode(triggerCode)
    return trigger?.spec.firedBy === 'request' ? 'offer' : undefined
  }
}
