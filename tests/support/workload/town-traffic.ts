/**
 * The traffic of a town (policy-town.ts) over all its partitions, as messages to be published:
 * usage in bursts, profiles imported, changed and deleted, lists, erasures, feedback of all kinds,
 * cancellations, selections asked for, and a reload in the middle. All from one source of chance.
 */

import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { type FeedbackRow, RECEIPT_KINDS, type ProfileRow } from '../../../src/model/messages.ts'
import {
  encodeCancel,
  encodeConfig,
  encodeErase,
  encodeFeedback,
  encodeProfile,
  encodeTick,
  encodeUsageColumns,
} from '../../../src/probe/encode.ts'
import { encodeErrand } from '../../../src/probe/encode-errand.ts'
import { columnsOf } from '../machine-harness.ts'
import type { NaiveRecord } from '../naive/input.ts'
import {
  DAILY_TRIGGERS,
  nextTownFiles,
  TOWN_SEGMENT,
  type TownLimits,
  townFiles,
} from '../policy-town.ts'
import { profileRow } from './people.ts'
import type { Random } from './random.ts'

/** How large the town is, and how long its history. */
export interface TownChoice {
  readonly partitionCount: number
  /** Subscribers of each partition. */
  readonly people: number
  /** Moves of the clock, of up to so many minutes each. */
  readonly steps: number
  readonly stepMinutesMax: number
  /** Batches of usage per partition and step at most: unequal, so that one asks another. */
  readonly demand: readonly number[]
  readonly limits: TownLimits
}

/** One message of a town's logs. */
export interface TownMessage {
  readonly partition: number
  readonly subject: string
  readonly data: Uint8Array
  /** What time it is in the town, ms since the epoch; never falls. */
  readonly wallMs: number
  /** Whether it carries the configuration after the edit. */
  readonly isReload: boolean
}

/** The logs of a town, interleaved, for partitions on a virtual clock. */
export interface TownTraffic {
  readonly files: ConfigFiles
  readonly startMs: number
  readonly messages: readonly TownMessage[]
}

/** Who moves the clocks of a town. */
export const TOWN_CLOCK = 'town'
/** Default zone of a town; without changes of the clock, so that days are simple to name. */
export const TOWN_ZONE = 'Asia/Shanghai'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const ZONE_AHEAD_MS = 8 * HOUR_MS
const FIRST_SUBSCRIBER = 13_900_000_000
/** A Wednesday. */
const START = '2026-11-11T05:00+08:00'
const ZONES = ['Asia/Tokyo', 'America/New_York', null]
/** What ends all waiting, one way or the other. */
const AFTERMATH_HOURS = [1, 3, 7, 12, 24, 48]

/** The same chance makes the same traffic. */
export function townTraffic(random: Random, choice: TownChoice): TownTraffic {
  return new Town(random, choice).tell()
}

class Town {
  readonly #random: Random
  readonly #choice: TownChoice
  readonly #messages: TownMessage[] = []
  readonly #startMs = Date.parse(START)
  #nowMs = this.#startMs
  readonly #seqs = new Map<string, number>()
  #id = 0
  #selections = 0
  #isReloading = false

  constructor(random: Random, choice: TownChoice) {
    this.#random = random
    this.#choice = choice
  }

  tell(): TownTraffic {
    const { steps, stepMinutesMax, limits } = this.#choice
    const random = this.#random
    for (const partition of this.#partitions()) this.#importPeople(partition)
    const reloadAt = Math.floor(steps * (0.3 + 0.4 * random.next()))
    for (let step = 0; step < steps; step++) {
      const minutes = random.whole(Math.ceil(stepMinutesMax / 9), stepMinutesMax)
      this.#tick(this.#nowMs + minutes * MINUTE_MS + random.whole(0, 59_999))
      for (const partition of this.#partitions()) this.#step(partition)
      if (step === reloadAt) this.#reload(nextTownFiles(limits))
      if (random.chance(0.04)) this.#cancel()
      if (random.chance(0.03)) this.#select()
    }
    for (const hours of AFTERMATH_HOURS) this.#tick(this.#nowMs + hours * HOUR_MS)
    return { files: townFiles(limits), startMs: this.#startMs, messages: this.#messages }
  }

  #step(partition: number): void {
    const random = this.#random
    const most = this.#choice.demand[partition]!
    for (let batch = random.whole(0, most); batch > 0; batch--) this.#use(partition)
    if (random.chance(0.25)) this.#changeProfiles(partition)
    if (random.chance(0.2)) this.#report(partition)
    if (random.chance(0.05)) this.#erase(partition)
  }

  #partitions(): number[] {
    return [...Array(this.#choice.partitionCount).keys()]
  }

  #somebody(partition: number): number {
    const { partitionCount, people } = this.#choice
    const place = this.#random.whole(0, people - 1)
    const first = FIRST_SUBSCRIBER - (FIRST_SUBSCRIBER % partitionCount)
    return first + place * partitionCount + partition
  }

  #put(partition: number, subject: string, data: Uint8Array): void {
    const isReload = this.#isReloading
    this.#messages.push({ partition, subject, data, wallMs: this.#nowMs, isReload })
  }

  #control(partition: number, data: Uint8Array): void {
    this.#put(partition, `control.${partition}`, data)
  }

  #newId(word: string): string {
    return `${word}-${++this.#id}`
  }

  #tick(timeMs: number): void {
    this.#nowMs = timeMs
    for (const partition of this.#partitions()) {
      const id = this.#newId('town')
      this.#control(partition, encodeTick({ id, writer: TOWN_CLOCK, timeMs }))
    }
  }

  #use(partition: number): void {
    const random = this.#random
    const count = random.whole(4, 2 + Math.ceil(this.#choice.people / 4))
    const records = Array.from({ length: count }, (): NaiveRecord => {
      const isLate = random.chance(0.08)
      const agoMs = isLate ? random.whole(0, 30 * HOUR_MS) : random.whole(0, 40 * MINUTE_MS)
      return {
        subscriber: this.#somebody(partition),
        usageBytes: random.pick([20_000, 60_000, 160_000, 320_000]),
        timeMs: this.#nowMs - agoMs,
        rat: 6,
        app: 1,
        cell: 0,
        kind: random.chance(0.2) ? 1 : 0,
      }
    })
    const data = encodeUsageColumns(this.#stamp('probe', partition), columnsOf(records), 0, count)
    this.#put(partition, `usage.${partition}.probe`, data)
  }

  #stamp(probe: string, partition: number) {
    const key = `${probe} ${partition}`
    const seq = (this.#seqs.get(key) ?? 0) + 1
    this.#seqs.set(key, seq)
    return { probe, epoch: 1, seq }
  }

  #profiles(partition: number, rows: readonly ProfileRow[]): void {
    const data = encodeProfile({ stamp: this.#stamp('crm', partition), rows })
    this.#put(partition, `profile.${partition}.crm`, data)
  }

  #importPeople(partition: number): void {
    const random = this.#random
    const who = Array.from({ length: this.#choice.people }, () => this.#somebody(partition))
    const rows = [...new Set(who)].map((subscriber) =>
      profileRow(subscriber, {
        tags: { vip: random.chance(0.2), seed: random.chance(0.4) ? 1 : null },
        fields: {
          ...(random.chance(0.6) ? { worth: random.whole(0, 20) } : {}),
          ...(random.chance(0.7) ? { county: random.pick(['east', 'west']) } : {}),
        },
        ...(random.chance(0.15) ? { zone: random.pick(ZONES) } : {}),
        lists: random.chance(0.03) ? { canary: true } : {},
      }),
    )
    for (let at = 0; at < rows.length; at += 50) this.#profiles(partition, rows.slice(at, at + 50))
  }

  #changeProfiles(partition: number): void {
    const random = this.#random
    const changes: (() => Partial<ProfileRow>)[] = [
      () => ({ tags: { gone: random.chance(0.6) } }),
      () => ({ tags: { seed: random.pick([1, 2, 3, null]) } }),
      () => ({ tags: { vip: random.chance(0.5) }, fields: { worth: random.pick([null, 3, 30]) } }),
      () => ({ lists: { [random.pick(LISTS)]: random.chance(0.6) } }),
      () => ({ zone: random.pick(ZONES) }),
      () => ({ isDeletion: true }),
    ]
    const rows = Array.from({ length: random.whole(1, 8) }, () =>
      profileRow(this.#somebody(partition), random.pick(changes)()),
    )
    this.#profiles(partition, rows)
  }

  /** Of deliveries that may well be there: ids can be told from day and trigger. */
  #report(partition: number): void {
    const random = this.#random
    const rows = Array.from({ length: random.whole(5, 40) }, (): FeedbackRow => {
      const subscriber = this.#somebody(partition)
      if (random.chance(0.5)) return this.#reaction(subscriber)
      const local = this.#nowMs + ZONE_AHEAD_MS - random.pick([0, 0, DAY_MS])
      const day = new Date(local).toISOString().slice(0, 10)
      const deliveryId = `${random.pick(DAILY_TRIGGERS)}:${subscriber}:${day}:1`
      return { subscriber, deliveryId, kind: random.pick(RECEIPT_KINDS), timeMs: this.#nowMs }
    })
    const data = encodeFeedback({ stamp: this.#stamp('gateway', partition), rows })
    this.#put(partition, `feedback.${partition}.gateway`, data)
  }

  /** What somebody did, of whom nobody knows which delivery they mean. */
  #reaction(subscriber: number): FeedbackRow {
    const random = this.#random
    const timeMs = this.#nowMs - random.pick([0, 0, 0, 7_200_000, 4 * DAY_MS])
    const kind = random.pick(REACTIONS)
    const text = random.pick(['VIP', 'vip', ' Ｙ', 'y', 'TD', 'info', 'why?'])
    const rest = random.chance(0.2) ? { trigger: random.pick(['burst', 'letter']) } : {}
    return { subscriber, kind, timeMs, ...rest, ...(kind === 'replied' ? { text } : {}) }
  }

  #erase(partition: number): void {
    const count = this.#random.whole(1, 3)
    const subscribers = Array.from({ length: count }, () => this.#somebody(partition))
    this.#control(
      partition,
      encodeErase({ id: this.#newId('erase'), subscribers: [...new Set(subscribers)] }),
    )
  }

  #cancel(): void {
    const random = this.#random
    const id = this.#newId('cancel')
    const none = { trigger: null, channel: null, subscriber: null }
    const whom = random.pick([
      { trigger: 'evening' },
      { trigger: 'model-offer' },
      { channel: 'push' },
    ])
    for (const partition of this.#partitions()) {
      this.#control(partition, encodeCancel({ id, ...none, ...whom }))
    }
  }

  #select(): void {
    const id = this.#newId('select')
    const version = 30_000_000 + ++this.#selections
    const order = { kind: 'select', id, segment: TOWN_SEGMENT, version, atMs: null, order: null }
    this.#control(0, encodeErrand({ ...order, kind: 'select' }))
  }

  #reload(files: ConfigFiles): void {
    this.#isReloading = true
    for (const partition of this.#partitions()) {
      this.#control(partition, encodeConfig({ id: 'town-2', generation: 2, files }))
    }
    this.#isReloading = false
  }
}

const REACTIONS = [
  ...(['replied', 'replied', 'replied', 'replied', 'clicked', 'ordered'] as const),
  ...(['opted-out', 'complained'] as const),
]
const LISTS = ['black', 'red', 'sensitive', 'optOut', 'white', 'canary'] as const
