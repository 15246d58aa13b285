/**
 * From records to candidates: passes over a batch, then the generated kernel; and the general path
 * for what is rare: late records, and conditions judged after a profile change.
 */

import { assert } from '../errors.ts'
import type { Expression } from '../model/expression.ts'
import { USAGE_BATCH_RECORDS_MAX, type UsageBatch } from '../model/usage.ts'
import { countBits } from '../state/bits.ts'
import {
  addToCell,
  type CountedRecord,
  dayBit,
  readCell,
  rollForward,
} from '../state/counter-cells.ts'
import type { StampGroup } from '../state/counter-places.ts'
import { addInterest } from '../state/interests.ts'
import { META_ZONE_MASK } from '../state/layout.ts'
import { DAY, PERIOD_KEYS, PeriodColumns, writePeriodKeys } from '../state/periods.ts'
import { stayOf } from '../state/stays.ts'
import type { CompiledCondition } from './compile.ts'
import { cycleDayOfMeta, type PartitionCore } from './core.ts'
import type { Decider } from './deciding.ts'
import { generateUpdateKernel, type KernelCallbacks, type UpdateKernel } from './kernel.ts'
import { generateMaskKernel, type MaskKernel } from './mask-kernel.ts'
import { SubscriberReader } from './subscriber-reader.ts'

/** Is told of a record that makes something fire, before that is noted. */
export interface FiringWatch {
  /** Returns the record before which the update pass ends; beyond the one that fires. */
  beforeFiring(record: number): number
}

/** Judges usage and profile changes of one partition. */
export class Judge {
  readonly #core: PartitionCore
  readonly #decider: Decider
  readonly #reader: SubscriberReader
  readonly #slots = new Int32Array(USAGE_BATCH_RECORDS_MAX)
  readonly #masks = new Int32Array(USAGE_BATCH_RECORDS_MAX)
  readonly #periods: PeriodColumns
  readonly #ownKeys = new Int32Array(PERIOD_KEYS)
  /** Where the running update pass ends. */
  readonly #span = { end: 0 }
  #watch: FiringWatch | null = null
  #batch!: UsageBatch
  #units: number[] = []
  #maskKernel!: MaskKernel
  #updateKernel!: UpdateKernel
  /** Whether the update pass was generated for tables of one segment each. */
  #isForOneSegment = false

  constructor(core: PartitionCore, decider: Decider) {
    this.#core = core
    this.#decider = decider
    this.#reader = new SubscriberReader(core)
    this.#periods = new PeriodColumns(core.defaultClock(), USAGE_BATCH_RECORDS_MAX)
  }

  /** Generates code for the catalog now in force. */
  useCatalog(): void {
    const { compiled, tables } = this.#core
    this.#units = [...compiled.units].sort((a, b) => a - b)
    const callbacks = this.#callbacks()
    const { places } = compiled.catalog
    this.#maskKernel = generateMaskKernel(compiled.wheres, {
      subscribers: tables[0]!,
      ownPeriods: callbacks.ownPeriods,
      ownKeys: this.#ownKeys,
      placeOf: (cell) => places.codeOf(cell),
    })
    this.#isForOneSegment = this.#haveOneSegment()
    const isOne = this.#isForOneSegment
    this.#updateKernel = generateUpdateKernel(compiled, tables, callbacks, isOne)
  }

  #haveOneSegment(): boolean {
    return this.#core.tables.every(({ f64 }) => f64.length <= 1)
  }

  /** Applies a validated batch whose records are all within the accepted time range. */
  applyUsage(batch: UsageBatch): void {
    this.prepareUsage(batch)
    this.update(0, batch.count, null)
  }

  /**
   * The passes of `applyUsage` that change no counter: subscribers get their rows, records their
   * periods and masks. Nothing of a subscriber's profile may change before `update`.
   */
  prepareUsage(batch: UsageBatch): void {
    const { count } = batch
    assert(count <= USAGE_BATCH_RECORDS_MAX)
    const core = this.#core
    this.#batch = batch
    core.index.resolve(batch.subscribers, count, this.#slots)
    core.alignTables()
    if (this.#isForOneSegment && !this.#haveOneSegment()) this.useCatalog()
    this.#periods.fill(batch.timesMs, count, this.#units)
    const { columns } = this.#periods
    this.#maskKernel(count, this.#slots, batch, this.#masks, columns)
  }

  /** Applies records [first, end) of the batch prepared last, or what `watch` leaves of them. */
  update(first: number, end: number, watch: FiringWatch | null): void {
    const span = this.#span
    this.#watch = watch
    span.end = end
    const rows = this.#core.tables[0]!.f64[0]
    this.#updateKernel(first, this.#slots, this.#batch, this.#masks, this.#periods.columns)
    assert(rows === this.#core.tables[0]!.f64[0], 'nobody gets a row while counters change')
    this.#core.statistics.records += span.end - first
  }

  /**
   * Judges triggers for a subscriber's running period; `wasTrue` holds the triggers whose condition
   * was true before the change (asked only of those that fire on the edge).
   */
  judgeNow(slot: number, triggers: readonly number[], wasTrue: ReadonlySet<number>): void {
    const core = this.#core
    for (const index of triggers) {
      const trigger = core.compiled.conditions[index]!
      const keys = core.periodKeys(slot, core.clockMs)
      if (!this.#decider.latches.isOpen(trigger, slot, keys)) continue
      if (wasTrue.has(index)) continue
      if (this.isMet(trigger, slot, keys)) this.#decider.fire(trigger, slot, core.clockMs, keys)
    }
  }

  /** Of these triggers, those that fire on the edge only and whose condition is true now. */
  trueEdges(slot: number, triggers: readonly number[]): Set<number> {
    const core = this.#core
    const found = new Set<number>()
    for (const index of triggers) {
      const trigger = core.compiled.conditions[index]!
      if (!trigger.isEdge) continue
      if (this.isMet(trigger, slot, core.periodKeys(slot, core.clockMs))) found.add(index)
    }
    return found
  }

  /** Judges a condition over tags, lists and fields. */
  isTrueOf(slot: number, condition: Expression): boolean {
    return this.#reader.judge(condition, slot, this.#core.periodKeys(slot, this.#core.clockMs))
  }

  /** A finite number over counters, tags and fields as of these periods; 0 where it has none. */
  valueOf(slot: number, expression: Expression, keys: Int32Array): number {
    return this.#reader.measure(expression, slot, keys)
  }

  /**
   * Whether a trigger's condition, or what is watched for, holds as of these periods. Not for a
   * period that one of its counters no longer keeps, even one that would not matter.
   */
  isMet(
    { spec, references }: Pick<CompiledCondition, 'spec' | 'references'>,
    slot: number,
    keys: Int32Array,
  ): boolean {
    const { compiled, tables } = this.#core
    for (const { counter, counterWindow, previous } of references.counters) {
      const cell = compiled.findCell(counter, counterWindow)
      const key = cell.unit === -1 ? 0 : keys[cell.unit]!
      if (Number.isNaN(readCell(tables, slot, cell, key, previous))) return false
    }
    return this.#reader.judge(spec.when, slot, keys)
  }

  #callbacks(): KernelCallbacks {
    const core = this.#core
    const { stampGroups, cells } = core.compiled
    return {
      roll: (group, slot, key) => {
        rollForward(core.tables, slot, stampGroups[group]!, key)
      },
      ownKeys: this.#ownKeys,
      span: this.#span,
      ownPeriods: (meta, timeMs) => {
        const clock = core.zoneClock(meta & META_ZONE_MASK)
        writePeriodKeys(clock, cycleDayOfMeta(meta), timeMs, this.#ownKeys)
      },
      late: (slot, record) => this.#applyLate(slot, record),
      lateForWindow: () => {
        core.statistics.recordsLateForWindow += 1
      },
      fire: (condition, slot, record) => {
        if (this.#watch !== null) this.#span.end = this.#watch.beforeFiring(record)
        const timeMs = this.#batch.timesMs[record]!
        const compiled = core.compiled.conditions[condition]!
        this.#decider.fire(compiled, slot, timeMs, core.periodKeys(slot, timeMs))
      },
      dayBit: (unit, key, day, meta) => dayBit(unit, key, day, cycleDayOfMeta(meta)),
      readSliding: (index, slot, key) => {
        return readCell(core.tables, slot, cells[index]!, key, 0)
      },
      countBits,
      addInterest: (index, slot, timeMs) => {
        const interest = cells[index]!.interest!
        addInterest(core.tables, slot, interest, timeMs, interest.spec.weight)
      },
    }
  }

  /** A record that is late in at least one period: each counter keeps what it still can. */
  #applyLate(slot: number, record: number): void {
    const core = this.#core
    const { compiled, tables } = core
    const batch = this.#batch
    const timeMs = batch.timesMs[record]!
    const mask = this.#masks[record]!
    const keys = Int32Array.from(core.periodKeys(slot, timeMs))
    for (const group of compiled.stampGroups) this.#rollIfBehind(group, slot, keys, mask)
    const touched: number[] = []
    for (const [index, trigger] of compiled.conditions.entries()) {
      if ((mask & trigger.whereMask) === 0) continue
      if (this.#isLateFor(trigger, slot, keys) && !trigger.spec.isLateFiring) continue
      touched.push(index)
    }
    const wasTrue = touched.filter((index) => {
      const trigger = compiled.conditions[index]!
      return trigger.isEdge && this.isMet(trigger, slot, keys)
    })
    const counted = { usageBytes: batch.usageBytes[record]!, timeMs, app: batch.apps[record]! }
    const stays = this.#takeStays(slot, record, mask)
    const cycleDay = core.cycleDayOf(slot)
    let isLateForWindow = false
    for (const cell of compiled.cells) {
      if ((mask & (1 << compiled.whereOf[cell.counterIndex]!)) === 0) continue
      const key = cell.unit === -1 ? 0 : keys[cell.unit]!
      const own: CountedRecord = { ...counted, stayMs: stays.get(cell.counterIndex) ?? 0 }
      if (!addToCell(tables, slot, cell, own, key, keys[DAY]!, cycleDay)) isLateForWindow = true
    }
    if (isLateForWindow) core.statistics.recordsLateForWindow += 1
    for (const index of touched) {
      const trigger = compiled.conditions[index]!
      if (wasTrue.includes(index) || !this.#decider.latches.isOpen(trigger, slot, keys)) continue
      if (!this.isMet(trigger, slot, keys)) continue
      if (this.#watch !== null) this.#span.end = this.#watch.beforeFiring(record)
      this.#decider.fire(trigger, slot, timeMs, keys)
    }
  }

  /** What the record adds to stays, by counter. A subscriber's zone may change: not always 0. */
  #takeStays(slot: number, record: number, mask: number): Map<number, number> {
    const { compiled, tables } = this.#core
    const { timesMs, cells } = this.#batch
    const added = new Map<number, number>()
    for (const { counterIndex, where, place, gapMs, isCellNeeded } of compiled.stays) {
      if (isCellNeeded && cells[record] === 0) continue
      const isMatching = (mask & (1 << where)) !== 0
      const stayMs = stayOf(tables, slot, place, timesMs[record]!, isMatching, gapMs)
      added.set(counterIndex, stayMs)
    }
    return added
  }

  #rollIfBehind(group: StampGroup, slot: number, keys: Int32Array, mask: number): void {
    const { tables, compiled } = this.#core
    const key = keys[group.unit]!
    if (tables[group.table]!.getI32(slot, group.stampOffset) >= key) return
    const isTouched = group.cells.some(
      ({ counterIndex }) => (mask & (1 << compiled.whereOf[counterIndex]!)) !== 0,
    )
    if (group.isCalendar || isTouched) rollForward(tables, slot, group, key)
  }

  /** Whether the period is past in some unit that the trigger reads. */
  #isLateFor(trigger: CompiledCondition, slot: number, keys: Int32Array): boolean {
    const { compiled, tables } = this.#core
    return trigger.references.counters.some(({ counter, counterWindow }) => {
      const cell = compiled.findCell(counter, counterWindow)
      if (cell.counterWindow.kind === 'lifetime') return false
      return tables[cell.table]!.getI32(slot, cell.stampOffset) > keys[cell.unit]!
    })
  }
}
