/**
 * The grammar of the files that declare things: counters, tags, fields, dictionaries, parameters,
 * and the policy (policy-grammar.ts).
 * Each key is said once, here; reading, editor schema and messages come from it.
 */

import { isScalar } from 'yaml'
import type { CounterWindowSpec } from '../model/catalog.ts'
import { CALENDAR_UNITS } from '../model/expression.ts'
import { suggestWord } from '../model/spelling.ts'
import { CONDITION_LENGTH_MAX } from './cel-text.ts'
import {
  among,
  distinctThing,
  interestFeedback,
  place,
  startField,
  WEIGHT_MAX,
  wordList,
} from './counter-shapes.ts'
import { loopCatalogKeys } from './loop-grammar.ts'
import { messageCatalogKeys } from './message-grammar.ts'
import { policyKeys } from './policy-grammar.ts'
import { reportingKeys } from './reporting-grammar.ts'
import { segmentKeys } from './segment-grammar.ts'
import {
  decimal,
  durationOf,
  flag,
  oneOf,
  parameterValue,
  textOf,
  wholeNumber,
} from './scalar-shapes.ts'
import {
  dictionaryOf,
  listOf,
  located,
  optional,
  recordOf,
  refuse,
  required,
  type Shape,
  textScalar,
} from './shape.ts'

const HOUR_MS = 3_600_000

/** Defaults of the two time bounds: how late and how early a usage record may be. */
export const LATENESS_DEFAULT_MS = 48 * HOUR_MS
export const EARLINESS_DEFAULT_MS = 5 * 60_000

/**
 * Bounds of the whole configuration; a partition's record layout and memory are planned with them.
 */
export const CATALOG_BOUNDS = {
  parameters: 256,
  apps: 65_536,
  tags: 128,
  fields: 64,
  enumWords: 1024,
  appGroups: 256,
  places: 4096,
  placeGroups: 256,
  counters: 64,
  counterWindows: 8,
  wheres: 31,
  keepMax: 12,
} as const

/** The longest sliding windows, in days and in hours; distinct days fit 31 bits. */
export const SLIDING_DAYS_MAX = 92
export const SLIDING_HOURS_MAX = 168
export const DISTINCT_DAYS_MAX = 31

/** How far apart two records may lie that still stand for one stay; at most, and unless said. */
export const DWELL_GAP_MAX_MS = 24 * HOUR_MS
export const DWELL_GAP_DEFAULT_MS = HOUR_MS / 2
/** Half-lives of an interest: from an hour to ten years. */
export const HALF_LIFE_MIN_MS = HOUR_MS
export const HALF_LIFE_MAX_MS = 3650 * 24 * HOUR_MS

/** One entry of `per`: `day`, `lifetime`, `last 7 days`, `last 24 hours`. */
export const counterWindow: Shape<CounterWindowSpec> = {
  schema: {
    type: 'string',
    anyOf: [
      { enum: [...CALENDAR_UNITS, 'lifetime'] },
      { pattern: '^last [1-9][0-9]* (days|hours)$' },
    ],
  },
  read(node, source) {
    const text = textScalar(node)?.value
    const advice = 'hour, day, week, month, cycle, lifetime, last 7 days, last 24 hours'
    if (text === undefined) return refuse(node, source, 'a counter window is expected', advice)
    const unit = CALENDAR_UNITS.find((candidate) => candidate === text)
    if (unit !== undefined) return { key: unit, kind: 'calendar', unit, bucketCount: 1 }
    if (text === 'lifetime') return { key: text, kind: 'lifetime', unit: 'day', bucketCount: 1 }
    const sliding = /^last ([1-9]\d{0,4}) (day|hour)s?$/.exec(text)
    if (sliding === null) {
      const hint = suggestWord(text, [...CALENDAR_UNITS, 'lifetime']) ?? advice
      source.report(node, 'unknown-word', `"${text.slice(0, 80)}" is no counter window`, hint)
      return undefined
    }
    const bucketCount = Number(sliding[1])
    const bucket = sliding[2] === 'day' ? 'day' : 'hour'
    const max = bucket === 'day' ? SLIDING_DAYS_MAX : SLIDING_HOURS_MAX
    if (bucketCount > max) {
      source.report(node, 'out-of-range', `a sliding window has at most ${max} ${bucket}s`)
      return undefined
    }
    return { key: `last_${bucketCount}_${bucket}s`, kind: 'sliding', unit: bucket, bucketCount }
  },
}

/** A condition's text with its place, for compilation once all names are known. */
export const conditionText = located(textOf(CONDITION_LENGTH_MAX))

const counter = recordOf('a counter', {
  sum: optional(oneOf(['bytes']), 'Adds up a column of the usage records.'),
  count: optional(oneOf(['records']), 'Counts usage records.'),
  max: optional(oneOf(['bytes']), 'The largest value of a column.'),
  last: optional(oneOf(['time']), 'The latest event time, in ms since the Unix epoch.'),
  distinct: optional(
    distinctThing,
    'days: on how many different days there was usage. apps: how many different ones of "among" were used.',
  ),
  dwell: optional(
    oneOf(['time']),
    'How long the subscriber stayed, in ms: the time between neighbouring records that both match.',
  ),
  interest: optional(
    oneOf(['records']),
    'A score: each matching record adds to it, and it fades with time.',
  ),
  among: optional(
    among,
    'The apps that distinct: apps tells apart, 256 at most: words, or a group. Add new ones at the end.',
  ),
  gap: optional(
    durationOf(1000, DWELL_GAP_MAX_MS),
    'The longest time between two records that still stand for one stay.',
    '30m',
  ),
  halfLife: optional(
    durationOf(HALF_LIFE_MIN_MS, HALF_LIFE_MAX_MS),
    'The time in which an interest fades to one half: 14d.',
  ),
  weight: optional(
    decimal(-WEIGHT_MAX, WEIGHT_MAX),
    'What each matching record adds to an interest.',
    1,
  ),
  start: optional(startField, 'The number field of the profile that an interest starts from.'),
  feedback: optional(
    listOf('feedback', interestFeedback, { min: 1, max: 64 }),
    'What reports on deliveries add to an interest, by trigger.',
  ),
  where: optional(
    conditionText,
    "Which usage records count, in CEL over bytes, time, rat, app, cell, kind, hour, weekday, place: 'kind == data && rat in [eutran, nr]'.",
    'every record',
  ),
  per: required(
    listOf('per', counterWindow, { min: 1, max: CATALOG_BOUNDS.counterWindows }),
    'The lengths of time it is kept for, each read as counter.day, counter.last_7_days, ….',
  ),
  keep: optional(
    wholeNumber(0, CATALOG_BOUNDS.keepMax),
    'How many past calendar periods are kept, for previous(counter.month).',
    0,
  ),
})

const tag = recordOf('a tag', {
  versioned: optional(
    flag,
    'Whether the tag carries a version, so that one tagging can be told from the next.',
    false,
  ),
})

/** One word of an enum field: what profile messages carry. */
const enumWord: Shape<string> = {
  schema: { type: 'string', minLength: 1, maxLength: 64 },
  read(node, source) {
    if (isScalar(node) && typeof node.value !== 'string') {
      return refuse(node, source, 'a word is expected', 'put it in quotes')
    }
    const text = textOf(64).read(node, source)
    return text
  },
}

const field = recordOf('a field', {
  type: required(
    oneOf(['number', 'enum', 'date', 'bool']),
    'What the field holds. Dates are YYYY-MM-DD.',
  ),
  words: optional(
    listOf('words', enumWord, { min: 1, max: CATALOG_BOUNDS.enumWords }),
    'The words of an enum field. Add new ones at the end: the position is what is stored.',
  ),
})

/** Everything that a file without a `trigger` key may say. Each key in one file only. */
export const catalogFile = recordOf('a configuration file', {
  lateness: optional(
    located(durationOf(0, 7 * 24 * HOUR_MS)),
    'How late a usage record may come and still count.',
    '48h',
  ),
  earliness: optional(
    durationOf(0, HOUR_MS),
    'How far ahead of the clock the time of a usage record may be.',
    '5m',
  ),
  parameters: optional(
    dictionaryOf('parameters', parameterValue, CATALOG_BOUNDS.parameters),
    'Numbers, sizes, durations and switches that conditions read as params.name.',
  ),
  apps: optional(
    dictionaryOf('apps', located(wholeNumber(0, 65_535)), CATALOG_BOUNDS.apps),
    'The dictionary of apps or categories: word to the code that usage records carry.',
  ),
  appGroups: optional(
    dictionaryOf('appGroups', wordList, CATALOG_BOUNDS.appGroups),
    'Groups of apps by name: social: [qzone, wechat]; conditions say app in social.',
  ),
  places: optional(
    dictionaryOf('places', place, CATALOG_BOUNDS.places),
    'Places by name; conditions say place == hall_1. May stand in several files.',
  ),
  placeGroups: optional(
    dictionaryOf('placeGroups', wordList, CATALOG_BOUNDS.placeGroups),
    'Groups of places by name: halls: [hall_1, hall_2]; conditions say place in halls.',
  ),
  tags: optional(
    dictionaryOf('tags', tag, CATALOG_BOUNDS.tags),
    'Marks of subscribers, set by profile messages, read as tags.name.',
  ),
  fields: optional(
    dictionaryOf('fields', field, CATALOG_BOUNDS.fields),
    'Typed values of subscribers, set by profile messages, read as fields.name.',
  ),
  counters: optional(
    dictionaryOf('counters', counter, CATALOG_BOUNDS.counters),
    'What is counted per subscriber, read as counter.day.',
  ),
  ...messageCatalogKeys,
  ...segmentKeys,
  ...loopCatalogKeys,
  ...policyKeys,
  ...reportingKeys,
})

type ReadingOf<S> = S extends Shape<infer T> ? T : never

export type CatalogFileReading = ReadingOf<typeof catalogFile>
export type CounterReading = ReadingOf<typeof counter>
export type FieldReading = ReadingOf<typeof field>
