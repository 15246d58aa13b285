/**
 * The grammar of triggers. Each key is said once, here; reading, editor schema and messages come
 * from it.
 */

import { isScalar } from 'yaml'
import type { ScheduleSpec } from '../model/catalog.ts'
import { CALENDAR_UNITS } from '../model/expression.ts'
import { CLASS_DEFAULT } from '../model/policy.ts'
import { parseDuration, parseMinuteOfDay } from '../model/quantity.ts'
import { action } from './build-action.ts'
import { conditionText } from './catalog-grammar.ts'
import { CONDITION_LENGTH_MAX } from './cel-text.ts'
import { loopKeys } from './loop-grammar.ts'
import { messageShape } from './message-grammar.ts'
import { verdict } from './reporting-grammar.ts'
import { caps, contactWindow, controlGroupOf, DELAY_MAX_MS, hyphenedName } from './policy-shapes.ts'
import {
  flag,
  instant,
  isExactNumber,
  oneOf,
  patternOf,
  textOf,
  wholeNumber,
} from './scalar-shapes.ts'
import {
  type Located,
  located,
  optional,
  recordOf,
  refuse,
  required,
  type Shape,
  textScalar,
} from './shape.ts'

/** What a message may take as SMS unless the trigger says so: phones join about as many. */
export const SEGMENTS_DEFAULT = 10
/** A concatenated SMS counts its parts in one byte. */
export const SEGMENTS_MAX = 255
/** Longest note for colleagues, characters. */
export const DESCRIPTION_LENGTH_MAX = 1000
/** Triggers in one configuration. */
export const TRIGGERS_MAX = 1000
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

const deliver = recordOf('deliver', {
  channel: required(
    located(hyphenedName('channel', 'channels')),
    'The channel that carries the delivery, like sms.',
  ),
  at: optional(located(schedule), 'When: now, next day 12:00, same day 18:00, after 2h.', 'now'),
  contactWindow: optional(
    contactWindow,
    'The hours in which customers may be spoken to, within those of its channel and its class.',
    null,
  ),
  overCapacity: optional(
    oneOf(['defer', 'drop']),
    "What happens when the channel's capacity for the hour or the day is spent: wait for the next one, or drop.",
    'defer',
  ),
  onExpired: optional(
    oneOf(['reschedule', 'drop']),
    'What happens when a gateway reports that a delivery came too late.',
    'reschedule',
  ),
  attempts: optional(wholeNumber(1, 10), 'How often a delivery is tried in all.', ATTEMPTS_DEFAULT),
})

const numberText = textOf(CONDITION_LENGTH_MAX)

/** A numeric expression's text; a plain number is one, too. */
const valueText: Shape<Located<string>> = located({
  schema: { anyOf: [{ type: 'number' }, numberText.schema] },
  read(node, source) {
    if (!isScalar(node) || typeof node.value !== 'number') return numberText.read(node, source)
    if (isExactNumber(node.value)) return String(node.value)
    source.report(node, 'out-of-range', 'the number is too large to be exact')
    return undefined
  },
})

/** The time in which something is in force. */
export const validity = recordOf('validity', {
  from: optional(instant, 'From this instant on, inclusive: 2026-11-01T00:00:00+08:00.'),
  to: optional(instant, 'Up to this instant, exclusive.'),
})

/** Ids become words in subjects, delivery ids and metric labels. */
const triggerId = patternOf(
  'the id of a trigger',
  /^[a-z][a-z0-9-]{0,62}$/,
  'ids are lower-case letters, digits and hyphens, start with a letter, and have at most 63 characters',
)

/** What triggers and steps of journeys say alike: who gets it, how it competes, what goes out. */
export const contactKeys = {
  class: optional(
    located(hyphenedName('class', 'classes')),
    'What kind of message it is: marketing, service, legal, or a declared class.',
    CLASS_DEFAULT,
  ),
  layer: optional(
    located(hyphenedName('layer', 'layers')),
    'Its layer in the arbitration: one of arbitration.layers. Left out: the weakest.',
  ),
  priority: optional(wholeNumber(0, 999), 'Smaller goes first, within a layer.', PRIORITY_DEFAULT),
  value: optional(
    valueText,
    'What the contact is worth, a number in CEL over counters, tags, fields, lists and params: larger goes first, within a priority.',
    0,
  ),
  audience: optional(
    conditionText,
    'Who may get it at all, in CEL over tags, fields, lists and params; judged when it fires and when it is due.',
    'everybody',
  ),
  controlGroup: optional(
    controlGroupOf('the id of the trigger'),
    'Subscribers who are held out, so that there is somebody to compare with.',
    null,
  ),
  ignoresCaps: optional(
    flag,
    'Whether it passes over all caps but its own, and takes no part in arbitration. Left out: what its class says.',
  ),
  countsTowardCaps: optional(
    flag,
    'Whether its deliveries count in the caps of channel and all. Left out: what its class says.',
  ),
  deliver: required(deliver, 'How and when the delivery goes out.'),
  cap: optional(
    caps,
    'How many deliveries a subscriber may get from this trigger: 1 per month, 8 per 30 days, 1 ever, or a list; null: no limit.',
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
  message: optional(
    messageShape,
    'The text that the customer gets, with values in braces: {fields.plan}, {data.day | MiB}; or one per language: { default: zh, zh: …, en: … }. Or an action.',
  ),
  maxSegments: optional(
    located(wholeNumber(1, SEGMENTS_MAX)),
    `On channels with sms: how many SMS the message may take, with the longest values that it can have. Left out: ${SEGMENTS_DEFAULT}.`,
  ),
  action: optional(
    action,
    'What is done instead of saying something: { credit: { amount: 2, unit: yuan } } or { tag: { set: rewarded } }.',
  ),
  ...loopKeys,
  verdict: optional(verdict, 'What it is judged by.'),
  description: optional(textOf(DESCRIPTION_LENGTH_MAX), 'A note for colleagues.'),
}

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
  ...contactKeys,
})

type ReadingOf<S> = S extends Shape<infer T> ? T : never

/** What `buildContact` reads: the keys that triggers and steps have alike. */
export type ContactReading = Pick<TriggerReading, 'values' | 'at' | 'node'>
export type TriggerReading = ReadingOf<typeof triggerFile>
export type DeliverReading = ReadingOf<typeof deliver>
