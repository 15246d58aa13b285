/**
 * The grammar of verdicts, reports and the watch. Each key is said once, here; reading, editor
 * schema and messages come from it.
 */

import {
  type LevelBound,
  MEASURE_KINDS,
  NOTICE_WORDS,
  type NoticeWord,
  ORDER_SOURCES,
  REPORT_KINDS,
} from '../model/reporting.ts'
import { suggestWord } from '../model/spelling.ts'
import { HYPHENED, hyphenedName, share, WEEKDAYS } from './policy-shapes.ts'
import {
  durationOf,
  flag,
  minuteOfDay,
  oneOf,
  patternOf,
  textOf,
  wholeNumber,
} from './scalar-shapes.ts'
import {
  dictionaryOf,
  listOf,
  located,
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

/** Bounds of what is reported and watched. */
export const REPORTING_BOUNDS = {
  reports: 64,
  measures: 256,
  roles: 8,
  triggersNamed: 1000,
  withinMaxMs: 45 * DAY_MS,
  textLengthMax: 500,
} as const

/** Unless the configuration says otherwise. */
export const REPORTING_DEFAULTS = {
  atMinute: 8 * 60,
  earliestMinute: 12 * 60,
  latestMinute: 21 * 60,
  daysOfMonth: [5, 15],
  class: 'service',
  everyMs: 15 * MINUTE_MS,
  incidentWithinMs: DAY_MS,
} as const

const triggerName = located(
  patternOf('the id of a trigger', /^[a-z][a-z0-9-]{0,62}$/, 'like data-pack'),
)

/** What a trigger is judged by. */
export const verdict = recordOf('verdict', {
  response: optional(
    located(share),
    'Good if more than this share of those reached responded (replied or clicked): 5 %.',
  ),
  order: optional(
    located(share),
    'Good if more than this share of those reached ordered: 2 %, like the natural growth.',
  ),
  within: optional(
    durationOf(HOUR_MS, REPORTING_BOUNDS.withinMaxMs),
    'What comes later than this after the delivery does not count: 7d.',
    'however late',
  ),
  orders: optional(
    oneOf(ORDER_SOURCES),
    'Which orders count: by reply; direct: by reply or with the id of the delivery; any: also those of the number alone.',
    'direct',
  ),
  against: optional(
    triggerName,
    'The choice of customers was accurate if the order rate is above that of this trigger, who got the same offer unchosen.',
  ),
})

/** A text with `{words}`; a brace of its own is written twice. */
const noticeText: Shape<string> = {
  schema: textOf(REPORTING_BOUNDS.textLengthMax).schema,
  read(node, source) {
    const text = textOf(REPORTING_BOUNDS.textLengthMax).read(node, source)
    if (text === undefined) return undefined
    for (const [, word] of text.replaceAll(/\{\{|\}\}/g, '').matchAll(/\{([^}]*)\}?/g)) {
      if (NOTICE_WORDS.includes(word as NoticeWord)) continue
      const hint = suggestWord(word ?? '', NOTICE_WORDS) ?? `words: ${NOTICE_WORDS.join(', ')}`
      source.report(node, 'unknown-word', `there is no {${word}}`, hint)
      return undefined
    }
    return text
  },
}

const roles = listOf('to', hyphenedName('role', 'roles'), { min: 1, max: REPORTING_BOUNDS.roles })

const noticeKeys = {
  to: optional(
    roles,
    'Roles of those who get it as a message: [manager]; their numbers stand in watch.recipients of the settings.',
  ),
  channel: optional(hyphenedName('channel', 'channels'), 'The channel of the messages: sms.'),
  class: optional(hyphenedName('class', 'classes'), 'The class of the messages.', 'service'),
  text: optional(
    noticeText,
    'The text of the messages: {date}: {targets} sent, {ordered} ordered. Left out: one of ours.',
  ),
}

const report = recordOf('a report', {
  kind: required(
    located(oneOf(REPORT_KINDS)),
    'sendout: once a day, as soon as nothing of the day is pending; daily: of the day before; weekly: of the seven days before; monthly: of the month before.',
  ),
  triggers: optional(
    listOf('triggers', triggerName, { min: 1, max: REPORTING_BOUNDS.triggersNamed }),
    'The triggers that it tells of.',
    'all',
  ),
  about: optional(oneOf(['everything', 'complaints']), 'What it tells.', 'everything'),
  at: optional(minuteOfDay, 'When a daily, weekly or monthly one is made.', '08:00'),
  earliest: optional(located(minuteOfDay), 'Before this a sendout is not made.', '12:00'),
  latest: optional(
    located(minuteOfDay),
    'When a sendout is made whatever is pending, also on days without deliveries.',
    '21:00',
  ),
  on: optional(oneOf(WEEKDAYS), 'The day of a weekly one.', 'mon'),
  days: optional(
    listOf('days', wholeNumber(1, 28), { min: 1, max: 28 }),
    'The days of the month on which a monthly one is made.',
    '[5, 15]',
  ),
  ...noticeKeys,
})

const BOUND = /^(above|below) (\d{1,12}(?:\.\d{1,6})?)( ?%| per 100,?000)?$/

const levelBound: Shape<LevelBound> = {
  schema: {
    type: 'string',
    pattern: '^(above|below) [0-9]+(\\.[0-9]+)?( ?%| per 100,?000)?$',
  },
  read(node, source) {
    const match = BOUND.exec(textScalar(node)?.value ?? '')
    if (match === null) {
      const isCut = /per 100$/.test(textScalar(node)?.value ?? '')
      const advice = isCut
        ? 'a comma ends a value within { }: write per 100000'
        : 'like above 5 %, below 70 %, above 10 per 100000, below 1000'
      return refuse(node, source, 'a bound is expected', advice)
    }
    const [, direction, number, unit = ''] = match
    const divisor = unit === '' ? 1 : unit.includes('%') ? 100 : 100_000
    const value = Number(number) / divisor
    return Object.freeze({
      direction: direction === 'above' ? 'above' : 'below',
      value,
      text: `${number}${unit}`,
    })
  },
}

const actionKeys = {
  learn: optional(textOf(REPORTING_BOUNDS.textLengthMax), 'What is to be learned from it.'),
  mend: optional(textOf(REPORTING_BOUNDS.textLengthMax), 'What is to be mended.'),
  by: optional(textOf(100), 'Whose turn it is.'),
}

const level = recordOf('a level', {
  when: required(
    located(levelBound),
    'Where it begins, strictly: above 5 %, below 70 %, above 10 per 100000.',
  ),
  ...actionKeys,
})

const measure = recordOf('a measure', {
  of: required(
    located(oneOf(MEASURE_KINDS)),
    'What is watched: deliveries (their number), response, order, complaint, opt-out, failure (shares of what was handed over), capacity (share of dailyMaximum).',
  ),
  trigger: optional(triggerName, 'Of this trigger alone.', 'all together'),
  over: optional(
    oneOf(['day', 'hour', 'week']),
    'Over which time: the running day, the last full hour, or the last seven days.',
    'day',
  ),
  lastWeek: optional(
    flag,
    'Whether it is taken as a share of the same full hours of the same day a week before.',
    false,
  ),
  least: optional(
    wholeNumber(1, 1_000_000_000),
    'With fewer handed over (with lastWeek: fewer then) it is not judged.',
    1,
  ),
  good: optional(level, 'Better than expected: what is to be learned.'),
  normal: optional(recordOf('the level normal', actionKeys), 'As expected.'),
  warning: optional(level, 'Worse than expected.'),
  alarm: optional(level, 'An incident: it gets a record.'),
})

const dailyMaximum = recordOf('dailyMaximum', {
  segments: required(
    wholeNumber(1, 1_000_000_000_000),
    'What the platform takes in a day: above it, sent and planned together, a warning goes out once a day.',
  ),
  of: required(hyphenedName('channel', 'channels'), 'The channel whose segments count: sms.'),
  ...noticeKeys,
})

const watch = recordOf('watch', {
  every: optional(
    located(durationOf(MINUTE_MS, DAY_MS)),
    'From one look to the next; divides a day.',
    '15m',
  ),
  from: optional(oneOf(['warning', 'alarm']), 'From which level on messages are sent.', 'warning'),
  incidentWithin: optional(
    durationOf(MINUTE_MS, DAY_MS),
    'The record of an incident is made when it ends, and this long after its beginning at the latest.',
    '24h',
  ),
  dailyMaximum: optional(dailyMaximum, 'The daily maximum of a messaging platform.'),
  measures: optional(
    dictionaryOf('measures', measure, REPORTING_BOUNDS.measures, HYPHENED),
    'Business numbers by name, each with its levels good, normal, warning, alarm.',
  ),
  ...noticeKeys,
})

/** Top-level keys of reporting, beside the declarations. */
export const reportingKeys = {
  reports: optional(
    dictionaryOf('reports', report, REPORTING_BOUNDS.reports, HYPHENED),
    'Reports that are made by themselves, by name; they go to report.<name>.',
  ),
  watch: optional(watch, 'Levels of business numbers, and who is told.'),
}

/** Their names, for the table of its own that they have in the README. */
export const REPORTING_KEYS: ReadonlySet<string> = new Set(Object.keys(reportingKeys))

type ReadingOf<S> = S extends Shape<infer T> ? T : never

export type VerdictReading = ReadingOf<typeof verdict>
export type ReportReading = ReadingOf<typeof report>
export type LevelReading = ReadingOf<typeof level>
export type MeasureReading = ReadingOf<typeof measure>
export type WatchReading = ReadingOf<typeof watch>
export type NoticeReading = RecordReading<typeof noticeKeys>
