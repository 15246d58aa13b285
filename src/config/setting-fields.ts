/**
 * Kinds of settings: each knows its schema, its bounds in words, and how its text becomes a value.
 */

import Type, { type TSchema } from 'typebox'
import Value from 'typebox/value'
import { formatSize, parseDuration, parseInstant, parseSize } from '../model/quantity.ts'
import { nearestWord, suggestWord } from '../model/spelling.ts'

/** One setting. `convert` gives undefined when the value is not possible. */
export interface Field<T> {
  /** JSON Schema with description and default, for editors. */
  readonly schema: TSchema
  /** What is possible, to follow "must be": `a duration from 1s to 1h, like 30s`. */
  readonly expects: string
  /** One sentence on what the setting is for. */
  readonly doc: string
  /** The default as it would be written; null: not set. */
  readonly shownDefault: unknown
  /** Whether absence means null instead of the default. */
  readonly isOptional: boolean
  /** Whether its value names people: then no message repeats it. */
  readonly isPersonal: boolean
  convert(raw: unknown): T | undefined
  /** What was probably meant by an impossible value. */
  suggest(raw: unknown): string | undefined
}

/** A default as it would be written, and the sentence of the setting. */
interface FieldText {
  readonly default: unknown
  readonly doc: string
}

/** A setting that may be left out altogether, which gives null. Its default must be null. */
export function orUnset<T>(field: Field<T>): Field<T | null> {
  return { ...field, isOptional: true }
}

/** A length of time, in ms. */
export function durationField(bounds: Bounds<string>, text: FieldText): Field<number> {
  const [least, most] = [parseDuration(bounds.min)!, parseDuration(bounds.max)!]
  return fieldOf({
    schema: Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$' }),
    expects: `a duration from ${bounds.min} to ${bounds.max}, like ${String(text.default ?? bounds.min)}`,
    text,
    convert: (raw) => within(parseDuration(String(raw)), least, most),
    suggest: (raw) => (typeof raw === 'number' ? `did you mean ${raw}s or ${raw}ms?` : undefined),
  })
}

/** A size, in bytes. */
export function sizeField(bounds: Bounds<string>, text: FieldText): Field<number> {
  const [least, most] = [parseSize(bounds.min)!, parseSize(bounds.max)!]
  return fieldOf({
    schema: Type.String({ pattern: SIZE_PATTERN }),
    expects: `a size from ${bounds.min} to ${bounds.max}, like ${String(text.default)}`,
    text,
    convert: (raw) => within(parseSize(String(raw)), least, most),
    suggest: suggestSize,
  })
}

/** A size in bytes, or `unlimited`, which is -1. */
export function sizeOrUnlimitedField(bounds: Bounds<string>, text: FieldText): Field<number> {
  const [least, most] = [parseSize(bounds.min)!, parseSize(bounds.max)!]
  return fieldOf({
    schema: Type.String({ pattern: `^unlimited$|${SIZE_PATTERN}` }),
    expects: `a size from ${bounds.min} to ${bounds.max}, or unlimited`,
    text,
    convert: (raw) => (raw === 'unlimited' ? -1 : within(parseSize(String(raw)), least, most)),
    suggest: suggestSize,
  })
}

/** A rate, in bytes per second: `200 MB per second`. */
export function rateField(bounds: Bounds<string>, text: FieldText): Field<number> {
  const [least, most] = [parseSize(bounds.min)!, parseSize(bounds.max)!]
  return fieldOf({
    schema: Type.String({ pattern: `${SIZE_PATTERN.slice(0, -1)} per second$` }),
    expects: `a rate from ${bounds.min} to ${bounds.max} per second, like ${String(text.default)}`,
    text,
    convert: (raw) => {
      const size = /^(.+) per second$/.exec(String(raw))?.[1]
      return size === undefined ? undefined : within(parseSize(size), least, most)
    },
    suggest: (raw) =>
      parseSize(String(raw)) === null
        ? suggestSize(raw)
        : `did you mean ${String(raw)} per second?`,
  })
}

/** A whole number. */
export function wholeField(bounds: Bounds<number>, text: FieldText): Field<number> {
  return fieldOf({
    schema: Type.Integer({ minimum: bounds.min, maximum: bounds.max }),
    expects: `a whole number from ${bounds.min} to ${bounds.max}`,
    text,
    convert: (raw) => Number(raw),
  })
}

/** One of a few words. */
export function wordField<const W extends string>(words: readonly W[], text: FieldText): Field<W> {
  return fieldOf({
    schema: Type.Union(words.map((word) => Type.Literal(word))),
    expects: `one of ${words.join(', ')}`,
    text,
    convert: (raw) => words.find((word) => word === raw),
    suggest: (raw) => suggestWord(String(raw), words),
  })
}

/** A text that matches a pattern; `expects` says what it is. */
export function textField(pattern: RegExp, expects: string, text: FieldText): Field<string> {
  return fieldOf({
    schema: Type.String({ pattern: pattern.source, minLength: 1, maxLength: 4096 }),
    expects,
    text,
    convert: (raw) => String(raw),
  })
}

/** An IANA time zone that this Node knows. */
export function zoneField(text: FieldText): Field<string> {
  return fieldOf({
    schema: Type.String({ minLength: 1, maxLength: 64 }),
    expects: 'a time zone of the IANA database, like Asia/Shanghai',
    text,
    convert: (raw) => (isZone(String(raw)) ? String(raw) : undefined),
    suggest: (raw) => suggestZone(String(raw)),
  })
}

/** An instant with its offset, as ms since the epoch. */
export function instantField(text: FieldText): Field<number> {
  return fieldOf({
    schema: Type.String({ format: 'date-time' }),
    expects: 'an instant with its offset from UTC, like 2026-11-01T00:00:00+08:00',
    text,
    convert: (raw) => parseInstant(String(raw)) ?? undefined,
  })
}

/** A list of values of one kind. */
export function listField<T>(
  item: Field<T>,
  countMax: number,
  text: FieldText,
): Field<readonly T[]> {
  return fieldOf({
    schema: Type.Array(item.schema, { minItems: 0, maxItems: countMax }),
    expects: `a list of at most ${countMax}, each ${item.expects}`,
    text,
    convert: (raw) => {
      const values = (raw as unknown[]).map((value) => item.convert(value))
      return values.every((value) => value !== undefined) ? (values as T[]) : undefined
    },
    suggest: (raw) => (Array.isArray(raw) ? undefined : 'write it as a list: [a, b]'),
  })
}

/** A word in place of a value of another kind: `owned: all`. */
export function wordOrField<const W extends string, T>(
  word: W,
  other: Field<T>,
  text: FieldText,
): Field<W | T> {
  return fieldOf<W | T>({
    schema: Type.Union([Type.Literal(word), other.schema]),
    expects: `${word}, or ${other.expects}`,
    text,
    convert: (raw) => (raw === word ? word : other.convert(raw)),
  })
}

/** Roles of people and role names, and at most so many numbers of each. */
const ROLE_PATTERN = '^[a-z][a-z0-9-]{0,30}$'
const ROLE_NUMBERS_MAX = 32

/** Phone numbers of people by their role, as texts of 1 to 15 digits. */
export function recipientsField(
  text: FieldText,
): Field<Readonly<Record<string, readonly number[]>>> {
  const number = Type.String({ pattern: '^[1-9][0-9]{0,14}$' })
  const numbers = Type.Array(number, { minItems: 1, maxItems: ROLE_NUMBERS_MAX })
  const schema = Type.Record(Type.String({ pattern: ROLE_PATTERN }), numbers)
  return fieldOf({
    schema: { ...schema, additionalProperties: false } as TSchema,
    expects: `a mapping of roles to at most ${ROLE_NUMBERS_MAX} phone numbers each, in quotes`,
    text,
    isPersonal: true,
    convert: (raw) => {
      const roles = Object.entries(raw as Record<string, string[]>)
      return Object.fromEntries(roles.map(([role, given]) => [role, given.map(Number)]))
    },
    suggest: () => "write manager: ['8613800000000']",
  })
}

interface Bounds<T> {
  readonly min: T
  readonly max: T
}

interface FieldParts<T> {
  readonly schema: TSchema
  readonly expects: string
  readonly text: FieldText
  readonly isPersonal?: boolean
  convert(raw: unknown): T | undefined
  suggest?(raw: unknown): string | undefined
}

/**
 * Adds description and default to the schema, and the schema's check in front of the conversion.
 */
function fieldOf<T>(parts: FieldParts<T>): Field<T> {
  const { text } = parts
  const shown = text.default === null ? {} : { default: text.default }
  return {
    schema: { ...parts.schema, description: `${text.doc} Must be ${parts.expects}.`, ...shown },
    expects: parts.expects,
    doc: text.doc,
    shownDefault: text.default,
    isOptional: false,
    isPersonal: parts.isPersonal ?? false,
    convert: (raw) => (Value.Check(parts.schema, raw) ? parts.convert(raw) : undefined),
    suggest: (raw) => parts.suggest?.(raw),
  }
}

const SIZE_PATTERN = '^[0-9]+(\\.[0-9]+)? ?(B|kB|MB|GB|KiB|MiB|GiB)$'

function within(value: number | null, least: number, most: number): number | undefined {
  return value !== null && value >= least && value <= most ? value : undefined
}

function suggestSize(raw: unknown): string | undefined {
  if (typeof raw !== 'number' || !Number.isSafeInteger(raw) || raw < 0) return undefined
  return raw > 0 && raw % 1024 === 0
    ? `did you mean ${formatSize(raw)}?`
    : `did you mean ${raw} KiB or ${raw} MB?`
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return /^[A-Za-z]/.test(zone)
  } catch {
    // Intl has no other way to ask; the caller reports the problem.
    return false
  }
}

function suggestZone(zone: string): string | undefined {
  const zones = Intl.supportedValuesOf('timeZone')
  const nearest = nearestWord(zone, zones)
  if (nearest !== null) return `did you mean ${nearest}?`
  const city = zones.find((known) => known.toLowerCase().endsWith(`/${zone.toLowerCase()}`))
  return city === undefined ? undefined : `did you mean ${city}?`
}
