/** Random policies: small, so that triggers, caps and windows collide. All from one seed. */

import type { Random } from '../support/workload/random.ts'
import { jointWindow, openingOn } from './calendar.ts'
import type { Feature, FeatureSet } from './features.ts'
import type {
  PlainAudience,
  PlainCap,
  PlainCapacity,
  PlainChannel,
  PlainClass,
  PlainControl,
  PlainOpening,
  PlainPolicy,
  PlainSchedule,
  PlainTrigger,
  PlainValue,
  PlainWindow,
} from './plain.ts'

const HOUR_MS = 3_600_000
const CHANNELS = ['sms', 'push', 'email'] as const
const CLASSES = ['marketing', 'service', 'loyalty'] as const
const LAYERS = ['model', 'experience', 'segment', 'default'] as const

/** Makes policies; asks one source of chance for everything. */
export class PolicyGenerator {
  readonly #random: Random
  readonly #features: FeatureSet
  readonly #startMs: number
  readonly #days: number
  #triggerNumber = 0

  /** A history of `days` days from `startMs` on is what the policy should bear on. */
  constructor(random: Random, features: FeatureSet, startMs: number, days: number) {
    this.#random = random
    this.#features = features
    this.#startMs = startMs
    this.#days = days
  }

  /** A policy with 1 to 6 triggers. */
  policy(): PlainPolicy {
    const random = this.#random
    const layerCount = random.whole(1, LAYERS.length)
    const frame: Omit<PlainPolicy, 'triggers'> = {
      channels: this.#may('channels', 0.6) ? this.#channels() : [],
      classes: this.#may('classes', 0.6) ? this.#classes() : [],
      caps: this.#may('caps', 0.4) ? this.#caps(2) : [],
      holidays: this.#may('holidays', 0.5) ? this.#holidays() : [],
      globalControl: this.#may('control', 0.25) ? this.#control('global-2026') : null,
      arbitration: this.#may('arbitration', 0.7)
        ? {
            layers: LAYERS.slice(0, layerCount),
            offersPerContact: random.pick([1, 1, 1, 2, 2, 3]),
            contact: random.pick(['day', 'day', 'hour']),
          }
        : null,
    }
    const count = random.pick([1, 2, 3, 3, 4, 4, 5, 6])
    const triggers = Array.from({ length: count }, () => this.#trigger(frame))
    return this.#withOpenWindows({ ...frame, triggers })
  }

  /** The policy after an edit in the middle of a history: the same triggers, some changed. */
  edited(before: PlainPolicy): PlainPolicy {
    const random = this.#random
    const other = this.policy()
    const keep = <T>(old: T, fresh: T): T => (random.chance(0.6) ? old : fresh)
    const frame = {
      channels: keep(before.channels, other.channels),
      classes: keep(before.classes, other.classes),
      caps: keep(before.caps, other.caps),
      holidays: keep(before.holidays, other.holidays),
      globalControl: keep(before.globalControl, other.globalControl),
      arbitration: keep(before.arbitration, other.arbitration),
    }
    const kept = before.triggers
      .filter(() => random.chance(0.85))
      .map((trigger) => (random.chance(0.5) ? trigger : this.#editedTrigger(trigger, frame)))
    const added = random.chance(0.4) || kept.length === 0 ? [this.#trigger(frame)] : []
    const names = new Set([...CLASSES.slice(0, 2), ...frame.classes.map(({ name }) => name)])
    const triggers = [...kept, ...added].map((trigger) => ({
      ...trigger,
      class: trigger.class !== null && names.has(trigger.class) ? trigger.class : null,
      layer: frame.arbitration?.layers.includes(trigger.layer ?? '') ? trigger.layer : null,
      channel: channelIn(frame.channels, trigger.channel),
    }))
    return this.#withOpenWindows({ ...frame, triggers })
  }

  /** Another word on everything but what makes it fire. */
  #editedTrigger(trigger: PlainTrigger, frame: Omit<PlainPolicy, 'triggers'>): PlainTrigger {
    const { id, path, condition, once, isLateFiring } = trigger
    const { oncePerTag, isRetrying } = trigger
    const fresh = this.#trigger(frame)
    const window = isRetrying && fresh.window === null ? trigger.window : fresh.window
    const line = { id, path, condition, once, isLateFiring, oncePerTag, isRetrying }
    return { ...fresh, ...line, window }
  }

  #trigger(frame: Omit<PlainPolicy, 'triggers'>): PlainTrigger {
    const random = this.#random
    const id = `t${this.#triggerNumber++}`
    const counter = random.pick(['data', 'data', 'calls'] as const)
    const isTagged = random.chance(0.3)
    const tag = isTagged ? random.pick(['vip', 'seed'] as const) : null
    const classes = ['marketing', 'service', ...frame.classes.map(({ name }) => name)]
    const isPolicy = this.#features.has('classes')
    const isDropping = random.chance(0.15)
    const isRetrying = isDropping && this.#may('retry', 0.7)
    const window = isRetrying || random.chance(0.55) ? this.#window(isDropping) : null
    return {
      id,
      path: `triggers/${random.pick(['a', 'b', 'c'])}-${id}.yaml`,
      condition: {
        counter,
        per: this.#may('cycles', 0.2) ? 'cycle' : random.pick(['day', 'day', 'day', 'month']),
        atLeast: counter === 'data' ? random.pick([1, 100, 200, 300]) : random.pick([1, 2, 3]),
        tag,
        without: random.chance(0.15) ? 'has_pack' : null,
      },
      // A move across zones reaches further back than the latches of hours remember.
      once: random.pick([
        this.#features.has('zones') ? 'day' : 'hour',
        'day',
        'day',
        'day',
        'week',
        'month',
        this.#features.has('cycles') ? 'cycle' : 'month',
        'ever',
      ]),
      oncePerTag: tag === 'seed' && this.#may('tagging', 0.7),
      isLateFiring: this.#may('late', 0.5),
      isRetrying,
      class: isPolicy && random.chance(0.6) ? random.pick(classes) : null,
      layer:
        frame.arbitration !== null && random.chance(0.7)
          ? random.pick(frame.arbitration.layers)
          : null,
      priority: random.chance(0.4) ? random.pick([1, 50, 100, 200]) : null,
      value: this.#may('arbitration', 0.5) ? this.#value() : null,
      audience: this.#may('audience', 0.2) ? this.#audience() : null,
      control: this.#may('control', 0.25) ? this.#control('pack-2026') : null,
      ignoresCaps: isPolicy && random.chance(0.15) ? random.chance(0.5) : null,
      countsTowardCaps: isPolicy && random.chance(0.15) ? random.chance(0.5) : null,
      channel: channelIn(frame.channels, random.pick(CHANNELS)),
      at: this.#schedule(isDropping),
      window,
      overCapacity: this.#may('capacity', 0.6) ? random.pick(['drop', 'drop', 'defer']) : null,
      caps: random.chance(0.5) ? this.#caps(2) : [],
      cancelWhen: random.chance(0.25) ? random.pick(['has_pack', 'vip']) : null,
      validFromMs: random.chance(0.05) ? this.#instant() : null,
      validToMs: null,
      ...(random.chance(0.1) ? { validToMs: this.#instant() + 40 * 24 * HOUR_MS } : {}),
      onExpired: random.pick(['reschedule', 'reschedule', 'drop']),
      attempts: random.whole(1, 4),
    }
  }

  #value(): PlainValue {
    const random = this.#random
    switch (random.whole(0, 3)) {
      case 0:
        return { kind: 'number', number: random.pick([1, 5, 5, 10]) }
      case 1:
        return { kind: 'fee' }
      case 2:
        return { kind: 'bytes-of-day' }
      default:
        return { kind: 'vip', yes: random.pick([1, 20]), no: random.pick([0, 5]) }
    }
  }

  #audience(): PlainAudience {
    const random = this.#random
    if (random.chance(0.25)) return { kind: 'fee', atLeast: random.pick([5, 50]) }
    const tag = random.pick(['vip', 'has_pack'] as const)
    return { kind: 'tag', tag, isWanted: random.chance(0.25) }
  }

  #control(name: string): PlainControl {
    const random = this.#random
    // An experiment has one share, wherever it is named.
    const number = random.whole(0, 3)
    const percent = [10, 30, 50, 70][number]!
    return { percent, experiment: random.chance(0.5) ? null : `${name}-${number}` }
  }

  #channels(): PlainChannel[] {
    return CHANNELS.filter((_, index) => index === 0 || this.#random.chance(0.7)).map((name) => ({
      name,
      window: this.#random.chance(0.4)
        ? this.#window(this.#random.pick([true, false, null, null]))
        : null,
      caps: this.#random.chance(0.6) ? this.#caps(2) : [],
      capacity: this.#may('capacity', 0.6) ? this.#capacity() : null,
    }))
  }

  #capacity(): PlainCapacity {
    const random = this.#random
    const perHour = random.pick([null, 1, 1, 2])
    const perDay = random.pick([1, 2, 3])
    return { perHour, perDay: perHour !== null && random.chance(0.4) ? null : perDay }
  }

  #classes(): PlainClass[] {
    const random = this.#random
    const flag = (): boolean | null => (random.chance(0.25) ? random.chance(0.5) : null)
    return CLASSES.filter(() => random.chance(0.5)).map((name) => {
      const ignoresCaps = flag()
      const isCapped = !(ignoresCaps ?? name === 'service')
      const refusedBy = random.chance(0.4)
        ? (['red', 'optOut', 'sensitive'] as const).filter(() => random.chance(0.6))
        : null
      const isSensitive = isCapped && refusedBy?.includes('sensitive') !== true
      return {
        name,
        window: random.chance(0.2) ? this.#window(random.pick([true, false, null, null])) : null,
        caps: isCapped && random.chance(0.5) ? this.#caps(2) : [],
        sensitiveCaps: isSensitive && random.chance(0.5) ? this.#caps(1) : [],
        refusedBy,
        ignoresCaps,
        countsTowardCaps: flag(),
        heldOut: this.#features.has('control') ? flag() : null,
      }
    })
  }

  #caps(most: number): PlainCap[] {
    const random = this.#random
    const caps = Array.from({ length: random.whole(1, most) }, (): PlainCap => {
      const isSliding = this.#may('sliding', 0.35)
      const count = random.pick([1, 1, 2, 2, 3, 4])
      if (!isSliding) {
        const calendar = this.#may('cycles', 0.2) ? 'cycle' : 'month'
        return {
          count,
          per: random.pick(['hour', 'day', 'day', 'week', calendar, 'ever'] as const),
        }
      }
      return random.chance(0.5)
        ? { count, per: { length: random.pick([1, 2, 3, 7, 30]), of: 'days' } }
        : { count, per: { length: random.pick([1, 5, 12, 36]), of: 'hours' } }
    })
    const distinct = caps.filter(
      (cap, index) => caps.findIndex((each) => isSamePer(each, cap)) === index,
    )
    // The longer one allows more: what it would never let one reach is a mistake.
    const counts = distinct.map(({ count }) => count).sort((left, right) => left - right)
    return distinct
      .sort((left, right) => hoursOf(left) - hoursOf(right))
      .map((cap, index) => ({ ...cap, count: counts[index]! }))
  }

  /** Days in and after the history: single ones, and some in a row. */
  #holidays(): number[] {
    const random = this.#random
    const firstDay = Math.floor(this.#startMs / (24 * HOUR_MS))
    const days = new Set<number>()
    for (let i = random.whole(1, 3); i > 0; i--) {
      const first = firstDay + random.whole(0, this.#days)
      for (let day = first; day < first + random.pick([1, 1, 2, 3]); day++) days.add(day)
    }
    return [...days].sort((left, right) => left - right)
  }

  #window(isDropping: boolean | null): PlainWindow {
    const random = this.#random
    const outside = isDropping === null ? null : isDropping ? 'drop' : 'defer'
    const isPartTime = this.#may('weekdays', 0.4)
    return {
      ...this.#opening(),
      outside,
      on: isPartTime
        ? random.pick([
            [0, 1, 2, 3, 4],
            [5, 6],
            [1, 3, 5],
            [0, 2, 4, 6],
          ])
        : null,
      holidays: this.#may('holidays', 0.5)
        ? random.pick(['closed', 'open', 'like-other-days', this.#opening()] as const)
        : null,
      spreadMinutes: this.#may('spread', 0.3) ? random.pick([10, 30, 60]) : null,
      expiresHours: random.chance(0.8) ? random.pick([2, 12, 24, 36, 72, 96, 120]) : null,
    }
  }

  #opening(): PlainOpening {
    const random = this.#random
    return {
      fromMinute: random.pick([0, 120, 480, 540, 540, 600]),
      toMinute: random.pick([840, 1080, 1260, 1260, 1380, 1440]),
    }
  }

  /** Where the window drops, a moment that is hardly ever outside. */
  #schedule(isDropping: boolean): PlainSchedule {
    const random = this.#random
    const kind = random.pick(['now', 'now', 'now', 'after', 'at', 'at'] as const)
    if (kind === 'now') return { kind }
    if (kind === 'after') return { kind, minutes: random.pick([1, 30, 30, 120, 600, 2880]) }
    const minuteOfDay = isDropping
      ? random.pick([600, 720, 780])
      : random.pick([150, 540, 720, 720, 1080, 1259, 1410])
    return { kind, days: random.pick([0, 1]), minuteOfDay }
  }

  #instant(): number {
    const minutes = this.#random.whole(0, this.#days * 24 * 60)
    return Math.floor(this.#startMs / 60_000) * 60_000 + minutes * 60_000
  }

  #may(feature: Feature, probability: number): boolean {
    return this.#features.has(feature) && this.#random.chance(probability)
  }

  /** Windows that are never open together are a mistake: the declared ones give way. */
  #withOpenWindows(policy: PlainPolicy): PlainPolicy {
    const isOpen = ({ triggers }: PlainPolicy, from: PlainPolicy): boolean =>
      triggers.every((trigger) => {
        const window = jointWindow({ ...from, holidays: [] }, trigger)
        return window === null || WEEK.some((day) => openingOn(window, day) !== null)
      })
    if (isOpen(policy, policy)) return policy
    const without = <T extends { window: PlainWindow | null }>(parts: readonly T[]): T[] =>
      parts.map((part) => ({ ...part, window: null }))
    return {
      ...policy,
      channels: without(policy.channels),
      classes: without(policy.classes),
      triggers: policy.triggers.map((trigger) =>
        trigger.window === null || trigger.window.outside !== null
          ? trigger
          : { ...trigger, window: { ...trigger.window, outside: 'defer' } },
      ),
    }
  }
}

/** A Monday to Sunday. */
const WEEK = [4, 5, 6, 7, 8, 9, 10]

const HOURS = {
  hour: 1,
  day: 25,
  week: 169,
  month: 750,
  cycle: 751,
  ever: Number.POSITIVE_INFINITY,
}

/** The longest that a cap's period can be, about. */
function hoursOf({ per }: PlainCap): number {
  return typeof per === 'string' ? HOURS[per] : per.length * (per.of === 'days' ? 24 : 1)
}

function isSamePer(left: PlainCap, right: PlainCap): boolean {
  return JSON.stringify(left.per) === JSON.stringify(right.per)
}

/** Where channels are declared, only declared ones may be named. */
function channelIn(channels: readonly PlainChannel[], name: string): string {
  if (channels.length === 0 || channels.some((channel) => channel.name === name)) return name
  return channels[0]!.name
}
