/**
 * The grammar of triggers. Each key is said once, here; reading, editor schema and messages come
 * from it.
 */

import { isScalar, isSeq } from 'yaml'
import type { ScheduleSpec } from '../model/catalog.ts'
import { CALENDAR_UNITS } from '../model/expression.ts'
import type { CapSpec } from '../model/policy.ts'
import { parseDuration, parseMinuteOfDay } from '../model/quantity.ts'
import { conditionText } from './catalog-grammar.ts'
import {
  durationOf,
  flag,
  instant,
  minuteOfDay,
  oneOf,
  patternOf,
  textOf,
  wholeNumber,
} from './scalar-shapes.ts'
import {
  listOf,
  located,
  optional,
  recordOf,
  refuse,
  required,
  type Shape,
  textScalar,
} from './shape.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** Longest message text, characters. */
export const MESSAGE_LENGTH_MAX = 1000
/** Triggers in one configuration. */
export const TRIGGERS_MAX = 1000
/** Longest planned delay and longest time a deferred delivery may wait. */
export const DELAY_MAX_MS = 30 * DAY_MS
/** How long a deferred delivery may wait unless the trigger says otherwise. */
export const EXPIRES_DEFAULT_MS = DAY_MS
/** What a trigger is when it does not say: in the middle, tried three times in all. */
export const PRIORITY_DEFAULT = 100
export const ATTEMPTS_DEFAULT = 3

/** `now`, `next day 12:00`, `same day 18:00`, `after 2h`. */
export const schedule: Shape<ScheduleSpec> = {
  schema: {
    type: 'string',
    anyOf: [
      { const: 'now' },
      { pattern: '^(same|next) day ([01][0-9]|2[0-3]):[0-5][0-9]$' },
      { pattern: '^after [0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$' },
    ],
  },
  read(node, source) {
    const text = textScalar(node)?.value ?? ''
    if (text === 'now') return { kind: 'now' }
    const [, day, time] = /^(same|next) day (\S+)$/.exec(text) ?? []
    const minute = time === undefined ? null : parseMinuteOfDay(time)
    if (minute !== null && minute < 1440) {
      return { kind: 'at', days: day === 'next' ? 1 : 0, minuteOfDay: minute }
    }
    const delay = /^after (\S+)$/.exec(text)?.[1]
    const delayMs = delay === undefined ? null : parseDuration(delay)
    if (delayMs !== null && delayMs > 0 && delayMs <= DELAY_MAX_MS)
      return { kind: 'delay', delayMs }
    const advice = 'now, next day 12:00, same day 18:00, after 2h (30 days at most)'
    return refuse(node, source, 'a moment of delivery is expected', advice)
  },
}

const CAP_PATTERN = /^(\d{1,6}) (?:per (hour|day|week|month|cycle)|(ever))$/

const oneCap: Shape<CapSpec> = {
  schema: { type: 'string', pattern: '^[1-9][0-9]* (per (hour|day|week|month|cycle)|ever)$' },
  read(node, source) {
    const match = CAP_PATTERN.exec(textScalar(node)?.value ?? '')
    if (match === null) {
      return refuse(node, source, 'a cap is expected', 'like 1 per month, 3 per week, 1 ever')
    }
    const count = Number(match[1])
    const per = CALENDAR_UNITS.find((unit) => unit === match[2]) ?? 'ever'
    if (count > 0 && count <= 1000) return { count, per, lengthMs: 0 }
    const hint =
      count === 0 ? 'leave the key out for no limit; use validity to stop a trigger' : undefined
    source.report(node, 'out-of-range', `a cap is 1 to 1000, not ${count}`, hint)
    return undefined
  },
}

const manyCaps = listOf('cap', oneCap, { min: 1, max: CALENDAR_UNITS.length + 1 })

/** A cap, a list of caps that must all pass, or null for no limit. */
export const caps: Shape<readonly CapSpec[]> = {
  schema: { anyOf: [oneCap.schema, manyCaps.schema, { type: 'null' }] },
  read(node, source) {
    if (isScalar(node) && node.value === null) return []
    if (!isSeq(node)) {
      const cap = oneCap.read(node, source)
      return cap === undefined ? undefined : [cap]
    }
    const values = manyCaps.read(node, source)
    if (values === undefined) return undefined
    const units = new Set<string>()
    for (const { value, node: place } of values) {
      if (units.has(value.per)) source.report(place, 'duplicate', `two caps per ${value.per}`)
      units.add(value.per)
    }
    return values.map(({ value }) => value)
  },
}

const contactWindow = recordOf('contactWindow', {
  from: required(minuteOfDay, "When it opens, in the subscriber's zone, inclusive: '09:00'."),
  to: required(minuteOfDay, "When it closes, in the subscriber's zone, exclusive: '21:00'."),
  outside: required(
    oneOf(['defer', 'drop']),
    'What happens outside: defer to the next opening, or drop.',
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

const deliver = recordOf('deliver', {
  channel: required(
    patternOf(
      'the name of a channel',
      /^[a-z][a-z0-9-]{0,30}$/,
      'channels are lower-case letters, digits and hyphens, like sms',
    ),
    'The channel that carries the delivery, like sms.',
  ),
  at: optional(located(schedule), 'When: now, next day 12:00, same day 18:00, after 2h.', 'now'),
  contactWindow: optional(contactWindow, 'The hours in which customers may be spoken to.', null),
  onExpired: optional(
    oneOf(['reschedule', 'drop']),
    'What happens when a gateway reports that a delivery came too late.',
    'reschedule',
  ),
  attempts: optional(wholeNumber(1, 10), 'How often a delivery is tried in all.', ATTEMPTS_DEFAULT),
})

const validity = recordOf('validity', {
  from: optional(instant, 'From this instant on, inclusive: 2026-11-01T00:00:00+08:00.'),
  to: optional(instant, 'Up to this instant, exclusive.'),
})

/** Ids become words in subjects, delivery ids and metric labels. */
const triggerId = patternOf(
  'the id of a trigger',
  /^[a-z][a-z0-9-]{0,62}$/,
  'ids are lower-case letters, digits and hyphens, start with a letter, and have at most 63 characters',
)

/** Everything that a trigger may say. */
export const triggerFile = recordOf('a trigger', {
  trigger: required(located(triggerId), 'The id of the trigger, for good.'),
  when: required(conditionText, 'The condition, in CEL: data.day >= 500 * KiB && tags.seed.'),
  once: optional(
    oneOf([...CALENDAR_UNITS, 'ever']),
    'It fires at most once per subscriber in this period. Left out: the shortest calendar period that "when" reads.',
  ),
  oncePerTag: optional(
    located(textOf(64)),
    'It fires at most once per version of this versioned tag.',
  ),
  late: optional(
    oneOf(['fire', 'ignore']),
    'Whether late records fire for the past period that they belong to.',
    'ignore',
  ),
  reload: optional(
    oneOf(['fire-existing', 'ignore-existing']),
    'Whether a new or edited trigger fires for those who are already above the line.',
    'ignore-existing',
  ),
  priority: optional(wholeNumber(0, 999), 'Smaller goes first.', PRIORITY_DEFAULT),
  deliver: required(deliver, 'How and when the delivery goes out.'),
  cap: optional(
    caps,
    'How many deliveries a subscriber may get from this trigger: 1 per month, 1 ever, or a list; null: no limit.',
    null,
  ),
  cancelWhen: optional(
    conditionText,
    'Judged when the delivery is due: true cancels it. Reads tags, lists and fields.',
  ),
  validity: optional(validity, 'The time in which the trigger is in force.'),
  retry: optional(
    flag,
    'Whether a dropped delivery may be tried again at the next opening of the contact window.',
    false,
  ),
  message: required(textOf(MESSAGE_LENGTH_MAX), 'The text that the customer gets.'),
  description: optional(textOf(MESSAGE_LENGTH_MAX), 'A note for colleagues.'),
})

type ReadingOf<S> = S extends Shape<infer T> ? T : never

export type TriggerReading = ReadingOf<typeof triggerFile>
export type DeliverReading = ReadingOf<typeof deliver>
export type ContactWindowReading = ReadingOf<typeof contactWindow>
