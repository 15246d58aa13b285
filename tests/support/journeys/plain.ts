/**
 * Journeys as plain data, drawn at random, and the files that say the same: what the naive model
 * walks and what the machine reads.
 */

import type { ConfigFiles } from '../../../src/model/catalog.ts'
import type { Random } from '../../../src/probe/random.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Shanghai has no summer time: its wall clock is UTC and eight hours. */
export const OFFSET_MS = 8 * HOUR_MS

export const TAGS = ['a', 'b', 'c', 'd'] as const
export type Tag = (typeof TAGS)[number]

/** What a subscriber is to conditions. Sums of the running day and month. */
export interface PlainFacts {
  readonly tags: ReadonlySet<Tag>
  readonly day: number
  readonly month: number
}

export interface PlainCondition {
  readonly text: string
  readonly holds: (facts: PlainFacts) => boolean
  readonly tags: readonly Tag[]
  readonly readsUsage: boolean
}

export interface PlainWait {
  readonly text: string
  /** The instant so long after another. */
  readonly after: (fromMs: number) => number
}

export type PlainOtherwise = 'skip' | 'leave' | 'wait'

export interface PlainStep {
  readonly name: string
  readonly wait: PlainWait
  readonly when: PlainCondition | null
  /** `wait`: again after 12 hours, for a day, then on. */
  readonly otherwise: PlainOtherwise
  /** A message now, one after five hours, a tag that is set, or nothing. */
  readonly content: 'now' | 'later' | Tag | null
}

export interface PlainJourney {
  readonly id: string
  readonly enter: PlainCondition
  readonly once: 'ever' | 'day' | 'month'
  readonly goal: PlainCondition | null
  readonly exit: PlainCondition | null
  readonly stayMs: number
  readonly onEdit: 'continue' | 'restart' | 'leave'
  readonly isFiringExisting: boolean
  readonly steps: readonly PlainStep[]
}

const tag = (name: Tag, isSet = true): PlainCondition => ({
  text: `${isSet ? '' : '!'}tags.${name}`,
  holds: ({ tags }) => tags.has(name) === isSet,
  tags: [name],
  readsUsage: false,
})
const day = (line: number): PlainCondition => ({
  text: `data.day >= ${line}`,
  holds: (facts) => facts.day >= line,
  tags: [],
  readsUsage: true,
})
const CONDITIONS: readonly PlainCondition[] = [
  ...TAGS.map((name) => tag(name)),
  tag('c', false),
  day(3),
  day(6),
  {
    text: 'data.month >= 12 && tags.b',
    holds: ({ month, tags }) => month >= 12 && tags.has('b'),
    tags: ['b'],
    readsUsage: true,
  },
  {
    text: 'data.day < 2',
    holds: (facts) => facts.day < 2,
    tags: [],
    readsUsage: true,
  },
]

const startOfDay = (ms: number) => Math.floor((ms + OFFSET_MS) / DAY_MS) * DAY_MS - OFFSET_MS
const wallClock = (text: string, days: number, hour: number): PlainWait => ({
  text,
  after: (fromMs) => Math.max(fromMs, startOfDay(fromMs) + days * DAY_MS + hour * HOUR_MS),
})
const WAITS: readonly PlainWait[] = [
  { text: '0s', after: (ms) => ms },
  { text: '6h', after: (ms) => ms + 6 * HOUR_MS },
  { text: '1d', after: (ms) => ms + DAY_MS },
  wallClock('next day 10:00', 1, 10),
  wallClock('same day 18:00', 0, 18),
  wallClock('2 days 09:00', 2, 9),
  { text: '1 month', after: oneMonthAfter },
]

function oneMonthAfter(fromMs: number): number {
  const local = new Date(fromMs + OFFSET_MS)
  const inDayMs = local.getTime() % DAY_MS
  const lastDay = new Date(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 2, 0))
  const dayOfMonth = Math.min(local.getUTCDate(), lastDay.getUTCDate())
  return lastDay.setUTCDate(dayOfMonth) + inDayMs - OFFSET_MS
}

/** Draws journeys, and edits of them. */
export class JourneyDraws {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** One to three journeys. */
  journeys(): PlainJourney[] {
    const others = ['two', 'three'].filter(() => this.#may(0.7))
    return ['one', ...others].map((id) => this.#journey(id))
  }

  /** The same but for edits: of steps, of ends, of what an edit means. */
  edited(journeys: readonly PlainJourney[]): PlainJourney[] {
    const kept = journeys.filter(() => this.#may(0.9)).map((each) => this.#edit(each))
    const missing = ['one', 'two', 'three'].filter((id) => !kept.some((each) => each.id === id))
    return [...kept, ...missing.filter(() => this.#may(0.4)).map((id) => this.#journey(id))]
  }

  #journey(id: string): PlainJourney {
    return {
      id,
      enter: this.#entering(id),
      once: this.#pick(['ever', 'day', 'month'] as const),
      goal: this.#may(0.6) ? this.#pick(CONDITIONS) : null,
      exit: this.#may(0.3) ? this.#pick(CONDITIONS) : null,
      stayMs: this.#pick([0, 0, 12 * HOUR_MS]),
      onEdit: this.#pick(['continue', 'continue', 'restart', 'leave'] as const),
      isFiringExisting: this.#may(0.3),
      steps: this.#steps(id),
    }
  }

  #edit(journey: PlainJourney): PlainJourney {
    return {
      ...journey,
      ...(this.#may(0.5) ? { steps: this.#editedSteps(journey) } : {}),
      ...(this.#may(0.2) ? { goal: this.#pick(CONDITIONS) } : {}),
      ...(this.#may(0.2) ? { enter: this.#entering(journey.id) } : {}),
      ...(this.#may(0.2) ? { onEdit: this.#pick(['continue', 'restart', 'leave'] as const) } : {}),
    }
  }

  /** Only `three` is entered by the tag that steps of the others set: no circle. */
  #entering(id: string): PlainCondition {
    const possible = CONDITIONS.filter(({ tags }) => id === 'three' || !tags.includes('d'))
    return this.#pick(possible)
  }

  #editedSteps({ id, steps }: PlainJourney): PlainStep[] {
    const kept = steps.filter(() => this.#may(0.7))
    const names = new Set(kept.map(({ name }) => name))
    const added = this.#steps(id).filter(({ name }) => !names.has(name) && this.#may(0.4))
    const all = [...kept, ...added]
    return all.length === 0 ? this.#steps(id) : all
  }

  #steps(id: string): PlainStep[] {
    const names = ['p', 'q', 'r', 's', 't'].filter(() => this.#may(0.6))
    return (names.length === 0 ? ['p'] : names).map((name) => ({
      name,
      wait: this.#pick(WAITS),
      when: this.#may(0.4) ? this.#pick(CONDITIONS) : null,
      otherwise: this.#pick(['skip', 'leave', 'wait'] as const),
      content: this.#pick(['now', 'now', 'later', id === 'three' ? 'now' : 'd', null] as const),
    }))
  }

  #may(probability: number): boolean {
    return this.#random.fraction() < probability
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)]!
  }
}

/** The configuration that says so. */
export function filesOf(journeys: readonly PlainJourney[]): ConfigFiles {
  const declared = [
    `tags: { ${TAGS.map((name) => `${name}: {}`).join(', ')} }`,
    'counters: { data: { sum: bytes, per: [day, month] } }',
  ]
  const files = journeys.map((journey) => [`journeys/${journey.id}.yaml`, textOf(journey)])
  return { 'a.yaml': declared.join('\n'), ...Object.fromEntries(files) }
}

function textOf(journey: PlainJourney): string {
  const { id, enter, once, goal, exit, stayMs, onEdit, isFiringExisting, steps } = journey
  return [
    `journey: ${id}`,
    `enter: '${enter.text}'`,
    `once: ${once}`,
    ...(goal === null ? [] : [`goal: '${goal.text}'`]),
    ...(exit === null ? [] : [`exit: '${exit.text}'`]),
    `stay: ${stayMs / HOUR_MS}h`,
    `onEdit: ${onEdit}`,
    ...(isFiringExisting ? ['reload: fire-existing'] : []),
    'steps:',
    ...steps.flatMap(stepLines),
  ].join('\n')
}

function stepLines({ name, wait, when, otherwise, content }: PlainStep): string[] {
  const follows = otherwise === 'wait' ? 'wait 12h up to 24h' : otherwise
  const at = content === 'later' ? ', at: after 5h' : ''
  const says =
    content === 'now' || content === 'later' ? 'message: x' : `action: { tag: { set: ${content} } }`
  return [
    `  - step: ${name}`,
    `    wait: ${wait.text}`,
    ...(when === null ? [] : [`    when: '${when.text}'`, `    otherwise: ${follows}`]),
    ...(content === null ? [] : [`    deliver: { channel: sms${at} }`, `    ${says}`]),
  ]
}
