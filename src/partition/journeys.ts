/**
 * Journeys: who enters, where each member stands, when the next step is due, and how it ends. A
 * member is a row of the ledger with a timer (state/member.ts); what a step delivers is a candidate
 * of the step's trigger and goes the way of all candidates. Goal and exit are watched like
 * conditions of triggers, and asked again when a step is due and before each of its deliveries.
 *
 * Read on: journey-edits.ts (what a reload means for members).
 */

import { isHeldOut } from '../decision/control-group.ts'
import { assert } from '../errors.ts'
import { type JourneyEvent, journeyKey, type LeaveCause } from '../model/journey.ts'
import { isPending, type LedgerRow, ROW_JOURNEY } from '../state/ledger.ts'
import { isStepDone, markStepDone, setStepNumber, stepNumberOf } from '../state/member.ts'
import type { Candidates, SubscriberJudge } from './candidates.ts'
import { dueRank } from './capacity.ts'
import type { CompiledTrigger, CompiledWatch } from './compile.ts'
import type { CompiledJourney, CompiledStep } from './compile-journeys.ts'
import type { PartitionCore } from './core.ts'
import { standingAt, tellJourney } from './journey-words.ts'
import type { Latches } from './latches.ts'
import { BEHIND, moveMember, newMember } from './member-moves.ts'
import type { Places } from './places.ts'

/** What journeys are made of; all of one partition. */
export interface JourneyTools {
  readonly latches: Latches
  readonly candidates: Candidates
  readonly places: Places
}

/** The journeys of one partition. */
export class Journeys {
  /** Judges what is watched for; set by the machine. */
  judge!: SubscriberJudge
  readonly #core: PartitionCore
  readonly #tools: JourneyTools

  constructor(core: PartitionCore, tools: JourneyTools) {
    this.#core = core
    this.#tools = tools
  }

  /** Something watched for came true, with its latch open. `keys`: periods of the event. */
  note({ watch, latch }: CompiledWatch, slot: number, firedAtMs: number, keys: Int32Array): void {
    const journey = this.#core.compiled.journeyByCode(watch.code)
    assert(journey !== undefined)
    const { what } = watch
    if (what !== 'enter') {
      // Once is enough until the subscriber enters (again).
      this.#tools.latches.set(journey[what]!, slot, 0, true)
      this.#tools.candidates.add({ journey, what, row: newMember(this.#core, journey, slot) })
      return
    }
    const { validFromMs, validToMs } = journey.spec
    const { clockMs } = this.#core
    if (validFromMs !== null && clockMs < validFromMs) return
    if (validToMs !== null && clockMs >= validToMs) return
    const row = newMember(this.#core, journey, slot)
    row.period = latch.unit === -1 ? 0 : keys[latch.unit]!
    row.firedAtMs = firedAtMs
    this.#tools.latches.set(journey.enter, slot, row.period, true)
    for (const ending of [journey.goal, journey.exit]) {
      if (ending === null) continue
      // Who is there already has no way to go.
      if (this.judge.isMet(ending, slot, keys)) return
      this.#tools.latches.set(ending, slot, 0, false)
    }
    this.#tools.candidates.add({ journey, what, row })
  }

  /** Heeds what was noted, when its turn comes. `row`: of the call, with its number. */
  heed(journey: CompiledJourney, what: 'enter' | 'goal' | 'exit', row: LedgerRow): void {
    const number = this.find(row.slot, journey.code)
    if (what === 'enter') {
      if (number === -1) this.#enter(journey, row)
      return
    }
    if (number === -1) return
    this.#core.heap.discard(this.#core.ledger.id(number))
    this.end(number, this.#core.ledger.read(number), what)
  }

  /** The timer of a member fired, and is gone from the heap. */
  fireDue(number: number): void {
    const row = this.#core.ledger.read(number)
    const journey = this.#core.compiled.journeyByCode(row.trigger)
    if (journey === undefined) this.end(number, row, 'left', 'removed')
    else if (!this.follow(number, row, journey)) this.#reach(number, row, journey)
  }

  /** Row of the subscriber's membership; -1: none. */
  find(slot: number, code: number): number {
    const { ledger } = this.#core
    for (const number of ledger.rowsOf(slot)) {
      if (ledger.status(number) !== ROW_JOURNEY) continue
      if (ledger.read(number).trigger === code) return number
    }
    return -1
  }

  /** Whether a step's delivery comes too late: its subscriber met the goal, or is to go. */
  isOut({ spec }: CompiledTrigger, slot: number): boolean {
    if (spec.journey === undefined) return false
    const journey = this.#core.compiled.journeyById(spec.journey.journey)
    return journey !== undefined && this.#endingOf(journey, slot) !== null
  }

  /** Brings a member up to date with edits since its row was written; true: that moved it. */
  follow(number: number, row: LedgerRow, journey: CompiledJourney): boolean {
    const { image, spec } = journey
    if (row.detail === image.edits) return false
    row.detail = image.edits
    if (spec.onEdit === 'leave') this.end(number, row, 'left', 'edited')
    else if (spec.onEdit === 'restart') {
      // The timer that was taken back may still lie in the heap under the old number.
      row.id = this.#core.nextCandidateId++
      row.dueMs = this.#core.clockMs
      moveMember(this.#core, row, journey, 0)
      this.#wait(number, row)
    }
    return spec.onEdit !== 'continue'
  }

  /**
   * Ends a membership whose timer is gone. What its steps have pending is dropped, unless the
   * member went all the way.
   */
  end(number: number, row: LedgerRow, event: JourneyEvent, cause?: LeaveCause): void {
    const { ledger, members, layout } = this.#core
    members.add(row, -1)
    ledger.free(number)
    tellJourney(this.#core, row, event, cause)
    if (event === 'completed') return
    const key = layout.triggers[row.trigger]!.id
    for (const other of [...ledger.rowsOf(row.slot)].reverse()) {
      if (!isPending(ledger.status(other))) continue
      const pending = ledger.read(other)
      const { journey } = this.#core.compiled.triggerByCode(pending.trigger)?.spec ?? {}
      if (journey === undefined || journeyKey(journey.journey) !== key) continue
      if (pending.period !== row.period || pending.once !== row.once) continue
      this.#tools.places.withdraw(other, pending, { reason: 'journey-left' })
    }
  }

  #enter(journey: CompiledJourney, row: LedgerRow): void {
    const core = this.#core
    row.isCanary = core.isListed(row.slot, 'canary')
    if (!row.isCanary) {
      const subscriber = core.subscriberOf(row.slot)
      const control = journey.controls.find(({ spec }) =>
        isHeldOut(spec.experiment, spec.share, subscriber),
      )
      row.experiment = control?.code ?? 0
    }
    row.notAfterMs = core.clockMs
    row.status = ROW_JOURNEY
    setStepNumber(row, BEHIND)
    const number = core.ledger.add(row)
    core.members.add(row, 1)
    tellJourney(core, row, 'entered')
    row.dueMs = core.clockMs
    moveMember(this.#core, row, journey, 0)
    // A welcome goes out with the input that let them in.
    if (row.dueMs <= core.clockMs) this.#reach(number, row, journey)
    else this.#wait(number, row)
  }

  /** Writes the row, and sets its timer, which it has not. */
  #wait(number: number, row: LedgerRow): void {
    this.#core.ledger.write(number, row)
    this.#core.heap.push(row.dueMs, dueRank(row), row.id, number)
  }

  /** What the member stands at is due: it is delivered, passed over or asked again. */
  #reach(number: number, row: LedgerRow, journey: CompiledJourney): void {
    const ending = this.#endingOf(journey, row.slot)
    if (ending !== null) {
      this.end(number, row, ending)
      return
    }
    const position = this.#positionOf(row, journey)
    const step = journey.steps[position]
    if (step === undefined) {
      this.end(number, row, 'completed')
      return
    }
    if (!this.#isMet(step, row.slot)) {
      const what = this.#otherwise(step, row)
      if (what === 'leave') {
        this.end(number, row, 'left', 'condition')
        return
      }
      if (what === 'wait') {
        this.#wait(number, row)
        return
      }
    } else if (step.trigger !== null && !isStepDone(row, step.number)) {
      markStepDone(row, step.number)
      this.#fire(step.trigger, row)
    }
    moveMember(this.#core, row, journey, position + 1)
    this.#wait(number, row)
  }

  /** What follows a condition that is false; `wait` moves the row's due time on. */
  #otherwise({ spec: { otherwise } }: CompiledStep, row: LedgerRow): 'skip' | 'leave' | 'wait' {
    if (otherwise.kind !== 'wait') return otherwise.kind
    const againMs = row.dueMs + otherwise.everyMs
    if (againMs > row.plannedMs + otherwise.upToMs) return otherwise.afterwards
    row.dueMs = againMs
    return 'wait'
  }

  #fire(trigger: CompiledTrigger, member: LedgerRow): void {
    const core = this.#core
    const { slot, dueMs, period, once } = member
    const keys = Int32Array.from(core.periodKeys(slot, core.clockMs))
    const row = this.#tools.candidates.newRow(trigger, slot, dueMs, keys, this.judge)
    row.period = period
    row.once = once
    core.statistics.candidates += 1
    core.countsOf(trigger.spec.id).candidates += 1
    this.#tools.candidates.add({ trigger, row, isTaggingSpent: false })
  }

  /** Why the member is to go now; null: it may go on. */
  #endingOf({ goal, exit }: CompiledJourney, slot: number): 'goal' | 'exit' | null {
    const core = this.#core
    const isMet = (watch: CompiledWatch | null): boolean =>
      watch !== null && this.judge.isMet(watch, slot, core.periodKeys(slot, core.clockMs))
    if (isMet(goal)) return 'goal'
    return isMet(exit) ? 'exit' : null
  }

  #isMet({ when }: CompiledStep, slot: number): boolean {
    if (when === null) return true
    const core = this.#core
    return this.judge.isMet(when, slot, core.periodKeys(slot, core.clockMs))
  }

  /**
   * Position of the step that a member stands at; where that was removed, of the one that followed
   * it. Behind the last: as many as there are.
   */
  #positionOf(row: LedgerRow, { image, steps }: CompiledJourney): number {
    const number = standingAt(image, stepNumberOf(row))
    const position = number === BEHIND ? -1 : steps.findIndex((step) => step.number === number)
    return position === -1 ? steps.length : position
  }
}
