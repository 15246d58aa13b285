/**
 * The decisions of all partitions, folded: each once, by its number, in the order of each
 * partition. How the partitions lie between one another makes no difference, as long as the bounds
 * are not reached. Canaries, tests, notices and confirmations are counted apart and are in no
 * rate.
 */

import type {
  FeedPlace,
  SaidDecision,
  SaidDelivery,
  SaidHoldout,
  SaidOutcome,
} from '../model/said.ts'
import type { WallClock } from '../model/wall-clock.ts'
import { MARK } from './cohort-table.ts'
import { type Arm, type CohortRow, Cohorts } from './cohorts.ts'
import { AT, addReason, type CountName, type CountRow, DayCounts } from './day-counts.ts'

/** How much is kept. */
export interface FoldBounds {
  /** Rows of counts, by trigger, channel, region and hour. */
  readonly rowsMax: number
  /** Days whose counts are kept. */
  readonly countDays: number
  /** Days whose numbers are kept, for distinct counts and verdicts. */
  readonly cohortDays: number
}

/** About 190 MB of rows, a year of counts, and numbers for two calendar months. */
export const FOLD_BOUNDS: FoldBounds = { rowsMax: 250_000, countDays: 400, cohortDays: 62 }

/** How far the fold has come in one partition. */
export interface FoldPosition extends FeedPlace {
  /** The partition's clock at its last decision, ms; 0: none. */
  readonly atMs: number
  /** Decisions that OUT no longer held when they were to be read. */
  readonly missing: number
}

/** What begins. */
export const START: FoldPosition = { number: 0, sequence: 0, created: '', atMs: 0, missing: 0 }

/** Purposes whose outcomes are in no rate. */
const APART: ReadonlySet<string> = new Set(['test', 'notice', 'confirm'])

/** The statistics of one installation. */
export class ReportFold {
  readonly counts: DayCounts
  readonly cohorts: Cohorts
  readonly clock: WallClock
  readonly #positions = new Map<number, FoldPosition>()
  #hour = { fromMs: Number.POSITIVE_INFINITY, toMs: 0, day: 0, hour: 0 }

  /** `clock`: of the installation's zone. */
  constructor(clock: WallClock, bounds: FoldBounds = FOLD_BOUNDS) {
    this.clock = clock
    this.counts = new DayCounts({ rowsMax: bounds.rowsMax, daysKept: bounds.countDays })
    this.cohorts = new Cohorts(clock, bounds.cohortDays)
  }

  /** How far it has come, by partition. */
  get positions(): ReadonlyMap<number, FoldPosition> {
    return this.#positions
  }

  positionOf(partition: number): FoldPosition {
    return this.#positions.get(partition) ?? START
  }

  /** Says where a partition stands: after a snapshot, or past what OUT no longer holds. */
  setPosition(partition: number, position: FoldPosition): void {
    this.#positions.set(partition, position)
  }

  /** Notes the place in the stream of what was folded last. */
  setPlace(partition: number, { sequence, created }: FeedPlace): void {
    const position = this.positionOf(partition)
    this.#positions.set(partition, { ...position, sequence, created })
  }

  /** Folds a decision; one that was folded before changes nothing. */
  apply(partition: number, decision: SaidDecision): void {
    const position = this.positionOf(partition)
    if (decision.number <= position.number) return
    const passed = decision.number - position.number - 1
    const atMs = decision.kind === 'unknown' ? 0 : decision.decidedAtMs
    this.#positions.set(partition, {
      ...position,
      number: decision.number,
      atMs: Math.max(position.atMs, atMs),
      missing: position.missing + passed,
    })
    switch (decision.kind) {
      case 'delivery':
        this.#delivery(decision)
        return
      case 'holdout':
        this.#holdout(decision)
        return
      case 'suppressed': {
        const row = this.#rowAt(decision.decidedAtMs, decision.trigger, '', '')
        if (row === null) return
        row.counts[AT.suppressed]!++
        addReason(row, decision.reason, 1)
        return
      }
      case 'outcome':
        this.#outcome(decision)
        return
      case 'shown': {
        const { decidedAtMs, trigger, channel, region } = decision
        this.#count(this.#rowAt(decidedAtMs, trigger, channel, region ?? ''), 'shown')
        return
      }
      // Journeys have counts of their own; what their steps deliver is counted like the rest.
      case 'journey':
      case 'unknown':
        return
    }
  }

  #delivery(decision: SaidDelivery): void {
    const { decidedAtMs, trigger, channel, region, subscriber, period } = decision
    const row = this.#rowAt(decidedAtMs, trigger, channel, region ?? '')
    if (row !== null) row.counts[AT.segments]! += decision.segments ?? 0
    const apart = countApart(decision)
    if (apart !== null) {
      this.#count(row, apart)
      return
    }
    this.#count(row, 'delivered')
    const entered = this.cohorts.enter(trigger, 'treated', subscriber, period, decidedAtMs)
    entered?.table.mark(entered.slot, MARK.delivered)
    entered?.table.unmark(entered.slot, MARK.expired)
  }

  #holdout({ decidedAtMs, trigger, channel, region, subscriber, period }: SaidHoldout): void {
    this.#count(this.#rowAt(decidedAtMs, trigger, channel, region ?? ''), 'holdouts')
    const entered = this.cohorts.enter(trigger, 'control', subscriber, period, decidedAtMs)
    entered?.table.mark(entered.slot, MARK.delivered)
  }

  #outcome(decision: SaidOutcome): void {
    if (decision.isCanary || APART.has(decision.purpose ?? '')) return
    const { trigger, channel, region, subscriber, period, timeMs } = decision
    const arm: Arm = decision.arm === 'control' ? 'control' : 'treated'
    const member = this.cohorts.find(trigger, arm, subscriber, period)
    const row = this.#rowAt(timeMs, trigger, channel, region ?? '')
    const mark = marker(decision, member)
    if (arm === 'control') {
      if (decision.what !== 'ordered') return
      if (mark(MARK.ordered)) this.#count(row, 'holdoutsOrdered')
      delay(member, 'order', timeMs)
      return
    }
    this.#treated(decision, member, row, mark)
  }

  #treated(
    { what, by, timeMs }: SaidOutcome,
    member: CohortRow | null,
    row: CountRow | null,
    mark: (bit: number) => boolean,
  ): void {
    switch (what) {
      case 'sent':
        if (mark(MARK.handed)) this.#count(row, 'handedOver')
        return
      case 'failed':
        if (mark(MARK.handed)) this.#count(row, 'handedOver')
        if (mark(MARK.failed)) this.#count(row, 'failed')
        return
      case 'delivered':
        // Who has it was sent it, also where the gateway says nothing of that.
        if (member !== null && mark(MARK.handed)) this.#count(row, 'handedOver')
        if (mark(MARK.received)) this.#count(row, 'received')
        return
      case 'expired':
        this.#count(row, 'expired')
        member?.table.mark(member.slot, MARK.expired)
        return
      case 'replied':
      case 'clicked': {
        const other = what === 'replied' ? MARK.clicked : MARK.replied
        const isFirst = member === null || (member.table.marksAt(member.slot) & other) === 0
        if (mark(MARK[what])) {
          this.#count(row, what)
          if (isFirst) this.#count(row, 'responded')
        }
        delay(member, 'response', timeMs)
        return
      }
      case 'ordered':
        if (mark(MARK.ordered)) this.#count(row, 'ordered')
        delay(member, 'order', timeMs)
        if (by === 'subscriber') return
        if (mark(MARK.orderedDirectly)) this.#count(row, 'orderedDirectly')
        if (by === 'reply') mark(MARK.orderedByReply)
        delay(member, 'direct', timeMs)
        return
      case 'opted-out':
        if (mark(MARK.optedOut)) this.#count(row, 'optedOut')
        return
      case 'complained':
        if (mark(MARK.complained)) this.#count(row, 'complained')
        return
      default:
        return
    }
  }

  #count(row: CountRow | null, name: CountName): void {
    if (row !== null) row.counts[AT[name]]!++
  }

  #rowAt(atMs: number, trigger: string, channel: string, region: string): CountRow | null {
    if (atMs < this.#hour.fromMs || atMs >= this.#hour.toMs) this.#turnTo(atMs)
    return this.counts.at(this.#hour.day, this.#hour.hour, trigger, channel, region)
  }

  /** Local hours begin on a quarter of an hour of UTC: that far an answer holds. */
  #turnTo(atMs: number): void {
    const fromMs = Math.floor(atMs / QUARTER_MS) * QUARTER_MS
    const day = this.clock.dayAt(fromMs)
    const hour = Math.floor(this.clock.minuteAt(fromMs) / 60)
    this.#hour = { fromMs, toMs: fromMs + QUARTER_MS, day, hour }
  }
}

const QUARTER_MS = 900_000

function countApart({ isCanary, purpose }: SaidDelivery): CountName | null {
  if (purpose === 'test') return 'tests'
  if (purpose === 'notice') return 'notices'
  if (purpose === 'confirm') return 'confirmations'
  return isCanary ? 'canaries' : null
}

/**
 * Sets a mark and says whether it is new. Of a delivery that is no longer kept the partition says
 * which outcome is the first of its kind.
 */
function marker(decision: SaidOutcome, member: CohortRow | null): (bit: number) => boolean {
  if (member === null) return () => decision.isFirst
  return (bit) => member.table.mark(member.slot, bit) !== 0
}

function delay(
  member: CohortRow | null,
  kind: 'response' | 'order' | 'direct',
  timeMs: number,
): void {
  member?.table.noteDelay(member.slot, kind, timeMs - member.deliveredAtMs)
}
