/**
 * The people of a scenario: who they are, what is known of them, what they use. Everything follows
 * from plan and seed; no memory per subscriber, so that two and a half million cost nothing.
 */

import { assert } from '../../errors.ts'
import type { ListName } from '../../model/expression.ts'
import type { ProfileRow } from '../../model/messages.ts'
import type { RecordColumns } from '../../probe/population.ts'
import { Random, seededShare } from '../../probe/random.ts'
import type {
  Choice,
  FieldPlan,
  GroupPlan,
  PeoplePlan,
  ProfilePlan,
  Range,
  UsagePlan,
} from './people-plan.ts'

/** Smallest subscriber number of the simulated people of a scenario. */
export const FIRST_SUBSCRIBER = 13_900_000_000
/** The scenarios take place in this zone, which has no daylight saving time. */
export const SCENARIO_ZONE = 'Asia/Shanghai'
/** How far it is east of UTC, ms. */
export const SCENARIO_ZONE_OFFSET_MS = 8 * 3_600_000

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Draws until one of a habit's people is met; of a thinner share nobody may be. */
const DRAWS_MAX = 10_000

/** What the profile source says at an instant, ms since the epoch. */
export interface ProfileEvent {
  readonly atMs: number
  readonly row: ProfileRow
}

interface Habit {
  readonly group: Group
  readonly plan: UsagePlan
  readonly question: string
  readonly apps: Choice<number>
  /** Part of a record that was due and not made. */
  fraction: number
}

interface Group {
  readonly plan: GroupPlan
  readonly first: number
  readonly count: number
}

/** Subscribers of one scenario. */
export class ScenarioPeople {
  readonly startMs: number
  readonly subscriberCount: number
  readonly #seed: number
  readonly #random: Random
  readonly #groups: readonly Group[]
  readonly #habits: readonly Habit[]

  /** @param apps codes of the catalog's words for apps */
  constructor(
    plan: PeoplePlan,
    seed: number,
    subscriberCount: number,
    apps: ReadonlyMap<string, number>,
  ) {
    this.#seed = seed
    this.#random = new Random(seed)
    this.startMs = Date.parse(`${plan.startDay}T00:00:00Z`) - SCENARIO_ZONE_OFFSET_MS
    this.subscriberCount = subscriberCount
    this.#groups = groupsOf(plan, subscriberCount)
    this.#habits = this.#groups.flatMap((group) =>
      group.plan.usage.map((usage, index) => ({
        group,
        plan: usage,
        question: `habit ${group.plan.name} ${index}`,
        apps: usage.apps.map(([word, part]) => {
          const code = apps.get(word)
          assert(code !== undefined, `people.yaml: there is no app ${word}`)
          return [code, part] as const
        }),
        fraction: 0,
      })),
    )
  }

  /** What the profile source knows from the beginning, in groups of at most `rowsMax`. */
  *initialRows(rowsMax: number): Generator<ProfileRow[]> {
    let rows: ProfileRow[] = []
    for (const group of this.#groups) {
      for (let place = 0; place < group.count; place++) {
        const row = this.#row(group.first + place, group.plan, 'profile')
        if (row !== null) rows.push(row)
        if (rows.length < rowsMax) continue
        yield rows
        rows = []
      }
    }
    if (rows.length > 0) yield rows
  }

  /** What happens to profiles on a day of the run, from 0, in the order of time. */
  eventsOfDay(day: number): ProfileEvent[] {
    const events: ProfileEvent[] = []
    for (const group of this.#groups) {
      for (const [index, plan] of group.plan.events.entries()) {
        if (plan.day !== day) continue
        const atMs = this.startMs + day * DAY_MS + plan.hour * HOUR_MS
        const question = `event ${group.plan.name} ${index}`
        for (let place = 0; place < group.count; place++) {
          const subscriber = group.first + place
          if (this.#share(question, subscriber) >= plan.of) continue
          const row = this.#row(subscriber, plan, question)
          if (row !== null) events.push({ atMs, row })
        }
      }
    }
    return events.sort((left, right) => left.atMs - right.atMs)
  }

  /**
   * Usage with event times from `fromMs` and before `toMs`, within one day. Fills the columns and
   * says how many records they hold, as often as it takes.
   */
  *usage(fromMs: number, toMs: number, columns: RecordColumns): Generator<number> {
    let count = 0
    for (const habit of this.#habits) {
      const open = this.#openIn(habit.plan, fromMs, toMs)
      if (open === null) continue
      const { hours, of, perDay } = habit.plan
      const dayShare = (open.to - open.from) / ((hours.to - hours.from) * HOUR_MS)
      const due = habit.group.count * of * perDay * dayShare + habit.fraction
      habit.fraction = due - Math.floor(due)
      for (let made = Math.floor(due); made > 0; made--) {
        const subscriber = this.#memberOf(habit)
        if (subscriber === null) break
        this.#write(columns, count, habit, subscriber, open)
        count += 1
        if (count < columns.subscribers.length) continue
        yield count
        count = 0
      }
    }
    if (count > 0) yield count
  }

  /** A subscriber drawn by a share from 0 to 1. */
  subscriberAt(share: number): number {
    return FIRST_SUBSCRIBER + Math.floor(share * this.subscriberCount)
  }

  #write(columns: RecordColumns, at: number, habit: Habit, subscriber: number, open: Range): void {
    const { kind, rats, cells, bytes } = habit.plan
    const random = this.#random
    const size = bytes.from * (bytes.to / bytes.from) ** random.fraction()
    columns.subscribers[at] = subscriber
    columns.usageBytes[at] = Math.round(size)
    columns.timesMs[at] = Math.floor(open.from + random.fraction() * (open.to - open.from))
    columns.rats[at] = kind === 0 ? pick(rats, random.fraction()) : 0
    columns.apps[at] = habit.apps.length === 0 ? 0 : pick(habit.apps, random.fraction())
    columns.cells[at] = cells.from + random.below(cells.to - cells.from + 1)
    columns.kinds[at] = kind
  }

  /** The part of that time in which a habit is practised; null: none. */
  #openIn({ hours, days }: UsagePlan, fromMs: number, toMs: number): Range | null {
    const day = Math.floor((fromMs - this.startMs) / DAY_MS)
    if (day < days.from || day > days.to) return null
    const dayMs = this.startMs + day * DAY_MS
    const from = Math.max(fromMs, dayMs + hours.from * HOUR_MS)
    const to = Math.min(toMs, dayMs + hours.to * HOUR_MS)
    return from < to ? { from, to } : null
  }

  #memberOf({ group, plan, question }: Habit): number | null {
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const subscriber = group.first + this.#random.below(group.count)
      if (plan.of === 1 || this.#share(question, subscriber) < plan.of) return subscriber
    }
    return null
  }

  #row(subscriber: number, plan: ProfilePlan, question: string): ProfileRow | null {
    const tags: Record<string, boolean | number> = { ...plan.versions }
    for (const [tag, part] of Object.entries(plan.tags)) {
      if (this.#share(`${question} tag ${tag}`, subscriber) < part) tags[tag] = true
    }
    const lists: Partial<Record<ListName, boolean>> = {}
    for (const [list, part] of Object.entries(plan.lists)) {
      if (this.#share(`${question} list ${list}`, subscriber) < part) lists[list as ListName] = true
    }
    const fields: Record<string, number | string | boolean> = {}
    for (const [field, value] of Object.entries(plan.fields)) {
      fields[field] = this.#value(value, this.#share(`${question} field ${field}`, subscriber))
    }
    const parts = [tags, lists, fields].map((part) => Object.keys(part).length)
    if (parts.every((count) => count === 0)) return null
    return { subscriber, tags, fields, lists, zone: undefined, cycleDay: undefined }
  }

  #value(plan: FieldPlan, share: number): number | string | boolean {
    if (plan.kind === 'choice') return pick(plan.choice, share)
    if (plan.kind === 'number') {
      const { from, to } = plan.range
      return from + Math.floor(share * (to - from + 1))
    }
    const { from, to } = plan.daysFromStart
    const days = from + Math.floor(share * (to - from + 1))
    const instant = this.startMs + SCENARIO_ZONE_OFFSET_MS + days * DAY_MS
    return new Date(instant).toISOString().slice(0, 10)
  }

  #share(question: string, subscriber: number): number {
    return seededShare(this.#seed, question, subscriber - FIRST_SUBSCRIBER)
  }
}

/** One of the values, by a share from 0 inclusive to 1 exclusive. */
export function pick<T>(choice: Choice<T>, share: number): T {
  let left = share
  for (const [value, part] of choice) {
    left -= part
    if (left < 0) return value
  }
  return choice.at(-1)![0]
}

function groupsOf(plan: PeoplePlan, subscriberCount: number): Group[] {
  const total = plan.groups.reduce((sum, { share }) => sum + share, 0)
  let [first, before] = [FIRST_SUBSCRIBER, 0]
  return plan.groups.map((group) => {
    before += group.share / total
    const end = FIRST_SUBSCRIBER + Math.round(subscriberCount * before)
    const result = { plan: group, first, count: end - first }
    first = end
    return result
  })
}
