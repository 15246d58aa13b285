/**
 * Random histories for a policy: usage, profiles, lists, feedback, a reload, on a virtual clock
 * that likes openings, midnights, month ends and changes of summer time. Few subscribers, so that
 * things collide. Feedback speaks of deliveries that the naive model has made so far.
 */

import type { FeedbackKind, ProfileRow } from '../../src/model/messages.ts'
import type { NaiveRecord } from '../support/naive/input.ts'
import { localTime } from '../support/naive/zone.ts'
import { Random } from '../support/workload/random.ts'
import { instantOf } from './calendar.ts'
import type { FeatureSet } from './features.ts'
import { PolicyModel } from './model.ts'
import {
  EARLINESS_MS,
  type PlainInput,
  type PlainList,
  type PolicyCase,
  type PolicyDecision,
  TICK_WRITER,
} from './plain.ts'
import type { Draws } from './policy-book.ts'
import { PolicyGenerator } from './random-policy.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Where histories begin: before month ends, year's end, changes of summer time; in local time. */
const STARTS = [
  ['Asia/Shanghai', '2026-11-20T08:00:00+08:00'],
  ['Asia/Shanghai', '2026-11-28T20:00:00+08:00'],
  ['Asia/Shanghai', '2026-12-29T10:00:00+08:00'],
  ['Asia/Shanghai', '2028-02-26T10:00:00+08:00'],
  ['Europe/Berlin', '2026-10-23T09:00:00+02:00'],
  ['Europe/Berlin', '2027-03-26T22:00:00+01:00'],
  ['America/New_York', '2026-10-30T12:00:00-04:00'],
  ['America/New_York', '2027-03-12T12:00:00-05:00'],
] as const

/** First days of billing cycles: some that shorter months do not have. */
const CYCLE_DAYS = [1, 5, 22, 28, 29, 31]
const ZONES = ['Asia/Kathmandu', 'America/New_York', 'Europe/Berlin', 'Pacific/Auckland', null]
const DAYS = 6

/**
 * Makes a case: a policy, perhaps a second one, and a history that fits them. `attempt` draws anew
 * where validation refused what came before.
 */
export function generateCase(
  seed: number,
  attempt: number,
  allowed: FeatureSet,
  draws: Draws,
): PolicyCase {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(attempt, 0x5bd1e995))
  // In most cases nobody moves to another zone: who does has no hourly triggers.
  const features = new Set(allowed)
  if (random.chance(0.6)) features.delete('zones')
  const [zone, start] = random.pick(STARTS)
  const startMs = Date.parse(start)
  const generator = new PolicyGenerator(random, features, startMs, DAYS)
  const policy = generator.policy()
  const model = new PolicyModel({ policy, zone, startMs }, draws)
  const history = new History(random, features, zone, model)
  const reloadAt = features.has('reload') && random.chance(0.3) ? random.whole(10, 60) : -1
  const steps = random.whole(40, 110)
  for (let step = 0; step < steps; step++) {
    if (step === reloadAt) history.reload(generator.edited(policy))
    else history.step()
  }
  return { seed, zone, startMs, policy, inputs: history.inputs }
}

/** Writes inputs one by one, into a list and into a model. */
class History {
  readonly inputs: PlainInput[] = []
  readonly #random: Random
  readonly #features: FeatureSet
  readonly #zone: string
  readonly #model: PolicyModel
  readonly #people: number[]
  readonly #deliveries: PolicyDecision[] = []
  /** Sequences and stamps: 1 is genesis. */
  #sequence = 1
  #seq = 0
  #tagging = 1

  constructor(random: Random, features: FeatureSet, zone: string, model: PolicyModel) {
    this.#random = random
    this.#features = features
    this.#zone = zone
    this.#model = model
    const first = random.whole(1, 4000)
    this.#people = Array.from({ length: random.whole(1, 3) }, (_, index) => first + index * 7)
  }

  step(): void {
    const random = this.#random
    const kinds = [
      'tick',
      'tick',
      'usage',
      'usage',
      'usage',
      'usage',
      'profile',
      'feedback',
    ] as const
    const kind = random.pick(kinds)
    if (kind === 'tick' && this.#features.has('cancel') && random.chance(0.08)) this.#cancel()
    else if (kind === 'tick') this.#tick()
    else if (kind === 'profile' && this.#features.has('erase') && random.chance(0.05)) this.#erase()
    else if (kind === 'profile') this.#profile()
    else if (kind === 'feedback' && this.#features.has('feedback')) this.#feedback()
    else this.#usage()
  }

  reload(policy: PolicyCase['policy']): void {
    this.#apply({ sequence: ++this.#sequence, kind: 'config', policy })
  }

  #tick(): void {
    const timeMs = this.#nextInstant()
    const sequence = ++this.#sequence
    this.#apply({ sequence, kind: 'tick', id: `t${sequence}`, writer: TICK_WRITER, timeMs })
  }

  /** Some time on, or exactly a moment of the wall clock at which things happen. */
  #nextInstant(): number {
    const random = this.#random
    const nowMs = this.#model.clockMs()
    if (random.chance(0.5)) {
      const hours = random.pick([0.02, 0.3, 0.5, 1, 1, 2, 3, 5, 7, 13, 26])
      return nowMs + Math.round(hours * HOUR_MS) + (random.chance(0.2) ? random.whole(0, 999) : 0)
    }
    const minute = random.pick([0, 480, 540, 600, 720, 1080, 1259, 1260, 1439])
    const { dayNumber } = localTime(nowMs, this.#zone)
    const today = instantOf(dayNumber, minute, this.#zone)
    const next = today > nowMs ? today : instantOf(dayNumber + 1, minute, this.#zone)
    return next - (random.chance(0.15) ? 1 : 0)
  }

  #usage(): void {
    const random = this.#random
    const nowMs = this.#model.clockMs()
    const records = Array.from({ length: random.pick([1, 1, 2, 3, 5]) }, (): NaiveRecord => {
      const lateHours = random.pick([0, 0, 0, 0, 0.02, 1, 5, 20, 23.9, 25])
      const earlyMs = random.chance(0.1) ? random.pick([EARLINESS_MS, EARLINESS_MS + 1]) : 0
      return {
        subscriber: random.pick(this.#people),
        usageBytes: random.pick([0, 50, 100, 100, 150, 300]),
        timeMs: Math.round(nowMs - lateHours * HOUR_MS + earlyMs),
        rat: 6,
        app: 0,
        cell: 0,
        kind: random.pick([0, 0, 0, 1, 1, 2]),
      }
    })
    const stamp = { probe: 'p1', epoch: 1, seq: ++this.#seq }
    this.#apply({ sequence: ++this.#sequence, kind: 'usage', stamp, records })
  }

  #profile(): void {
    const random = this.#random
    const count = random.pick([1, 1, 1, 2])
    const people = this.#people.slice(0, count)
    const rows = people.map((): ProfileRow => this.#profileRow())
    const own = rows.filter(
      ({ subscriber }, index) => rows.findIndex((each) => each.subscriber === subscriber) === index,
    )
    const stamp = { probe: 'bi', epoch: 1, seq: ++this.#seq }
    this.#apply({ sequence: ++this.#sequence, kind: 'profile', stamp, rows: own })
  }

  #profileRow(): ProfileRow {
    const random = this.#random
    const tags: Record<string, boolean | number | null> = {}
    const fields: Record<string, number | null> = {}
    const lists: Partial<Record<PlainList, boolean>> = {}
    if (random.chance(0.5)) tags.vip = random.pick([true, true, false, null])
    if (random.chance(0.3)) tags.has_pack = random.pick([true, false, false, null])
    if (random.chance(0.4)) {
      // Taggings are numbered upwards; the last may be said again.
      if (random.chance(0.5)) this.#tagging++
      tags.seed = random.chance(0.8) ? this.#tagging : null
    }
    if (random.chance(0.4)) fields.fee = random.pick([5, 10, 60, null])
    if (this.#features.has('lists') && random.chance(0.35)) {
      const names = ['black', 'white', 'red', 'sensitive', 'sensitive', 'optOut'] as const
      lists[random.pick(names)] = random.chance(0.4)
    }
    if (this.#features.has('canary') && random.chance(0.06)) lists.canary = random.chance(0.5)
    const isMoving = this.#features.has('zones') && random.chance(0.12)
    const zone = isMoving ? random.pick(ZONES) : undefined
    const isOtherCycle = this.#features.has('cycles') && random.chance(0.15)
    const cycleDay = isOtherCycle ? random.pick(CYCLE_DAYS) : undefined
    const subscriber = random.pick(this.#people)
    return { subscriber, tags, fields, lists, zone, cycleDay }
  }

  #feedback(): void {
    const random = this.#random
    const recent = this.#deliveries.slice(-4)
    if (recent.length === 0) {
      this.#usage()
      return
    }
    const delivery = random.pick(recent)
    const kind: FeedbackKind = random.pick(['sent', 'failed', 'expired', 'expired', 'expired'])
    const { id, subscriber } = delivery
    const row = { subscriber, kind, deliveryId: id!, timeMs: this.#model.clockMs() }
    const stamp = { probe: 'gw', epoch: 1, seq: ++this.#seq }
    this.#apply({ sequence: ++this.#sequence, kind: 'feedback', stamp, rows: [row] })
  }

  /** Mostly of something that there is; sometimes of everything of a kind. */
  #cancel(): void {
    const random = this.#random
    const named = random.pick(['trigger', 'channel', 'subscriber', 'trigger', 'all'] as const)
    const isNamed = (what: typeof named): boolean => named === what || named === 'all'
    this.#apply({
      sequence: ++this.#sequence,
      kind: 'cancel',
      trigger: isNamed('trigger') ? `t${random.whole(0, 4)}` : null,
      channel: isNamed('channel') ? random.pick(['sms', 'sms', 'push', 'email']) : null,
      subscriber: isNamed('subscriber') ? random.pick(this.#people) : null,
    })
  }

  #erase(): void {
    const sequence = ++this.#sequence
    const subscribers = [this.#random.pick(this.#people)]
    this.#apply({ sequence, kind: 'erase', id: `e${sequence}`, subscribers })
  }

  #apply(input: PlainInput): void {
    this.inputs.push(input)
    const decided = this.#model.apply(input)
    this.#deliveries.push(...decided.filter(({ id }) => id !== undefined))
  }
}
