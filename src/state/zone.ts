/**
 * Wall-clock time of a zone as cached offset ranges: a calendar library per record costs 2,700 to
 * 9,000 ns, a look-up in the range of the last record a few (bench/kernels). The ranges come from
 * the runtime's tz database once, at load; its version stands in the manifest, since a replay must
 * see the same.
 */

import { assert } from '../errors.ts'
import type { WallClock } from '../model/wall-clock.ts'

/** Lengths of time, ms. A day of the wall clock may have 23 or 25 hours. */
export const MS_PER_MINUTE = 60_000
export const MS_PER_HOUR = 3_600_000
export const MS_PER_DAY = 86_400_000

/** Offsets are known between these instants and constant outside: 1990-01-01 and 2060-01-01. */
const RANGE_FIRST_MS = 631_152_000_000
const RANGE_LAST_MS = 2_840_140_800_000
/**
 * No zone changes its offset twice within this step: Gaza's shortest stretch, 2040, has seven days.
 */
const SCAN_STEP_MS = 6 * MS_PER_DAY

/** Whether the runtime's tz database knows the zone; much cheaper than a ZoneClock. */
export function isZoneKnown(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

/** The offset ranges of one IANA zone. Immutable but for the cached range. */
export class ZoneClock implements WallClock {
  readonly zone: string
  /** Instants at which an offset starts to hold, ascending; the first is -Infinity. */
  readonly #startsMs: Float64Array
  readonly #offsetsMs: Float64Array
  #cachedFromMs = Number.POSITIVE_INFINITY
  #cachedToMs = Number.NEGATIVE_INFINITY
  #cachedOffsetMs = 0

  /** Throws RangeError for a zone that the runtime's tz database does not know. */
  constructor(zone: string) {
    this.zone = zone
    const { startsMs, offsetsMs } = rangesOf(zone)
    this.#startsMs = startsMs
    this.#offsetsMs = offsetsMs
  }

  /** Milliseconds to add to an instant to get local wall-clock time. */
  offsetAt(instantMs: number): number {
    if (instantMs >= this.#cachedFromMs && instantMs < this.#cachedToMs) return this.#cachedOffsetMs
    const index = this.#rangeOf(instantMs)
    this.#cachedFromMs = this.#startsMs[index]!
    this.#cachedToMs = this.#startsMs[index + 1] ?? Number.POSITIVE_INFINITY
    this.#cachedOffsetMs = this.#offsetsMs[index]!
    return this.#cachedOffsetMs
  }

  /** End of the offset range that holds at the instant, exclusive. */
  rangeEnd(instantMs: number): number {
    this.offsetAt(instantMs)
    return this.#cachedToMs
  }

  /** Local day number (days since 1970-01-01) of an instant. */
  dayAt(instantMs: number): number {
    return Math.floor((instantMs + this.offsetAt(instantMs)) / MS_PER_DAY)
  }

  /** Local minute of the day of an instant, with fraction. */
  minuteAt(instantMs: number): number {
    const localMs = instantMs + this.offsetAt(instantMs)
    return (localMs - Math.floor(localMs / MS_PER_DAY) * MS_PER_DAY) / MS_PER_MINUTE
  }

  /**
   * First instant at which the local wall clock shows `minuteOfDay` of `day` or, where that time is
   * skipped by a change to summer time, the end of the gap.
   */
  instantOf(day: number, minuteOfDay: number): number {
    const localMs = day * MS_PER_DAY + minuteOfDay * MS_PER_MINUTE
    const first = this.#rangeOf(localMs - MS_PER_DAY)
    const last = this.#rangeOf(localMs + MS_PER_DAY)
    for (let index = first; index <= last; index++) {
      const startMs = this.#startsMs[index]!
      const endMs = this.#startsMs[index + 1] ?? Number.POSITIVE_INFINITY
      const instantMs = localMs - this.#offsetsMs[index]!
      if (instantMs < startMs) return startMs
      if (instantMs < endMs) return instantMs
    }
    throw new RangeError(`no instant for local time ${localMs} in ${this.zone}`)
  }

  #rangeOf(instantMs: number): number {
    let low = 0
    let high = this.#startsMs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#startsMs[middle]! <= instantMs) low = middle
      else high = middle - 1
    }
    return low
  }
}

interface OffsetRanges {
  readonly startsMs: Float64Array
  readonly offsetsMs: Float64Array
}

/**
 * A scan costs 25 ms and always finds the same: once per zone and process, not once per partition.
 */
const rangesScanned = new Map<string, OffsetRanges>()
const RANGES_SCANNED_MAX = 1024

function rangesOf(zone: string): OffsetRanges {
  let ranges = rangesScanned.get(zone)
  if (ranges === undefined) {
    ranges = scanOffsets(zone)
    if (rangesScanned.size >= RANGES_SCANNED_MAX) rangesScanned.clear()
    rangesScanned.set(zone, ranges)
  }
  return ranges
}

function scanOffsets(zone: string): OffsetRanges {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const offsetOf = (instantMs: number): number => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(instantMs)) part[type] = Number(value)
    const localMs = Date.UTC(
      part.year!,
      part.month! - 1,
      part.day!,
      part.hour!,
      part.minute!,
      part.second!,
    )
    return localMs - instantMs
  }
  const startsMs = [Number.NEGATIVE_INFINITY]
  const offsetsMs = [offsetOf(RANGE_FIRST_MS)]
  for (let fromMs = RANGE_FIRST_MS; fromMs < RANGE_LAST_MS; fromMs += SCAN_STEP_MS) {
    const known = offsetsMs[offsetsMs.length - 1]!
    const toMs = fromMs + SCAN_STEP_MS
    const next = offsetOf(toMs)
    if (next === known) continue
    startsMs.push(bisectChange(offsetOf, known, fromMs, toMs))
    offsetsMs.push(next)
  }
  assert(startsMs.length === offsetsMs.length)
  return { startsMs: Float64Array.from(startsMs), offsetsMs: Float64Array.from(offsetsMs) }
}

/** First whole second in (fromMs, toMs] whose offset is no longer `known`. */
function bisectChange(
  offsetOf: (instantMs: number) => number,
  known: number,
  fromMs: number,
  toMs: number,
): number {
  while (toMs - fromMs > 1000) {
    const middleMs = Math.floor((fromMs + toMs) / 2000) * 1000
    if (offsetOf(middleMs) === known) fromMs = middleMs
    else toMs = middleMs
  }
  return toMs
}
