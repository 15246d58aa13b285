/**
 * Values of command-line options: a sentence for the person at the keyboard when one makes no
 * sense.
 */

import { UsageError } from '../errors.ts'
import { parseDuration, parseInstant } from '../model/quantity.ts'

const SUBSCRIBER = /^[1-9][0-9]{0,14}$/

/** What `parseArgs` gives. */
export type OptionValues = Readonly<Record<string, unknown>>

/** A text, or the fallback where the option was not given. */
export function textOption<T>(values: OptionValues, name: string, fallback: T): string | T {
  const value = values[name]
  return typeof value === 'string' ? value : fallback
}

/** One of some words; the first where the option was not given. */
export function wordOption<T extends string>(
  values: OptionValues,
  name: string,
  words: readonly [T, ...T[]],
): T {
  const text = textOption(values, name, words[0])
  const word = words.find((each) => each === text)
  if (word !== undefined) return word
  throw new UsageError(`--${name} must be ${words.join(' or ')}; found ${text}`)
}

/** Whether a switch was given. */
export function switchOption(values: OptionValues, name: string): boolean {
  return values[name] === true
}

/** A whole number from `least` to `most`, `1_000` and `1,000` allowed. */
export function wholeOption(
  values: OptionValues,
  name: string,
  fallback: number,
  [least, most]: readonly [number, number],
): number {
  const number = numberOption(values, name, fallback, [least, most])
  if (Number.isInteger(number)) return number
  throw new UsageError(`--${name} must be a whole number`)
}

/** A number from `least` to `most`. */
export function numberOption(
  values: OptionValues,
  name: string,
  fallback: number,
  [least, most]: readonly [number, number],
): number {
  const text = textOption(values, name, null)
  if (text === null) return fallback
  const number = /^[0-9][0-9_,]*(\.[0-9]+)?$/.test(text) ? Number(text.replace(/[_,]/g, '')) : NaN
  if (number >= least && number <= most) return number
  throw new UsageError(`--${name} must be a number from ${least} to ${most}; found ${text}`)
}

/** A length of time in ms, at least 1 ms; null where it was not given. */
export function durationOption(values: OptionValues, name: string): number | null {
  const text = textOption(values, name, null)
  if (text === null) return null
  const durationMs = parseDuration(text)
  if (durationMs !== null && durationMs >= 1) return durationMs
  throw new UsageError(`--${name} must be a duration like 30s, 5m or 2h; found ${text}`)
}

/** An instant in ms since the epoch. */
export function instantOption(values: OptionValues, name: string, fallback: string): number {
  const text = textOption(values, name, fallback)
  const instantMs = parseInstant(text)
  if (instantMs !== null) return instantMs
  throw new UsageError(`--${name} must be an instant like 2026-11-01T00:00+08:00; found ${text}`)
}

/** A subscriber's number; null: the text is none. */
export function parseSubscriber(text: string): number | null {
  return SUBSCRIBER.test(text) ? Number(text) : null
}

/** A subscriber's number that was given in an option. The number itself is not repeated. */
export function subscriberOption(text: string): number {
  const subscriber = parseSubscriber(text)
  if (subscriber !== null) return subscriber
  throw new UsageError('a subscriber is a number of 1 to 15 digits, not beginning with 0')
}
