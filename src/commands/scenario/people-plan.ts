/**
 * Who lives in a scenario and what they do, as `simulation/people.yaml` of its folder says: kinds
 * of people with profile and usage, what happens to their profiles on which day, and how they react
 * to what they get. Shares are from 0 to 1 here; sizes in bytes; times in ms.
 */

import { parse } from 'yaml'
import { UsageError } from '../../errors.ts'
import { parseDuration, parseSize } from '../../model/quantity.ts'
import { suggestWord } from '../../model/spelling.ts'
import { KIND_CODES, RAT_CODES } from '../../model/usage.ts'

/** From inclusive, to inclusive unless said. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** Values and how often each is met; shares add up to 1. */
export type Choice<T> = readonly (readonly [value: T, share: number])[]

/** What a profile field may hold at the beginning: one of several, a number, or a date by days. */
export type FieldPlan =
  | { readonly kind: 'choice'; readonly choice: Choice<string | boolean | number> }
  | { readonly kind: 'number'; readonly range: Range }
  | { readonly kind: 'date'; readonly daysFromStart: Range }

/** A change of profiles. Tags: the share that has it, or the version that all have. */
export interface ProfilePlan {
  readonly tags: Readonly<Record<string, number>>
  readonly versions: Readonly<Record<string, number>>
  readonly fields: Readonly<Record<string, FieldPlan>>
  readonly lists: Readonly<Record<string, number>>
}

/** One habit. Sizes are log-uniform within `bytes`. */
export interface UsagePlan {
  readonly kind: number
  readonly rats: Choice<number>
  readonly apps: Choice<string>
  readonly cells: Range
  readonly perDay: number
  readonly bytes: Range
  /** Hours of the local day: from inclusive, to exclusive. */
  readonly hours: Range
  /** Days of the run, from 0. */
  readonly days: Range
  /** Share of the group that has the habit. */
  readonly of: number
}

/** What happens to profiles on a day of the run, at an hour. */
export interface EventPlan extends ProfilePlan {
  readonly day: number
  readonly hour: number
  readonly of: number
}

/** One kind of people. */
export interface GroupPlan extends ProfilePlan {
  readonly name: string
  readonly share: number
  readonly usage: readonly UsagePlan[]
  readonly events: readonly EventPlan[]
}

/** How people react to the deliveries of a trigger. All but `after` are shares of who received. */
export interface ReactionPlan {
  /** Shares of what is handed over. */
  readonly failed: number
  readonly received: number
  /** By text, as typed. */
  readonly replies: Choice<string>
  readonly clicked: number
  readonly ordered: number
  /** Share that takes the offer though nobody spoke to them (control groups). */
  readonly orderedAnyway: number
  readonly complained: number
  /** Of those asked to confirm: who answers with the word. */
  readonly confirmed: number
  readonly confirmWord: string
  readonly after: Range
}

/** Customers who ask a channel for offers, as shares per day. */
export interface RequestPlan {
  readonly channel: string
  readonly perDay: number
  readonly accepted: number
}

/** A whole plan. */
export interface PeoplePlan {
  /** Local day on which it begins, and how many follow, that one included. */
  readonly startDay: string
  readonly days: number
  readonly subscribers: number
  readonly tickMs: number
  readonly groups: readonly GroupPlan[]
  readonly reactions: Readonly<Record<string, ReactionPlan>>
  readonly requests: readonly RequestPlan[]
  /** How many reply though nothing was sent to them, by the text that they type. */
  readonly strangers: Readonly<Record<string, number>>
}

const HOUR_MS = 3_600_000

/** @throws UsageError with the place of the first mistake */
export function parsePeople(text: string): PeoplePlan {
  const top = new Fields('people.yaml', parse(text))
  const plan: PeoplePlan = {
    startDay: top.read('start', (value) => String(value), '2026-11-01'),
    days: top.number('days', 30),
    subscribers: top.number('subscribers', 2_000),
    tickMs: top.read('tick', duration, HOUR_MS),
    groups: top.map('groups').map(([name, fields]) => groupOf(name, fields)),
    reactions: Object.fromEntries(
      top.map('reactions').map(([name, fields]) => [name, reactionOf(fields)]),
    ),
    requests: top.map('requests').map(([channel, fields]) => {
      const [perDay, accepted] = [
        fields.read('perDay', share, 0),
        fields.read('accepted', share, 0),
      ]
      fields.end()
      return { channel, perDay, accepted }
    }),
    strangers: top.read('strangers', counts, {}),
  }
  top.end()
  return plan
}

function groupOf(name: string, fields: Fields): GroupPlan {
  const group = {
    name,
    share: fields.read('share', share, 1),
    ...profileOf(fields),
    usage: fields.list('usage').map(usageOf),
    events: fields.list('events').map((event) => {
      const plan = {
        day: event.number('day', 0),
        hour: event.number('hour', 6),
        of: event.read('of', share, 1),
        ...profileOf(event),
      }
      event.end()
      return plan
    }),
  }
  fields.end()
  return group
}

function profileOf(fields: Fields): ProfilePlan {
  const tags: Record<string, number> = {}
  const versions: Record<string, number> = {}
  for (const [tag, value] of fields.entries('tags')) {
    if (typeof value === 'number') versions[tag] = value
    else tags[tag] = fields.convert(`tags.${tag}`, value, share)
  }
  const plans = fields
    .entries('fields')
    .map(([name, value]) => [name, fields.convert(`fields.${name}`, value, fieldPlan)] as const)
  const lists = fields
    .entries('lists')
    .map(([name, value]) => [name, fields.convert(`lists.${name}`, value, share)] as const)
  return { tags, versions, fields: Object.fromEntries(plans), lists: Object.fromEntries(lists) }
}

function usageOf(fields: Fields): UsagePlan {
  const plan = {
    kind: fields.read('kind', (value) => KIND_CODES[String(value)], 0),
    rats: fields.read('rat', (value) => codes(value, RAT_CODES), [[6, 1] as const]),
    apps: fields.read('app', choice, []),
    cells: fields.read('cell', range, { from: 0, to: 0 }),
    perDay: fields.number('perDay', 1),
    bytes: fields.read('bytes', sizes, { from: 1, to: 1 }),
    hours: fields.read('hours', range, { from: 0, to: 24 }),
    days: fields.read('days', range, { from: 0, to: Number.POSITIVE_INFINITY }),
    of: fields.read('of', share, 1),
  }
  fields.end()
  return plan
}

function reactionOf(fields: Fields): ReactionPlan {
  const failed = fields.read('failed', share, 0)
  const plan = {
    failed,
    received: fields.read('received', share, 1),
    replies: fields.read('replies', shares, []),
    clicked: fields.read('clicked', share, 0),
    ordered: fields.read('ordered', share, 0),
    orderedAnyway: fields.read('orderedAnyway', share, 0),
    complained: fields.read('complained', share, 0),
    confirmed: fields.read('confirmed', share, 0),
    confirmWord: fields.read('confirmWord', (value) => String(value), 'Y'),
    after: fields.read('after', durations, { from: 60_000, to: 6 * HOUR_MS }),
  }
  fields.end()
  return plan
}

/** The entries of a YAML map, each read once; what is left over is a mistake. */
class Fields {
  readonly #place: string
  readonly #map: ReadonlyMap<string, unknown>
  readonly #known = new Set<string>()

  constructor(place: string, value: unknown) {
    this.#place = place
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      this.#map = new Map(Object.entries(value))
    } else throw new UsageError(`${place}: a map is expected`)
  }

  read<T>(key: string, convert: (value: unknown) => T | undefined, fallback: T): T {
    this.#known.add(key)
    const value = this.#map.get(key)
    return value === undefined ? fallback : this.convert(key, value, convert)
  }

  convert<T>(key: string, value: unknown, convert: (value: unknown) => T | undefined): T {
    const result = convert(value)
    if (result !== undefined) return result
    throw new UsageError(`${this.#place}: ${key}: ${JSON.stringify(value)} is not understood`)
  }

  number(key: string, fallback: number): number {
    return this.read(key, (value) => (typeof value === 'number' ? value : undefined), fallback)
  }

  entries(key: string): [string, unknown][] {
    this.#known.add(key)
    const value = this.#map.get(key)
    return value === undefined ? [] : [...new Fields(`${this.#place}: ${key}`, value).#map]
  }

  map(key: string): [string, Fields][] {
    return this.entries(key).map(([name, value]) => [
      name,
      new Fields(`${this.#place}: ${key}.${name}`, value),
    ])
  }

  list(key: string): Fields[] {
    this.#known.add(key)
    const value = this.#map.get(key) ?? []
    if (!Array.isArray(value)) throw new UsageError(`${this.#place}: ${key}: a list is expected`)
    return value.map((each, index) => new Fields(`${this.#place}: ${key}[${index}]`, each))
  }

  end(): void {
    for (const key of this.#map.keys()) {
      if (this.#known.has(key)) continue
      const hint = suggestWord(key, this.#known)
      const advice = hint === undefined ? '' : `; ${hint}`
      throw new UsageError(`${this.#place}: there is no key ${key}${advice}`)
    }
  }
}

/** `20 %`, `0.2`, true or false. */
function share(value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0
  const match = /^(\d+(?:\.\d+)?) ?%$/.exec(String(value))
  const number = match === null ? value : Number(match[1]) / 100
  return typeof number === 'number' && number >= 0 && number <= 1 ? number : undefined
}

/** Texts with a share each, which need not add up to 1. */
function shares(value: unknown): Choice<string> | undefined {
  if (value === null || typeof value !== 'object') return undefined
  const pairs = Object.entries(value).map(([word, part]) => [word, share(part)] as const)
  return pairs.every(([, part]) => part !== undefined) ? (pairs as Choice<string>) : undefined
}

/** One word, or words with shares; what is missing to 1 goes to the last one. */
function choice(value: unknown): Choice<string> | undefined {
  if (typeof value === 'string') return [[value, 1]]
  const pairs = shares(value)
  if (pairs === undefined || pairs.length === 0) return undefined
  const before = pairs.slice(0, -1).reduce((sum, [, part]) => sum + part, 0)
  return before > 1 ? undefined : [...pairs.slice(0, -1), [pairs.at(-1)![0], 1 - before]]
}

function counts(value: unknown): Readonly<Record<string, number>> | undefined {
  if (value === null || typeof value !== 'object') return undefined
  return Object.values(value).every((count) => Number.isInteger(count) && count >= 0)
    ? (value as Readonly<Record<string, number>>)
    : undefined
}

function codes(
  value: unknown,
  known: Readonly<Record<string, number>>,
): Choice<number> | undefined {
  const pairs = choice(value)?.map(([word, part]) => [known[word], part] as const)
  if (pairs === undefined || pairs.some(([code]) => code === undefined)) return undefined
  return pairs as Choice<number>
}

/** `3`, or `3 to 8`. */
function range(value: unknown): Range | undefined {
  return rangeOf(value, (text) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : null))
}

function sizes(value: unknown): Range | undefined {
  return rangeOf(value, (text) => (/^\d+$/.test(text) ? Number(text) : parseSize(text)))
}

function durations(value: unknown): Range | undefined {
  return rangeOf(value, parseDuration)
}

function duration(value: unknown): number | undefined {
  return parseDuration(String(value)) ?? undefined
}

function rangeOf(value: unknown, read: (text: string) => number | null): Range | undefined {
  const [first = '', second = first, ...more] = String(value).split(' to ')
  const [from, to] = [read(first), read(second)]
  if (from === null || to === null || from > to || more.length > 0) return undefined
  return { from, to }
}

/** `data-10`, `{ data-10: 40 %, other: 60 % }`, `20 to 60`, `-30d to 5d`, `2026-12-01`, true. */
function fieldPlan(value: unknown): FieldPlan | undefined {
  if (typeof value === 'boolean') return { kind: 'choice', choice: [[value, 1]] }
  const text = String(value)
  const days = /^(-?\d+)d(?: to (-?\d+)d)?$/.exec(text)
  if (days !== null) {
    const from = Number(days[1])
    return { kind: 'date', daysFromStart: { from, to: Number(days[2] ?? from) } }
  }
  const numbers = sizes(value) ?? range(value)
  if (numbers !== undefined) return { kind: 'number', range: numbers }
  const words = choice(value)
  if (words === undefined) return undefined
  const typed = words.map(([word, part]) => {
    const number = word.trim() === '' ? Number.NaN : Number(word)
    const bare = Number.isFinite(number) ? number : word
    return [word === 'true' ? true : word === 'false' ? false : bare, part] as const
  })
  return { kind: 'choice', choice: typed }
}
