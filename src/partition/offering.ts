/**
 * Offers on request: what could be offered to a subscriber on an inbound channel at this position
 * of the log, and what becomes of an offer that was shown or is accepted. Asking is a pure reading;
 * accepting decides once more from the beginning, at the acceptance's own position:
 *
 *   condition → latch → eligibility → control group → caps, contact → cancelWhen → capacity
 *
 * A latch is set when an offer is accepted, not when it is shown or refused.
 */

import { compareRank } from '../decision/arbitration.ts'
import { completePlan, subscriberShare } from '../decision/schedule.ts'
import { deliveryIdOf } from '../model/decision.ts'
import type { ControlMessage, ShownRow } from '../model/messages.ts'
import type { AcceptOutcome } from '../model/offer.ts'
import type { InputMessage } from '../model/ports.ts'
import { REJECT_REASONS, RejectError } from '../model/reject.ts'
import { partitionOf } from '../model/wire.ts'
import { nameOf } from '../state/layout.ts'
import { type LedgerRow, ROW_EMITTED, ROW_PENDING } from '../state/ledger.ts'
import { formatPeriod } from '../state/periods.ts'
import { Contacts } from './arbitrating.ts'
import { Candidates } from './candidates.ts'
import type { CompiledCatalog, CompiledTrigger } from './compile.ts'
import { Composer } from './composing.ts'
import type { PartitionCore } from './core.ts'
import { experimentOf, ineligibilityOf } from './eligible.ts'
import { Emitter, type Refusal } from './emitting.ts'
import type { Judge } from './judging.ts'
import { Latches } from './latches.ts'
import { Places } from './places.ts'
import { type NumberedRow, Reservations } from './reservations.ts'

/** Ids of what was shown and accepted that are remembered, so that a repeat changes nothing. */
const OFFER_IDS_MAX = 4_096
/** Outcomes of acceptances that are remembered, for whoever waits for one; not in the image. */
const OUTCOMES_MAX = 4_096
/** Rows that a reject names. */
const ROWS_NAMED_MAX = 40

interface FittingOffer {
  readonly trigger: CompiledTrigger
  readonly row: LedgerRow
  readonly message: string
}

/** One offer of an answer, with the row that it would become. */
export interface PlacedOffer extends FittingOffer {
  /** From 1. */
  readonly place: number
}

/** The control messages of offers. */
export type OfferMessage = Extract<ControlMessage, { kind: 'shown' | 'accept' }>

/** Offers of one partition. */
export class Offering {
  /** What became of acceptances lately, by id of the control message, oldest first. */
  readonly outcomes = new Map<string, AcceptOutcome>()
  readonly #core: PartitionCore
  readonly #judge: Judge
  readonly #latches: Latches
  readonly #candidates: Candidates
  readonly #reservations: Reservations
  readonly #contacts: Contacts
  readonly #emitter: Emitter
  readonly #places: Places
  readonly #composer: Composer
  /** Triggers of a channel by strength, by the list of them. */
  readonly #strengths = new WeakMap<
    readonly CompiledTrigger[],
    readonly (readonly CompiledTrigger[])[]
  >()
  #compiled: CompiledCatalog | null = null
  #channels = new Map<string, CompiledTrigger[]>()

  constructor(core: PartitionCore, judge: Judge, changeTag: Emitter['changeTag']) {
    this.#core = core
    this.#judge = judge
    this.#latches = new Latches(core)
    this.#candidates = new Candidates(core)
    this.#reservations = new Reservations(core)
    this.#contacts = new Contacts(core, this.#reservations)
    this.#emitter = new Emitter(core, this.#reservations)
    this.#emitter.changeTag = changeTag
    this.#places = new Places(core, this.#reservations, this.#emitter)
    this.#places.capacity = core.capacity
    this.#composer = new Composer(core)
  }

  /** Names of the inbound channels in force, in the order of their declaration. */
  get inboundChannels(): readonly string[] {
    return [...this.#triggersByChannel().keys()]
  }

  /** Triggers of an inbound channel in the order of their files; undefined: there is no such. */
  triggersOf(channel: string): readonly CompiledTrigger[] | undefined {
    return this.#triggersByChannel().get(channel)
  }

  /**
   * The strongest offers for a subscriber now, at most `limit`, strongest first. Each could be
   * accepted right now; all together have their places in the contact. Changes nothing.
   */
  find(slot: number, triggers: readonly CompiledTrigger[], limit: number): PlacedOffer[] {
    const core = this.#core
    const keys = Int32Array.from(core.periodKeys(slot, core.clockMs))
    const seated: PlacedOffer[] = []
    const others = this.#reservations.liveRows(slot, -1)
    let taken: readonly NumberedRow[] = others
    for (const equals of this.#byStrength(triggers)) {
      if (seated.length === limit) break
      const fitting = this.#fitting(equals, slot, keys, others)
      fitting.sort((left, right) => {
        return compareRank(this.#contacts.contender(left.row), this.#contacts.contender(right.row))
      })
      taken = this.#seat(fitting, taken, limit, seated)
    }
    return seated
  }

  /** Those of some triggers that could be accepted now, each for itself. */
  #fitting(
    triggers: readonly CompiledTrigger[],
    slot: number,
    keys: Int32Array,
    others: readonly NumberedRow[],
  ): FittingOffer[] {
    const core = this.#core
    const fitting: FittingOffer[] = []
    for (const trigger of triggers) {
      if (this.#findObstacle(trigger, slot, keys) !== null) continue
      const row = this.#newRow(trigger, slot, keys)
      if (this.#places.look(row, trigger, core.clockMs, others).refusal !== null) continue
      if (this.#isCancelled(trigger, slot) || !core.capacity.isOpenFor(row, trigger)) continue
      const message = this.#compose(trigger, slot)
      if (message !== null) fitting.push({ trigger, row, message })
    }
    return fitting
  }

  /** Triggers by layer and priority, strongest first: weaker ones are not looked at for nothing. */
  #byStrength(triggers: readonly CompiledTrigger[]): readonly (readonly CompiledTrigger[])[] {
    const known = this.#strengths.get(triggers)
    if (known !== undefined) return known
    const sorted = triggers.toSorted(({ spec: left }, { spec: right }) => {
      return left.layer - right.layer || left.priority - right.priority
    })
    const groups: CompiledTrigger[][] = []
    for (const trigger of sorted) {
      const { layer, priority } = trigger.spec
      const spec = groups.at(-1)?.[0]?.spec
      if (spec?.layer === layer && spec.priority === priority) groups.at(-1)!.push(trigger)
      else groups.push([trigger])
    }
    this.#strengths.set(triggers, groups)
    return groups
  }

  /** What it says now, empty where it does something; null: a value is missing. */
  #compose({ spec: { action, message, channel } }: CompiledTrigger, slot: number): string | null {
    if (action !== undefined) return ''
    // Not `findGap`, which teaches the layout the name of what is missing.
    const composition = this.#composer.compose(message, channel, slot)
    return composition.kind === 'whole' ? composition.composed.message : null
  }

  /** Applies a control message of offers; a repeat changes nothing. Throws RejectError. */
  take(control: OfferMessage, message: InputMessage): void {
    const { offerIds } = this.#core
    if (offerIds.has(control.id)) return
    if (control.kind === 'shown') this.#show(control.rows, message)
    else this.#accept(control)
    offerIds.add(control.id)
    if (offerIds.size > OFFER_IDS_MAX) offerIds.delete(offerIds.values().next().value!)
  }

  /**
   * Whoever is seated takes a place of the contact, held out or not: the next one is offered only
   * if it could be accepted after all of those before. Adds to `seated`; returns what the contact
   * holds then.
   */
  #seat(
    fitting: readonly FittingOffer[],
    others: readonly NumberedRow[],
    limit: number,
    seated: PlacedOffer[],
  ): readonly NumberedRow[] {
    const { clockMs } = this.#core
    let taken = others
    for (const offer of fitting) {
      const { row } = offer
      if (seated.length === limit) break
      if (this.#contacts.isCompeting(row)) {
        const { victim, winner } = this.#contacts.judge(row, clockMs, taken)
        if (winner !== null) continue
        const calendar = this.#reservations.calendarOf(row.slot)
        const sent = { ...row, status: ROW_EMITTED, dueMs: clockMs, calendar }
        taken = [...taken.filter((other) => other !== victim), { number: -1, row: sent }]
      }
      seated.push({ ...offer, place: seated.length + 1 })
    }
    return taken
  }

  /** What stands against an offer before anybody looks for room. */
  #findObstacle(trigger: CompiledTrigger, slot: number, keys: Int32Array): Refusal | null {
    if (!this.#judge.isMet(trigger, slot, keys)) return { reason: 'condition-unmet' }
    if (!this.#latches.isOpen(trigger, slot, keys)) return { reason: 'already-this-period' }
    if (this.#latches.isTaggingSpent(trigger, slot)) return { reason: 'already-this-tagging' }
    const reason = ineligibilityOf(this.#core, this.#judge, trigger, slot)
    return reason === null ? null : { reason }
  }

  #isCancelled({ spec: { cancelWhen } }: CompiledTrigger, slot: number): boolean {
    return cancelWhen !== null && this.#judge.isTrueOf(slot, cancelWhen)
  }

  /** What stands against it that is asked last, before a weaker one must go for it. */
  #findLateObstacle(trigger: CompiledTrigger, row: LedgerRow): Refusal | null {
    if (this.#isCancelled(trigger, row.slot)) return { reason: 'cancelled' }
    const gap = this.#emitter.findGap(trigger, row.slot)
    if (gap !== null) return gap
    return this.#core.capacity.isOpenFor(row, trigger) ? null : { reason: 'capacity' }
  }

  #newRow(trigger: CompiledTrigger, slot: number, keys: Int32Array): LedgerRow {
    const core = this.#core
    const row = this.#candidates.newRow(trigger, slot, core.clockMs, keys, this.#judge)
    row.isCanary = core.isListed(slot, 'canary')
    row.experiment = experimentOf(core, trigger, row)
    row.tagging = this.#latches.taggingOf(trigger, slot)
    return row
  }

  #accept({ id, subscriber, trigger: name, channel }: OfferMessage & { kind: 'accept' }): void {
    const core = this.#core
    const { partition, partitionCount } = core.genesis
    if (partitionOf(subscriber, partitionCount) !== partition) {
      throw new RejectError('wrong-partition', 'sub', 'this subscriber belongs to another one')
    }
    const slot = core.index.find(subscriber)
    const trigger = this.#find(name, channel)
    if (slot === -1 || trigger === undefined) {
      this.#note(id, { kind: 'gone' })
      const position = slot === -1 ? 'sub' : 'trigger'
      throw new RejectError('unknown-name', position, 'nothing of this name is offered here')
    }
    const keys = Int32Array.from(core.periodKeys(slot, core.clockMs))
    const row = this.#newRow(trigger, slot, keys)
    this.#countCandidate(trigger)
    row.id = core.nextCandidateId++
    const refusal = this.#takePlace(trigger, row, keys)
    if (refusal === null) {
      this.#emit(trigger, row)
      this.#note(id, this.#outcomeOf(trigger, row))
      return
    }
    this.#emitter.refuse(row, refusal)
    this.#note(id, { kind: 'refused', reason: refusal.reason, detail: this.#detailOf(refusal) })
  }

  /** Says what was shown; who is held out takes the place as others do by accepting. */
  #show(rows: readonly ShownRow[], message: InputMessage): void {
    const core = this.#core
    const { partition, partitionCount } = core.genesis
    for (const [index, { subscriber }] of rows.entries()) {
      if (partitionOf(subscriber, partitionCount) === partition) continue
      const position = `rows[${index}].sub`
      throw new RejectError('wrong-partition', position, 'this subscriber belongs to another one')
    }
    const unknown: number[] = []
    for (const [index, shown] of rows.entries()) {
      const slot = core.index.find(shown.subscriber)
      const trigger = this.#find(shown.trigger, shown.channel)
      if (slot === -1 || trigger === undefined) unknown.push(index)
      else this.#showOne(trigger, slot, shown.place)
    }
    if (unknown.length > 0) this.#rejectRows(unknown, message)
  }

  #showOne(trigger: CompiledTrigger, slot: number, place: number): void {
    const core = this.#core
    const keys = Int32Array.from(core.periodKeys(slot, core.clockMs))
    const row = this.#newRow(trigger, slot, keys)
    if (row.experiment === 0) {
      this.#emitter.show(row, trigger, place)
      return
    }
    // One that is held out already, or may not get it any more, is no other holdout.
    if (this.#findObstacle(trigger, slot, keys) !== null) return
    row.id = core.nextCandidateId
    if (this.#takePlace(trigger, row, keys) !== null) return
    core.nextCandidateId += 1
    this.#countCandidate(trigger)
    this.#emit(trigger, row)
  }

  /** All checks; null: they are passed, and who had to go for it is gone. */
  #takePlace(trigger: CompiledTrigger, row: LedgerRow, keys: Int32Array): Refusal | null {
    return (
      this.#findObstacle(trigger, row.slot, keys) ??
      this.#places.take(row, trigger, this.#core.clockMs, -1, () => {
        return this.#findLateObstacle(trigger, row)
      })
    )
  }

  #emit(trigger: CompiledTrigger, row: LedgerRow): void {
    const core = this.#core
    const { slot } = row
    const share = subscriberShare(core.subscriberOf(slot))
    const plan = completePlan(trigger.spec, core.clockOf(slot), core.clockMs, share)!
    row.plannedMs = plan.plannedMs
    row.expiresAtMs = plan.expiresAtMs
    row.status = ROW_PENDING
    this.#reservations.reserve(row, core.clockMs)
    this.#latches.set(trigger, slot, row.period, true)
    this.#latches.claimTagging(trigger, slot)
    core.capacity.admit(row, trigger)
    this.#emitter.emit(core.ledger.add(row), row, trigger)
  }

  #outcomeOf({ spec }: CompiledTrigger, row: LedgerRow): AcceptOutcome {
    const { layout } = this.#core
    if (row.experiment !== 0) {
      return { kind: 'held-out', experiment: nameOf(layout, row.experiment) }
    }
    const subscriber = this.#core.subscriberOf(row.slot)
    const period = formatPeriod(row.once, row.period)
    const id = deliveryIdOf(spec.id, subscriber, period, row.attempt, row.incarnation)
    return { kind: 'accepted', id }
  }

  #detailOf({ detail = 0, winner }: Refusal): string | null {
    const { layout } = this.#core
    if (winner !== undefined) return layout.triggers[winner.trigger]!.id
    return detail === 0 ? null : nameOf(layout, detail)
  }

  #note(id: string, outcome: AcceptOutcome): void {
    this.outcomes.set(id, outcome)
    if (this.outcomes.size > OUTCOMES_MAX) {
      this.outcomes.delete(this.outcomes.keys().next().value!)
    }
  }

  #countCandidate({ spec }: CompiledTrigger): void {
    const core = this.#core
    core.statistics.candidates += 1
    core.countsOf(spec.id).candidates += 1
  }

  /** An offer by its trigger's name, as long as it is one on this channel. */
  #find(name: string, channel: string): CompiledTrigger | undefined {
    const trigger = this.#core.compiled.triggerById(name)
    const isOffered = trigger?.spec.firedBy === 'request' && trigger.spec.channel === channel
    return isOffered ? trigger : undefined
  }

  #rejectRows(rows: readonly number[], { sequence, subject, data }: InputMessage): void {
    const { statistics, rejects } = this.#core
    statistics.rejects[REJECT_REASONS.indexOf('unknown-name')]! += rows.length
    const named = rows.slice(0, ROWS_NAMED_MAX).join(', ')
    const rest = rows.length > ROWS_NAMED_MAX ? ` and ${rows.length - ROWS_NAMED_MAX} more` : ''
    const detail = `no such subscriber, or no such offer on that channel: rows ${named}${rest}`
    const position = `rows[${rows[0]}]`
    rejects.add(sequence, subject, { reason: 'unknown-name', position, detail }, data)
  }

  #triggersByChannel(): Map<string, CompiledTrigger[]> {
    const { compiled } = this.#core
    if (this.#compiled === compiled) return this.#channels
    this.#compiled = compiled
    this.#channels = new Map()
    for (const { name, isInbound } of compiled.catalog.policy.channels) {
      if (isInbound) this.#channels.set(name, [])
    }
    for (const trigger of compiled.triggers) {
      if (trigger.spec.firedBy === 'request')
        this.#channels.get(trigger.spec.channel)?.push(trigger)
    }
    return this.#channels
  }
}
