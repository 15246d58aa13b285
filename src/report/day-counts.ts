/**
 * Counts by trigger, channel, region and hour of the local day, kept per day. Bounded: so many rows
 * in all; beyond, the oldest day loses its hours, and when only the running one has any left, new
 * regions are counted together.
 */

/** What is counted in each row; the position is the one in `counts`. */
export const COUNTS = [
  'delivered',
  'handedOver',
  'failed',
  'received',
  'expired',
  'responded',
  'replied',
  'clicked',
  'ordered',
  'orderedDirectly',
  'optedOut',
  'complained',
  'suppressed',
  'holdouts',
  'holdoutsOrdered',
  'shown',
  'segments',
  'canaries',
  'tests',
  'notices',
  'confirmations',
] as const

export type CountName = (typeof COUNTS)[number]

/** Position of a count. */
export const AT = Object.fromEntries(COUNTS.map((name, at) => [name, at])) as Readonly<
  Record<CountName, number>
>

/** Hour of rows of days whose hours were given up. */
export const HOUR_NONE = -1
/** Region of what came when there was no room for more of them. */
export const REGION_OTHER = 'other'

/** One row. `channel` empty: a suppression, which names none; `region` empty: none was said. */
export interface CountRow {
  readonly trigger: string
  readonly channel: string
  readonly region: string
  /** 0 to 23, or HOUR_NONE. */
  readonly hour: number
  readonly counts: Float64Array
  /** Suppressions by reason; null: none. */
  reasons: Map<string, number> | null
}

/** What the days may take. */
export interface DayBounds {
  /** Rows in all. */
  readonly rowsMax: number
  /** Days that are kept, the newest one included. */
  readonly daysKept: number
}

/** Rows of all days. */
export class DayCounts {
  readonly #bounds: DayBounds
  readonly #days = new Map<number, Map<string, CountRow>>()
  #rowCount = 0
  #newestDay = Number.NEGATIVE_INFINITY
  #last: { readonly day: number; readonly row: CountRow } | null = null

  constructor(bounds: DayBounds) {
    this.#bounds = bounds
  }

  get rowCount(): number {
    return this.#rowCount
  }

  /** Local days (since 1970-01-01) that hold anything, ascending. */
  days(): readonly number[] {
    return [...this.#days.keys()].sort((a, b) => a - b)
  }

  /** Rows of a day, in the order in which they came. */
  rowsOf(day: number): Iterable<CountRow> {
    return this.#days.get(day)?.values() ?? []
  }

  /** The row of these words; null: its day is no longer kept. */
  at(day: number, hour: number, trigger: string, channel: string, region: string): CountRow | null {
    const last = this.#last
    if (last !== null && last.day === day && isRow(last.row, hour, trigger, channel, region)) {
      return last.row
    }
    const row = this.#find(day, hour, trigger, channel, region)
    this.#last = row === null ? null : { day, row }
    return row
  }

  /** Puts a row as it was, for a snapshot. */
  restore(day: number, row: CountRow): void {
    const rows = this.#rowsOfDay(day)
    rows.set(keyOf(row), row)
    this.#rowCount++
    this.#newestDay = Math.max(this.#newestDay, day)
  }

  #find(
    day: number,
    hour: number,
    trigger: string,
    channel: string,
    region: string,
  ): CountRow | null {
    if (day <= this.#newestDay - this.#bounds.daysKept) return null
    if (day > this.#newestDay) this.#turnTo(day)
    const rows = this.#rowsOfDay(day)
    const words = { trigger, channel, region, hour }
    const key = keyOf(words)
    const there = rows.get(key)
    if (there !== undefined) return there
    // A day that lost its hours goes on without them.
    const daily = { ...words, hour: HOUR_NONE }
    if (isWithoutHours(rows)) return rows.get(keyOf(daily)) ?? this.#add(rows, daily)
    if (this.#rowCount < this.#bounds.rowsMax) return this.#add(rows, words)
    this.#makeRoom(day)
    if (this.#rowCount < this.#bounds.rowsMax) return this.#add(rows, words)
    const other = { ...words, region: region === '' ? '' : REGION_OTHER }
    return rows.get(keyOf(other)) ?? this.#add(rows, other)
  }

  #turnTo(day: number): void {
    this.#newestDay = day
    for (const [old, rows] of this.#days) {
      if (old > day - this.#bounds.daysKept) continue
      this.#rowCount -= rows.size
      this.#days.delete(old)
    }
  }

  #makeRoom(running: number): void {
    for (const day of this.days()) {
      const rows = this.#days.get(day)!
      if (day >= running || isWithoutHours(rows)) continue
      this.#giveUpHours(day, rows)
      return
    }
  }

  #giveUpHours(day: number, rows: ReadonlyMap<string, CountRow>): void {
    const daily = new Map<string, CountRow>()
    for (const { trigger, channel, region, counts, reasons } of rows.values()) {
      const words = { trigger, channel, region, hour: HOUR_NONE }
      const key = keyOf(words)
      const row = daily.get(key) ?? emptyRow(words)
      daily.set(key, row)
      for (const [at, count] of counts.entries()) row.counts[at]! += count
      for (const [reason, count] of reasons ?? []) addReason(row, reason, count)
    }
    this.#rowCount += daily.size - rows.size
    this.#days.set(day, daily)
    this.#last = null
  }

  #add(rows: Map<string, CountRow>, words: Words): CountRow {
    const row = emptyRow(words)
    rows.set(keyOf(words), row)
    this.#rowCount++
    return row
  }

  #rowsOfDay(day: number): Map<string, CountRow> {
    let rows = this.#days.get(day)
    if (rows === undefined) {
      rows = new Map()
      this.#days.set(day, rows)
    }
    return rows
  }
}

type Words = Pick<CountRow, 'trigger' | 'channel' | 'region' | 'hour'>

/** Adds to a row's suppressions of one reason. */
export function addReason(row: CountRow, reason: string, count: number): void {
  row.reasons ??= new Map()
  row.reasons.set(reason, (row.reasons.get(reason) ?? 0) + count)
}

function emptyRow({ trigger, channel, region, hour }: Words): CountRow {
  const counts = new Float64Array(COUNTS.length)
  return { trigger, channel, region, hour, counts, reasons: null }
}

function isRow(row: CountRow, hour: number, trigger: string, channel: string, region: string) {
  return (
    row.hour === hour && row.trigger === trigger && row.channel === channel && row.region === region
  )
}

function keyOf({ trigger, channel, region, hour }: Words): string {
  return `${trigger}\n${channel}\n${region}\n${hour}`
}

function isWithoutHours(rows: ReadonlyMap<string, CountRow>): boolean {
  for (const { hour } of rows.values()) return hour === HOUR_NONE
  return false
}
