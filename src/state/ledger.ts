/**
 * The ledger: one row per delivery that the partition must remember, pending or sent, chained per
 * subscriber from the hot row. Caps are counted over a subscriber's rows, timers point at rows,
 * feedback finds its row. Rows are paged like everything else; freed rows are zeroed and reused,
 * last in, first out.
 *
 * Row (168 bytes): f64 id, dueMs, expiresAtMs, firedAtMs, notAfterMs, values[4], plannedMs | i32
 * slot, next, trigger, period, generation, priority, status (above its 8 bits which reports came:
 * 9 bits of the attempt, 9 of the period, 4 of receipts of the question that confirms an order),
 * attempt (above its 8 bits the incarnation), shape, calendar (zone and cycle day, as in meta;
 * above them the period's unit) | f64 value | i32 channel, class, marks (bits 0-15 layer, 16
 * counted, 17 ignoring caps, 18 canary, 24-31 reason), experiment, detail, winner, tagging, asked
 * (keyword of an order that is to be confirmed) | f64 askedUntilMs
 */

import { assert } from '../errors.ts'
import { CALENDAR_UNITS, type CalendarUnit } from '../model/expression.ts'
import { LEDGER_HEAD_OFFSET, META_OWN_PERIODS_MASK } from './layout.ts'
import { PagedTable } from './paged-table.ts'
import { unitIndex } from './periods.ts'

/** Bytes of a row. */
export const LEDGER_ROW_SIZE = 168
/** Page images name their table; the ledger is none of the layout's. */
export const LEDGER_TABLE = 255

/** Values of counters that a row remembers at most. */
export const LEDGER_VALUES_MAX = 4

/** Status of a row: zeros but for the next free one, it waits to be used again. */
export const ROW_FREE = 0
/** Waits for its due time. */
export const ROW_PENDING = 1
/** Was emitted; unresolved until feedback. */
export const ROW_EMITTED = 2
/** Was emitted and reported as sent, delivered or failed. */
export const ROW_RESOLVED = 3
/** Waits to reopen a latch at the next contact window opening. */
export const ROW_REOPEN = 4
/** Is due and waits until its channel has room again. */
export const ROW_WAITING = 5
/** Was refused, and is remembered for a while to be explained; counts for nothing. */
export const ROW_REFUSED = 6

/** Says where its subscriber stands in a journey, until that is due; see member.ts. */
export const ROW_JOURNEY = 7

/** Whether a row of this status is to be delivered still. */
export function isPending(status: number): boolean {
  return status === ROW_PENDING || status === ROW_WAITING
}

/** Whether a row of this status was emitted, or is to be: only such rows count in caps. */
export function isLive(status: number): boolean {
  return isPending(status) || status === ROW_EMITTED || status === ROW_RESOLVED
}

const F64 = {
  id: 0,
  due: 8,
  expires: 16,
  fired: 24,
  notAfter: 32,
  values: 40,
  planned: 72,
  value: 120,
  askedUntil: 160,
}
const I32 = {
  slot: 80,
  next: 84,
  trigger: 88,
  period: 92,
  generation: 96,
  priority: 100,
  status: 104,
  attempt: 108,
  shape: 112,
  calendar: 116,
  channel: 128,
  class: 132,
  marks: 136,
  experiment: 140,
  detail: 144,
  winner: 148,
  tagging: 152,
  asked: 156,
}
const LAYER_MASK = 0xffff
const COUNTED_MARK = 1 << 16
const IGNORING_MARK = 1 << 17
const CANARY_MARK = 1 << 18
const REASON_SHIFT = 24
const UNIT_SHIFT = 16
/** Above the status stands which kinds of reports came: about the attempt, in the period. */
const REPORTS_SHIFT = 8
const REPORT_KINDS_COUNT = 9
const PERIOD_REPORTS_SHIFT = REPORTS_SHIFT + REPORT_KINDS_COUNT
/** And which receipts of the question that asks to confirm an order. */
const QUESTION_REPORTS_SHIFT = PERIOD_REPORTS_SHIFT + REPORT_KINDS_COUNT
const QUESTION_REPORTS_COUNT = 4
const PERIOD_REPORTS_MASK = ((1 << REPORT_KINDS_COUNT) - 1) << PERIOD_REPORTS_SHIFT
const STATUS_MASK = (1 << REPORTS_SHIFT) - 1
/** Attempts go up to 10; the incarnation stands above them. */
const INCARNATION_SHIFT = 8
const ATTEMPT_MASK = (1 << INCARNATION_SHIFT) - 1
/** Unit code of a period that never ends. */
const UNIT_EVER = 7

/** A ledger row, unpacked. Times are ms on the partition's clock. */
export interface LedgerRow {
  /** Number of the candidate: unique, ascending, the last tie-breaker among timers. */
  id: number
  dueMs: number
  expiresAtMs: number
  firedAtMs: number
  /** Of a refused row: when it was refused. */
  notAfterMs: number
  plannedMs: number
  values: number[]
  slot: number
  /** Code of the trigger in the layout. */
  trigger: number
  /** Key of the latch period, and its unit: the trigger may be edited to another one. */
  period: number
  once: CalendarUnit | 'ever'
  generation: number
  priority: number
  status: number
  attempt: number
  /** How often the subscriber's number had been erased when this fired; see `Incarnations`. */
  incarnation: number
  /** Position in the layout's value shapes. */
  shape: number
  /** Zone and cycle day (as in the hot row's meta) of the calendar in which `dueMs` counts. */
  calendar: number
  /** What the contact was worth when it fired; finite. */
  value: number
  /** Position in the policy's layers when it fired, 0 the strongest. */
  layer: number
  /** Codes of layout names. While it waits: of its firing; from its emission on: of that. */
  channel: number
  class: number
  /** Whether it counts in the caps of its channel and of all. */
  isCounted: boolean
  /** Whether it passes over all caps but its trigger's, and has no part in arbitration. */
  isIgnoringCaps: boolean
  /** Whether its subscriber was an operator's tester when it was decided. */
  isCanary: boolean
  /** Code of the layout name of the experiment whose control group it is held out for; 0: none. */
  experiment: number
  /** Of a refused row: position in SUPPRESSION_REASONS. */
  reason: number
  /** Of a refused row: code of the layout name that says which cap; 0: none. */
  detail: number
  /** Of a refused row: code of the trigger that outranked it, plus 1; 0: none. */
  winner: number
  /** Version of the tag that it fired once for; 0: none. */
  tagging: number
}

/** Rows of one partition. `subscribers` is table 0, whose rows hold the heads of the chains. */
export class Ledger {
  readonly table = new PagedTable(LEDGER_TABLE, LEDGER_ROW_SIZE)
  readonly #subscribers: PagedTable
  /** Last freed row + 1; 0: none. */
  freeHead = 0

  constructor(subscribers: PagedTable) {
    this.#subscribers = subscribers
  }

  /** Stores a row at the head of its subscriber's chain and returns its number. */
  add(row: LedgerRow): number {
    const { table } = this
    let number = this.freeHead - 1
    if (number === -1) number = table.addRow()
    else this.freeHead = table.getI32(number, I32.next)
    this.write(number, row)
    table.setI32(number, I32.next, this.#subscribers.getI32(row.slot, LEDGER_HEAD_OFFSET))
    this.#subscribers.setI32(row.slot, LEDGER_HEAD_OFFSET, number + 1)
    return number
  }

  /** Overwrites a row, but for its place in the chain. */
  write(number: number, row: LedgerRow): void {
    const { table } = this
    table.setF64(number, F64.id, row.id)
    table.setF64(number, F64.due, row.dueMs)
    table.setF64(number, F64.expires, row.expiresAtMs)
    table.setF64(number, F64.fired, row.firedAtMs)
    table.setF64(number, F64.notAfter, row.notAfterMs)
    table.setF64(number, F64.planned, row.plannedMs)
    for (let i = 0; i < LEDGER_VALUES_MAX; i++) {
      table.setF64(number, F64.values + 8 * i, row.values[i] ?? 0)
    }
    table.setI32(number, I32.slot, row.slot)
    table.setI32(number, I32.trigger, row.trigger)
    table.setI32(number, I32.period, row.period)
    table.setI32(number, I32.generation, row.generation)
    table.setI32(number, I32.priority, row.priority)
    const reports = table.getI32(number, I32.status) & ~STATUS_MASK
    table.setI32(number, I32.status, row.status | reports)
    table.setI32(number, I32.attempt, row.attempt | (row.incarnation << INCARNATION_SHIFT))
    table.setI32(number, I32.shape, row.shape)
    const unit = row.once === 'ever' ? UNIT_EVER : unitIndex(row.once)
    table.setI32(number, I32.calendar, row.calendar | (unit << UNIT_SHIFT))
    table.setF64(number, F64.value, row.value)
    table.setI32(number, I32.channel, row.channel)
    table.setI32(number, I32.class, row.class)
    table.setI32(number, I32.marks, marksOf(row))
    table.setI32(number, I32.experiment, row.experiment)
    table.setI32(number, I32.detail, row.detail)
    table.setI32(number, I32.winner, row.winner)
    table.setI32(number, I32.tagging, row.tagging)
  }

  read(number: number): LedgerRow {
    const { table } = this
    const values: number[] = []
    for (let i = 0; i < LEDGER_VALUES_MAX; i++)
      values.push(table.getF64(number, F64.values + 8 * i))
    const calendar = table.getI32(number, I32.calendar)
    const attempt = table.getI32(number, I32.attempt)
    const marks = table.getI32(number, I32.marks)
    return {
      id: table.getF64(number, F64.id),
      dueMs: table.getF64(number, F64.due),
      expiresAtMs: table.getF64(number, F64.expires),
      firedAtMs: table.getF64(number, F64.fired),
      notAfterMs: table.getF64(number, F64.notAfter),
      plannedMs: table.getF64(number, F64.planned),
      values,
      slot: table.getI32(number, I32.slot),
      trigger: table.getI32(number, I32.trigger),
      period: table.getI32(number, I32.period),
      generation: table.getI32(number, I32.generation),
      priority: table.getI32(number, I32.priority),
      status: this.status(number),
      attempt: attempt & ATTEMPT_MASK,
      incarnation: attempt >>> INCARNATION_SHIFT,
      shape: table.getI32(number, I32.shape),
      once: CALENDAR_UNITS[calendar >>> UNIT_SHIFT] ?? 'ever',
      calendar: calendar & META_OWN_PERIODS_MASK,
      value: table.getF64(number, F64.value),
      layer: marks & LAYER_MASK,
      channel: table.getI32(number, I32.channel),
      class: table.getI32(number, I32.class),
      isCounted: (marks & COUNTED_MARK) !== 0,
      isIgnoringCaps: (marks & IGNORING_MARK) !== 0,
      isCanary: (marks & CANARY_MARK) !== 0,
      experiment: table.getI32(number, I32.experiment),
      reason: marks >>> REASON_SHIFT,
      detail: table.getI32(number, I32.detail),
      winner: table.getI32(number, I32.winner),
      tagging: table.getI32(number, I32.tagging),
    }
  }

  status(number: number): number {
    return this.table.getI32(number, I32.status) & STATUS_MASK
  }

  /**
   * Notes that a report of this kind (0 to 8) came about the attempt: `first`, also in its period;
   * `again`, not the first attempt's; `repeat`, it had come before.
   */
  noteReport(number: number, kind: number): 'first' | 'again' | 'repeat' {
    assert(kind >= 0 && kind < REPORT_KINDS_COUNT)
    const word = this.table.getI32(number, I32.status)
    const bit = 1 << (REPORTS_SHIFT + kind)
    if ((word & bit) !== 0) return 'repeat'
    const periodBit = 1 << (PERIOD_REPORTS_SHIFT + kind)
    this.table.setI32(number, I32.status, word | bit | periodBit)
    return (word & periodBit) === 0 ? 'first' : 'again'
  }

  /** Notes a receipt (0 to 3) of the attempt's question; false: it had come before. */
  noteQuestionReport(number: number, kind: number): boolean {
    assert(kind >= 0 && kind < QUESTION_REPORTS_COUNT)
    const word = this.table.getI32(number, I32.status)
    const bit = 1 << (QUESTION_REPORTS_SHIFT + kind)
    if ((word & bit) !== 0) return false
    this.table.setI32(number, I32.status, word | bit)
    return true
  }

  /** Another attempt begins: nothing was reported about it or asked yet. */
  forgetReports(number: number): void {
    const word = this.table.getI32(number, I32.status)
    this.table.setI32(number, I32.status, word & (STATUS_MASK | PERIOD_REPORTS_MASK))
    this.ask(number, 0, 0)
  }

  /** The attempt's subscriber was asked to confirm an order. `word`: code of a layout name. */
  ask(number: number, word: number, untilMs: number): void {
    this.table.setI32(number, I32.asked, word)
    this.table.setF64(number, F64.askedUntil, untilMs)
  }

  /** The keyword that the subscriber was asked about; 0: none. */
  askedWord(number: number): number {
    return this.table.getI32(number, I32.asked)
  }

  /** Until when the question may be answered, exclusive. */
  askedUntilMs(number: number): number {
    return this.table.getF64(number, F64.askedUntil)
  }

  id(number: number): number {
    return this.table.getF64(number, F64.id)
  }

  dueMs(number: number): number {
    return this.table.getF64(number, F64.due)
  }

  notAfterMs(number: number): number {
    return this.table.getF64(number, F64.notAfter)
  }

  /** Numbers of a subscriber's rows, newest first. */
  *rowsOf(slot: number): Generator<number> {
    let next = this.#subscribers.getI32(slot, LEDGER_HEAD_OFFSET)
    while (next !== 0) {
      const number = next - 1
      next = this.table.getI32(number, I32.next)
      yield number
    }
  }

  /** Takes a row out of its chain and frees it. Nothing of it remains. */
  free(number: number): void {
    const { table } = this
    const slot = table.getI32(number, I32.slot)
    const next = table.getI32(number, I32.next)
    let at = this.#subscribers.getI32(slot, LEDGER_HEAD_OFFSET) - 1
    if (at === number) {
      this.#subscribers.setI32(slot, LEDGER_HEAD_OFFSET, next)
    } else {
      for (;;) {
        assert(at !== -1, 'a ledger row is missing from its chain')
        const following = table.getI32(at, I32.next) - 1
        if (following === number) break
        at = following
      }
      table.setI32(at, I32.next, next)
    }
    table.clearRow(number)
    table.setI32(number, I32.next, this.freeHead)
    this.freeHead = number + 1
  }
}

function marksOf(row: LedgerRow): number {
  assert(row.layer <= LAYER_MASK)
  return (
    row.layer |
    (row.isCounted ? COUNTED_MARK : 0) |
    (row.isIgnoringCaps ? IGNORING_MARK : 0) |
    (row.isCanary ? CANARY_MARK : 0) |
    (row.reason << REASON_SHIFT)
  )
}
