/**
 * The grammar of segments. Each key is said once, here; reading, editor schema and messages come
 * from it.
 */

import type { SelectionSchedule, TakeSpec } from '../model/segment.ts'
import { TAKE_SHARE_PARTS } from '../model/segment.ts'
import { parseMinuteOfDay } from '../model/quantity.ts'
import { suggestWord } from '../model/spelling.ts'
import { SEGMENT_QUOTAS_MAX } from '../model/wire.ts'
import { CONDITION_LENGTH_MAX } from './cel-text.ts'
import { flag, number, textOf, wholeNumber } from './scalar-shapes.ts'
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
import type { YamlSource } from './yaml-source.ts'

/** Segments of one configuration. */
export const SEGMENTS_MAX = 32
/** The most that one take or quota may name. */
const TAKE_COUNT_MAX = 1_000_000_000

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9]'

/**
 * `daily 05:00`, `weekly on mon 05:00`, `monthly on 10 06:00`, `yearly on 03-31 06:00`,
 * `on demand`.
 */
export const selectionSchedule: Shape<SelectionSchedule> = {
  schema: {
    type: 'string',
    anyOf: [
      { const: 'on demand' },
      { pattern: `^daily ${TIME}$` },
      { pattern: `^weekly on (${WEEKDAYS.join('|')}) ${TIME}$` },
      { pattern: `^monthly on ([1-9]|[12][0-9]|3[01]) ${TIME}$` },
      { pattern: `^yearly on (0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ${TIME}$` },
    ],
  },
  read(node, source) {
    const advice =
      'daily 05:00, weekly on mon 05:00, monthly on 10 06:00, yearly on 03-31 06:00, on demand'
    const text = textScalar(node)?.value
    if (text === undefined) return refuse(node, source, 'a schedule is expected', advice)
    if (text === 'on demand') return { kind: 'on-demand' }
    const match = /^(daily|weekly|monthly|yearly)(?: on (\S+))? (\d{2}:\d{2})$/.exec(text)
    const kind = match?.[1]
    const minuteOfDay = match === null ? null : parseMinuteOfDay(match[3]!)
    const isWhole = kind !== undefined && (kind === 'daily') === (match![2] === undefined)
    if (!isWhole || minuteOfDay === null || minuteOfDay >= 1440) {
      const words = ['daily', 'weekly', 'monthly', 'yearly', 'on demand']
      const word = text.split(' ', 1)[0]!
      const hint = words.includes(word) ? undefined : suggestWord(word, words)
      source.report(node, 'unknown-word', `"${text.slice(0, 80)}" is no schedule`, hint ?? advice)
      return undefined
    }
    if (kind === 'daily') return { kind, minuteOfDay }
    const day = readDay(kind, match![2]!, (message, hint) =>
      source.report(node, 'out-of-range', message, hint),
    )
    return day === undefined ? undefined : ({ ...day, minuteOfDay } as SelectionSchedule)
  },
}

function readDay(kind: string, text: string, report: (message: string, hint: string) => void) {
  if (kind === 'weekly') {
    const weekday = (WEEKDAYS as readonly string[]).indexOf(text)
    if (weekday !== -1) return { kind, weekday }
    const hint = suggestWord(text, WEEKDAYS) ?? `one of: ${WEEKDAYS.join(', ')}`
    report(`"${text.slice(0, 20)}" is no day of the week`, hint)
    return undefined
  }
  if (kind === 'monthly') {
    const dayOfMonth = /^\d{1,2}$/.test(text) ? Number(text) : 0
    if (dayOfMonth >= 1 && dayOfMonth <= 31) return { kind, dayOfMonth }
    const hint = 'a day from 1 to 31; beyond the end of a month it is the last day'
    report(`there is no day ${text.slice(0, 20)} in any month`, hint)
    return undefined
  }
  const match = /^(\d{2})-(\d{2})$/.exec(text)
  const month = Number(match?.[1] ?? 0)
  const dayOfMonth = Number(match?.[2] ?? 0)
  if (dayOfMonth >= 1 && dayOfMonth <= (MONTH_DAYS[month - 1] ?? 0)) {
    return { kind, month, dayOfMonth }
  }
  report(`there is no day ${text.slice(0, 20)} in any year`, 'month and day, like 03-31')
  return undefined
}

const ADVICE_TAKE = 'top 20 %, top 500000 or all'

/** `top 20 %`, `top 500000`, `all`. */
export const take: Shape<TakeSpec> = {
  schema: {
    type: 'string',
    anyOf: [
      { const: 'all' },
      { pattern: '^top [1-9][0-9]{0,9}$' },
      { pattern: '^top [0-9]{1,3}(\\.[0-9]{1,3})? ?%$' },
    ],
  },
  read(node, source) {
    const text = textScalar(node)?.value
    if (text === 'all') return { kind: 'all' }
    const share = /^top (\d{1,3}(?:\.\d{1,3})?) ?%$/.exec(text ?? '')?.[1]
    if (share !== undefined) {
      const parts = Math.round((Number(share) * TAKE_SHARE_PARTS) / 100)
      if (parts > 0 && parts <= TAKE_SHARE_PARTS) return { kind: 'share', parts }
      const hint =
        parts === 0 ? 'leave the segment out to select nobody' : 'write all for everybody'
      return refuseRange(node, source, `a share is more than 0 % and at most 100 %`, hint)
    }
    const count = /^top (\d{1,12})$/.exec(text ?? '')?.[1]
    if (count !== undefined) {
      if (Number(count) >= 1 && Number(count) <= TAKE_COUNT_MAX) {
        return { kind: 'count', count: Number(count) }
      }
      return refuseRange(node, source, `top takes 1 to ${TAKE_COUNT_MAX}`, ADVICE_TAKE)
    }
    return refuse(node, source, 'how many to take is expected', ADVICE_TAKE)
  },
}

function refuseRange(
  node: Parameters<YamlSource['report']>[0],
  source: YamlSource,
  message: string,
  hint: string,
): undefined {
  source.report(node, 'out-of-range', message, hint)
}

const expressionText = located(textOf(CONDITION_LENGTH_MAX))

const quota = recordOf('a quota', {
  where: optional(expressionText, 'Who it is for, in CEL, like the where of the segment.', 'true'),
  top: required(wholeNumber(1, TAKE_COUNT_MAX), 'How many it takes of those not yet taken.'),
})

const segment = recordOf('a segment', {
  at: required(
    selectionSchedule,
    'When it is selected, in the time zone of the installation: monthly on 10 06:00, on demand.',
  ),
  where: optional(
    expressionText,
    'Who is a candidate, in CEL over counters, fields, tags and lists, with daysSince(seen.lifetime) and daysUntil(fields.trial_ends).',
    'true',
  ),
  score: optional(
    expressionText,
    'What candidates are ordered by, a number in CEL: previous(ott.month) * 2 + fields.age. Who has none, since a field is unset, is no candidate.',
  ),
  minScore: optional(
    number,
    'The least score of a candidate. Without it a score must be more than 0.',
  ),
  take: optional(located(take), 'How many are taken from the top: top 20 %, top 500000, all.'),
  quotas: optional(
    listOf('quotas', quota, { min: 1, max: SEGMENT_QUOTAS_MAX }),
    'Instead of take: filled in order, each with the top of those not yet taken.',
  ),
  keepPrevious: optional(
    flag,
    'Whether who was a member before is kept, read as wasIn.name.',
    false,
  ),
})

/** The top-level keys of segments. */
export const segmentKeys = {
  segments: optional(
    dictionaryOf('segments', segment, SEGMENTS_MAX),
    'Selections over all subscribers, each into the versioned tag of its name.',
  ),
}

type ReadingOf<S> = S extends Shape<infer T> ? T : never

export type SegmentReading = ReadingOf<typeof segment>
