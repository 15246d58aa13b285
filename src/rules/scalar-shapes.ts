/** Shapes of single values: words, texts, numbers, switches, and quantities with units. */

import { isScalar, type Node } from 'yaml'
import {
  formatDuration,
  parseDuration,
  parseInstant,
  parseMinuteOfDay,
  parseSize,
} from '../model/quantity.ts'
import { suggestWord } from '../model/spelling.ts'
import { refuse, type Shape, textScalar } from './shape.ts'
import type { YamlSource } from './yaml-source.ts'

/** true or false. `yes`, `on` and the like are texts in YAML 1.2 and get a suggestion. */
export const flag: Shape<boolean> = {
  schema: { type: 'boolean' },
  read(node, source) {
    if (isScalar(node) && typeof node.value === 'boolean') return node.value
    return refuse(node, source, 'true or false is expected', 'write true or false')
  },
}

/** One of a few words. */
export function oneOf<const W extends string>(words: readonly W[]): Shape<W> {
  return {
    schema: { enum: [...words] },
    read(node, source) {
      const text = textScalar(node)?.value
      const word = words.find((candidate) => candidate === text)
      if (word !== undefined) return word
      if (text === undefined) return refuse(node, source, `one of ${words.join(', ')} is expected`)
      const hint = suggestWord(text, words) ?? `one of: ${words.join(', ')}`
      source.report(node, 'unknown-word', `"${text.slice(0, 80)}" is not possible here`, hint)
      return undefined
    },
  }
}

/** A text of 1 to `lengthMax` characters (UTF-16 units), not only white space. */
export function textOf(lengthMax: number): Shape<string> {
  return {
    schema: { type: 'string', minLength: 1, maxLength: lengthMax },
    read(node, source) {
      const text = textScalar(node)
      if (text === null) return refuse(node, source, 'a text is expected', 'put it in quotes')
      if (text.value.trim() === '') {
        source.report(node, 'out-of-range', 'the text is empty')
        return undefined
      }
      if (text.value.length > lengthMax) {
        const message = `the text has ${text.value.length} characters; at most ${lengthMax}`
        source.report(node, 'out-of-range', message)
        return undefined
      }
      return text.value
    },
  }
}

/** A text that matches a pattern which people know by `what`. */
export function patternOf(what: string, pattern: RegExp, advice: string): Shape<string> {
  return {
    schema: { type: 'string', pattern: pattern.source },
    read(node, source) {
      const text = textScalar(node)
      if (text === null) return refuse(node, source, `${what} is expected`, advice)
      if (pattern.test(text.value)) return text.value
      source.report(node, 'bad-name', `"${text.value.slice(0, 80)}" is not ${what}`, advice)
      return undefined
    },
  }
}

/** A whole number within bounds, both inclusive. */
export function wholeNumber(min: number, max: number): Shape<number> {
  return {
    schema: { type: 'integer', minimum: min, maximum: max },
    read(node, source) {
      if (!isScalar(node) || typeof node.value !== 'number' || !Number.isInteger(node.value)) {
        return refuse(node, source, `a whole number from ${min} to ${max} is expected`)
      }
      if (node.value >= min && node.value <= max) return node.value
      source.report(node, 'out-of-range', `${node.value} is not within ${min} to ${max}`)
      return undefined
    },
  }
}

/** A number that a double holds exactly as it is written, or nearly, if it is no whole one. */
export const number: Shape<number> = {
  schema: { type: 'number' },
  read(node, source) {
    if (!isScalar(node) || typeof node.value !== 'number' || !isExactNumber(node.value)) {
      return refuse(node, source, 'a number is expected')
    }
    return node.value
  },
}

/** A number within bounds, both inclusive; fractions are possible. */
export function decimal(min: number, max: number): Shape<number> {
  return {
    schema: { type: 'number', minimum: min, maximum: max },
    read(node, source) {
      if (!isScalar(node) || typeof node.value !== 'number' || Number.isNaN(node.value)) {
        return refuse(node, source, `a number from ${min} to ${max} is expected`)
      }
      if (node.value >= min && node.value <= max) return node.value
      source.report(node, 'out-of-range', `${node.value} is not within ${min} to ${max}`)
      return undefined
    },
  }
}

/** A length of time with its unit, in ms, within bounds. */
export function durationOf(minMs: number, maxMs: number): Shape<number> {
  return {
    schema: { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$' },
    read(node, source) {
      if (isScalar(node) && typeof node.value === 'number') {
        return refuseBareNumber(
          node,
          source,
          'duration',
          `${node.value}h, ${node.value}m or ${node.value}s`,
        )
      }
      const text = textScalar(node)?.value
      const valueMs = text === undefined ? null : parseDuration(text)
      if (valueMs === null) {
        return refuse(node, source, 'a duration is expected', 'like 30s, 5m, 48h or 2d')
      }
      if (valueMs >= minMs && valueMs <= maxMs) return valueMs
      const bounds = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`
      source.report(node, 'out-of-range', `${text} is not within ${bounds}`)
      return undefined
    },
  }
}

/** A time of day, `HH:MM` from 00:00 to 24:00, as minutes. */
export const minuteOfDay: Shape<number> = {
  schema: { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$' },
  read(node, source) {
    const text = textScalar(node)
    const minute = text === null ? null : parseMinuteOfDay(text.value)
    if (minute !== null) return minute
    return refuse(node, source, 'a time of day is expected', "like '09:00' or '24:00'")
  },
}

/** An instant with its offset from UTC, as ms since the epoch. */
export const instant: Shape<number> = {
  schema: { type: 'string', format: 'date-time' },
  read(node, source) {
    const text = textScalar(node)
    const timeMs = text === null ? null : parseInstant(text.value)
    if (timeMs !== null) return timeMs
    const isOffsetMissing = text !== null && parseInstant(`${text.value}Z`) !== null
    const what = isOffsetMissing ? 'an instant needs its offset from UTC' : 'an instant is expected'
    return refuse(node, source, what, 'like 2026-11-01T00:00:00+08:00')
  },
}

/** A parameter: a finite number, true or false, a size (in bytes) or a duration (in ms). */
export const parameterValue: Shape<number | boolean> = {
  schema: { type: ['number', 'boolean', 'string'] },
  read(node, source) {
    if (isScalar(node) && typeof node.value === 'boolean') return node.value
    if (isScalar(node) && typeof node.value === 'number') {
      if (isExactNumber(node.value)) return node.value
      source.report(node, 'out-of-range', 'the number is too large to be exact')
      return undefined
    }
    const text = textScalar(node)?.value
    const value = text === undefined ? null : (parseSize(text) ?? parseDuration(text))
    if (value !== null) return value
    const advice = 'like 3, 0.8, 500 KiB, 24h, true'
    return refuse(node, source, 'a number, size, duration, true or false is expected', advice)
  },
}

/** Finite, and if whole, within what doubles hold exactly. */
export function isExactNumber(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
}

function refuseBareNumber(node: Node, source: YamlSource, what: string, hint: string): undefined {
  source.report(node, 'unit-missing', `a ${what} needs its unit`, `did you mean ${hint}?`)
  return undefined
}
