/** Shapes of what only journeys say: waits between steps, and what follows a condition not met. */

import type { OtherwiseSpec, WaitSpec } from '../model/journey.ts'
import { parseDuration, parseMinuteOfDay } from '../model/quantity.ts'
import { suggestWord } from '../model/spelling.ts'
import { refuse, type Shape, textScalar } from './shape.ts'

const DAY_MS = 86_400_000
/** The longest wait of one step, and the longest stay after the last. */
export const WAIT_MAX_MS = 366 * DAY_MS
const WAIT_MONTHS_MAX = 12
const WAIT_DAYS_MAX = 366
/** How often a step may ask again at most: every hour. */
const ASKED_EVERY_MIN_MS = 3_600_000

const TIME = '([01][0-9]|2[0-3]):[0-5][0-9]'
const WAIT_ADVICE =
  '0s, 90m, 30d, 1 month, next day 10:00, same day 18:00, 7 days 10:00, 1 month 10:00'

/** `0s`, `30d`, `1 month` or `month`, `next day 10:00`, `7 days 10:00`, `1 month 10:00`. */
export const wait: Shape<WaitSpec> = {
  schema: {
    type: 'string',
    anyOf: [
      { pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$' },
      { pattern: `^(same day|next day|[1-9][0-9]* days?|[1-9][0-9]* weeks?) ${TIME}$` },
      { pattern: `^([1-9][0-9]* months?|month)( ${TIME})?$` },
    ],
  },
  read(node, source) {
    const written = textScalar(node)?.value ?? ''
    const text = written.replace(/^month(?=$| )/, '1 month')
    const lengthMs = parseDuration(text)
    if (lengthMs !== null) {
      if (lengthMs <= WAIT_MAX_MS) return Object.freeze({ kind: 'duration', lengthMs })
      source.report(node, 'out-of-range', 'a step waits 366 days at most', WAIT_ADVICE)
      return undefined
    }
    const match = /^(?:(same|next) day|(\d{1,4}) (day|week|month)s?)(?: (\S+))?$/.exec(text)
    const [, named, count, unit, time] = match ?? []
    const minute = time === undefined ? null : parseMinuteOfDay(time)
    const isTimeWrong = time !== undefined && (minute === null || minute >= 1440)
    // Days without a time of day would be 24-hour days to some and calendar days to others.
    const isTimeMissing = time === undefined && unit !== 'month'
    if (match === null || isTimeWrong || isTimeMissing) {
      const hint =
        isTimeMissing && count !== undefined ? `${text} 10:00, or ${inDays(text)}` : WAIT_ADVICE
      return refuse(node, source, 'a wait is expected', hint)
    }
    const months = unit === 'month' ? Number(count) : 0
    const days = unit === 'month' ? 0 : daysOf(named, count, unit)
    if (
      months > WAIT_MONTHS_MAX ||
      days > WAIT_DAYS_MAX ||
      (count !== undefined && months + days === 0)
    ) {
      source.report(
        node,
        'out-of-range',
        'a step waits 1 to 366 days or 1 to 12 months',
        WAIT_ADVICE,
      )
      return undefined
    }
    return Object.freeze({ kind: 'calendar', months, days, minuteOfDay: minute })
  },
}

function daysOf(named: string | undefined, count: string | undefined, unit: string | undefined) {
  if (named !== undefined) return named === 'next' ? 1 : 0
  return Number(count) * (unit === 'week' ? 7 : 1)
}

function inDays(text: string): string {
  const [count = '1', unit = ''] = text.split(' ')
  return `${Number(count) * (unit.startsWith('week') ? 7 : 1)}d`
}

const OTHERWISE = ['skip', 'leave'] as const
const OTHERWISE_ADVICE = 'skip, leave, wait 1d up to 7d, wait 1d up to 7d then leave'

/** `skip`, `leave`, `wait 1d up to 7d`, `wait 1d up to 7d then leave`. */
export const otherwise: Shape<OtherwiseSpec> = {
  schema: {
    type: 'string',
    anyOf: [
      { enum: [...OTHERWISE] },
      { pattern: '^wait [0-9.]+[smhd]+ up to [0-9.]+[smhd]+( then (skip|leave))?$' },
    ],
  },
  read(node, source) {
    const text = textScalar(node)?.value ?? ''
    const word = OTHERWISE.find((each) => each === text)
    if (word !== undefined) return Object.freeze({ kind: word })
    const match = /^wait (\S+) up to (\S+)(?: then (skip|leave))?$/.exec(text)
    const everyMs = parseDuration(match?.[1] ?? '')
    const upToMs = parseDuration(match?.[2] ?? '')
    if (match === null || everyMs === null || upToMs === null) {
      const hint = suggestWord(text, OTHERWISE) ?? OTHERWISE_ADVICE
      return refuse(node, source, 'what follows is expected', hint)
    }
    if (everyMs < ASKED_EVERY_MIN_MS || upToMs < everyMs || upToMs > WAIT_MAX_MS) {
      const message = 'a step asks again after an hour at least, and for 366 days at most'
      source.report(node, 'out-of-range', message, OTHERWISE_ADVICE)
      return undefined
    }
    const afterwards = match[3] === 'leave' ? 'leave' : 'skip'
    return Object.freeze({ kind: 'wait', everyMs, upToMs, afterwards })
  },
}
