/**
 * Shapes that triggers and the policy above them have in common: caps, contact windows, shares,
 * names with hyphens, holidays.
 */

import { isMap, isScalar, isSeq } from 'yaml'
import { CALENDAR_UNITS } from '../model/expression.ts'
import type { CapSpec } from '../model/policy.ts'
import { parseDayNumber } from '../model/quantity.ts'
import { durationOf, minuteOfDay, oneOf, patternOf } from './scalar-shapes.ts'
import {
  listOf,
  located,
  type Naming,
  optional,
  type RecordReading,
  recordOf,
  refuse,
  required,
  type Shape,
  textScalar,
} from './shape.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Longest planned delay and longest time a deferred delivery may wait. */
export const DELAY_MAX_MS = 30 * DAY_MS
/** How long a deferred delivery may wait unless its contact window says otherwise. */
export const EXPIRES_DEFAULT_MS = DAY_MS
/** Longest stretches of sliding caps: as long as a counter may look back. */
export const SLIDING_CAP_DAYS_MAX = 92
export const SLIDING_CAP_HOURS_MAX = 168
/** Caps of one scope, and the largest count of one. */
export const CAPS_MAX = 12
export const CAP_COUNT_MAX = 1000
/** Holidays in one configuration, in days, and the longest range of them. */
export const HOLIDAYS_MAX = 1000
export const HOLIDAY_RANGE_MAX = 366

/** Names of channels, classes and layers: words of subjects and labels. */
export const HYPHENED: Naming = {
  pattern: /^[a-z][a-z0-9-]{0,30}$/,
  advice: 'lower-case letters, digits and hyphens, like sms; at most 31 characters',
}

/** A name with hyphens which people know by `what`; `many` is its plural. */
export function hyphenedName(what: string, many: string): Shape<string> {
  return patternOf(`the name of a ${what}`, HYPHENED.pattern, `${many} are ${HYPHENED.advice}`)
}

const CAP_PATTERN =
  /^(\d{1,6}) (?:per (hour|day|week|month|cycle)|(ever)|per (\d{1,4}) (day|hour)s?)$/

const oneCap: Shape<CapSpec> = {
  schema: {
    type: 'string',
    anyOf: [
      { pattern: '^[1-9][0-9]* (per (hour|day|week|month|cycle)|ever)$' },
      { pattern: '^[1-9][0-9]* per [1-9][0-9]* (days?|hours?)$' },
    ],
  },
  read(node, source) {
    const match = CAP_PATTERN.exec(textScalar(node)?.value ?? '')
    if (match === null) {
      const advice = 'like 1 per month, 3 per week, 8 per 30 days, 1 ever'
      return refuse(node, source, 'a cap is expected', advice)
    }
    const [, countText, calendarUnit, , lengthText, slidingUnit] = match
    const count = Number(countText)
    if (count < 1 || count > CAP_COUNT_MAX) {
      const hint =
        count === 0 ? 'leave the key out for no limit; use validity to stop a trigger' : undefined
      source.report(node, 'out-of-range', `a cap is 1 to ${CAP_COUNT_MAX}, not ${count}`, hint)
      return undefined
    }
    if (lengthText === undefined) {
      const per = CALENDAR_UNITS.find((unit) => unit === calendarUnit) ?? 'ever'
      return Object.freeze({ count, per, lengthMs: 0 })
    }
    const isDays = slidingUnit === 'day'
    const length = Number(lengthText)
    const max = isDays ? SLIDING_CAP_DAYS_MAX : SLIDING_CAP_HOURS_MAX
    if (length < 1 || length > max) {
      const message = `a sliding cap is per 1 to ${max} ${slidingUnit}s, not ${length}`
      source.report(node, 'out-of-range', message)
      return undefined
    }
    return Object.freeze({ count, per: 'sliding', lengthMs: length * (isDays ? DAY_MS : HOUR_MS) })
  },
}

const manyCaps = listOf('cap', oneCap, { min: 1, max: CAPS_MAX })

/** Several caps of one scope with the places where they stand; all must pass. */
export interface CapsReading {
  readonly caps: readonly CapSpec[]
  /** The node of each cap, in the same order. */
  readonly nodes: readonly Parameters<Shape<unknown>['read']>[0][]
}

/** A cap, a list of caps that must all pass, or null for no limit. */
export const caps: Shape<CapsReading> = {
  schema: { anyOf: [oneCap.schema, manyCaps.schema, { type: 'null' }] },
  read(node, source) {
    if (isScalar(node) && node.value === null) return { caps: [], nodes: [] }
    if (isSeq(node)) {
      const values = manyCaps.read(node, source)
      if (values === undefined) return undefined
      const found = Object.freeze(values.map(({ value }) => value))
      return { caps: found, nodes: values.map((value) => value.node) }
    }
    const cap = oneCap.read(node, source)
    return cap === undefined ? undefined : { caps: Object.freeze([cap]), nodes: [node] }
  },
}

/** A share as `5 %`, within [0, 1]; the callers say which ends are possible. */
export const share: Shape<number> = {
  schema: { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)? ?%$' },
  read(node, source) {
    if (isScalar(node) && typeof node.value === 'number') {
      const { value } = node
      const isFraction = value > 0 && value < 1
      const percent = isFraction ? Number((value * 100).toPrecision(12)) : value
      source.report(node, 'unit-missing', 'a share needs its unit', `did you mean ${percent} %?`)
      return undefined
    }
    const match = /^(\d{1,3}(?:\.\d{1,6})?) ?%$/.exec(textScalar(node)?.value ?? '')
    if (match === null) return refuse(node, source, 'a share is expected', 'like 5 % or 0.5 %')
    const percent = Number(match[1])
    if (percent <= 100) return percent / 100
    source.report(node, 'out-of-range', `${match[0]} is more than 100 %`)
    return undefined
  },
}

/** Days of the week as written; Monday is 0. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** What a contact window says of holidays. */
export type HolidayReading = 'like-other-days' | 'closed' | HolidayOpeningReading

const holidayOpening = recordOf('holidays', {
  from: required(minuteOfDay, "When it opens on holidays, inclusive: '10:00'."),
  to: required(minuteOfDay, "When it closes on holidays, exclusive: '16:00'."),
})

type HolidayOpeningReading = ReadingOf<typeof holidayOpening>

const holidayWord = oneOf(['like-other-days', 'open', 'closed'])

const holidayRule: Shape<HolidayReading> = {
  schema: { anyOf: [holidayWord.schema, holidayOpening.schema] },
  read(node, source) {
    if (isMap(node)) return holidayOpening.read(node, source)
    const word = holidayWord.read(node, source)
    return word === 'open' ? 'like-other-days' : word
  },
}

/** A contact window of a trigger, a channel or a class. */
export const contactWindow = recordOf('contactWindow', {
  from: required(minuteOfDay, "When it opens, in the subscriber's zone, inclusive: '09:00'."),
  to: required(minuteOfDay, "When it closes, in the subscriber's zone, exclusive: '21:00'."),
  on: optional(
    listOf('on', oneOf(WEEKDAYS), { min: 1, max: WEEKDAYS.length }),
    'The days of the week on which it opens: [mon, tue, wed, thu, fri].',
    'every day',
  ),
  holidays: optional(
    holidayRule,
    'What holds on holidays: like-other-days (or open), closed, or hours of their own: {from, to}.',
    'like-other-days',
  ),
  outside: optional(
    oneOf(['defer', 'drop']),
    "What happens outside: defer to the next opening, or drop. A trigger's window must say it where neither its channel nor its class has one; theirs defer.",
  ),
  spread: optional(
    durationOf(0, DAY_MS),
    'Deferred deliveries are spread over this long after the opening.',
    '0s',
  ),
  expires: optional(
    durationOf(MINUTE_MS, DELAY_MAX_MS),
    'How long after its planned moment a delivery may still go out.',
    '24h',
  ),
})

/** Days (since 1970-01-01), both inclusive. */
export interface DayRange {
  readonly fromDay: number
  readonly toDay: number
}

const HOLIDAY_PATTERN = /^(\S+)(?: to (\S+))?$/

/** `2026-10-01`, or `2026-10-01 to 2026-10-07`. */
const holiday: Shape<DayRange> = {
  schema: {
    type: 'string',
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}( to [0-9]{4}-[0-9]{2}-[0-9]{2})?$',
  },
  read(node, source) {
    const [, first, last] = HOLIDAY_PATTERN.exec(textScalar(node)?.value ?? '') ?? []
    const fromDay = first === undefined ? null : parseDayNumber(first)
    const toDay = last === undefined ? fromDay : parseDayNumber(last)
    if (fromDay === null || toDay === null) {
      const advice = "like 2026-10-01 or '2026-10-01 to 2026-10-07'"
      return refuse(node, source, 'an existing day is expected', advice)
    }
    if (toDay < fromDay) {
      const hint = `did you mean ${last} to ${first}?`
      source.report(node, 'out-of-range', 'the holidays end before they begin', hint)
      return undefined
    }
    if (toDay - fromDay < HOLIDAY_RANGE_MAX) return { fromDay, toDay }
    const message = `${toDay - fromDay + 1} holidays in a row; at most ${HOLIDAY_RANGE_MAX}`
    source.report(node, 'out-of-range', message)
    return undefined
  },
}

/** The days that contact windows know as holidays. */
export const holidays = listOf('holidays', holiday, { min: 1, max: HOLIDAYS_MAX })

/** A control group: who of the audience is held out. */
export function controlGroupOf(experimentDefault: string) {
  const experiment = patternOf(
    'the name of an experiment',
    /^[a-z][a-z0-9-]{0,62}$/,
    'lower-case letters, digits and hyphens, like pack-2026; at most 63 characters',
  )
  return recordOf('controlGroup', {
    share: required(
      located(share),
      'How many of the subscribers get nothing, so that there is somebody to compare with: 5 %.',
    ),
    experiment: optional(
      experiment,
      'Its name. The same subscribers are in it for good; other experiments draw anew.',
      experimentDefault,
    ),
  })
}

type ReadingOf<S> = S extends Shape<infer T> ? T : never

export type ContactWindowReading = ReadingOf<typeof contactWindow>
export type ControlGroupReading = ReadingOf<ReturnType<typeof controlGroupOf>>
export type { HolidayOpeningReading, RecordReading }
