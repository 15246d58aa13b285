/**
 * Who lives in the demo and what is known of them: everything follows from the seed, in any order.
 */

import type { ProfileRow } from '../model/messages.ts'
import { seededShare } from '../probe/random.ts'

/** The demo's operator is in this zone, which has no daylight saving time. */
export const DEMO_ZONE = 'Asia/Shanghai'
/** Minutes east of UTC of DEMO_ZONE. */
export const DEMO_ZONE_OFFSET_MINUTES = 480

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** Day of the month on which seeds are selected (scenario data-pack). */
const SELECTION_DAY = 10
const SEED_SHARE = 0.2
/** Of the seeds: how many order the pack by themselves in the weeks after the selection. */
const ORDER_SHARE = 0.12
/** Of all: pack ordered long ago, opted out, on the black list, living in the two other zones. */
const HAS_PACK_SHARE = 0.03
const OPT_OUT_SHARE = 0.01
const BLACK_SHARE = 0.005
const FAR_WEST_SHARE = 0.02
const ABROAD_SHARE = 0.01

/** Something that the profile source says at a virtual instant, ms since the epoch. */
export interface ProfileEvent {
  readonly atMs: number
  readonly row: ProfileRow
}

/** Subscribers of a demo. Pure: answers depend on the options alone. */
export class DemoPeople {
  readonly #seed: number
  readonly #first: number
  readonly #count: number

  /** @param firstSubscriber smallest number; the others follow without a gap */
  constructor(seed: number, firstSubscriber: number, subscriberCount: number) {
    this.#seed = seed
    this.#first = firstSubscriber
    this.#count = subscriberCount
  }

  /** IANA zone of a subscriber: most live where the operator is, some far west, some abroad. */
  zoneOf(subscriber: number): string {
    const share = this.#share('zone', subscriber)
    if (share < FAR_WEST_SHARE) return 'Asia/Urumqi'
    return share < FAR_WEST_SHARE + ABROAD_SHARE ? 'Europe/Berlin' : DEMO_ZONE
  }

  /** What the profile source knows from the beginning. */
  initialRows(): ProfileRow[] {
    const rows: ProfileRow[] = []
    for (const subscriber of this.#all()) {
      const zone = this.zoneOf(subscriber)
      const hasPack = this.#share('pack', subscriber) < HAS_PACK_SHARE
      const list = this.#share('list', subscriber)
      const isOptedOut = list < OPT_OUT_SHARE
      const isBlack = !isOptedOut && list < OPT_OUT_SHARE + BLACK_SHARE
      if (zone === DEMO_ZONE && !hasPack && !isOptedOut && !isBlack) continue
      rows.push({
        ...profileRow(subscriber),
        ...(zone === DEMO_ZONE ? {} : { zone }),
        ...(hasPack ? { tags: { has_pack: true } } : {}),
        ...(isOptedOut ? { lists: { optOut: true } } : {}),
        ...(isBlack ? { lists: { black: true } } : {}),
      })
    }
    return rows
  }

  /**
   * What the source says in consequence of the selection on the local day that begins at `dayMs`:
   * none unless it is the 10th. Seeds are tagged through the morning, so some have used their data
   * already; orders follow in the mornings after, some of them before the noon of a delivery.
   */
  eventsOfDay(dayMs: number): ProfileEvent[] {
    const local = new Date(dayMs + DEMO_ZONE_OFFSET_MINUTES * MINUTE_MS)
    if (local.getUTCDate() !== SELECTION_DAY) return []
    const version = local.getUTCFullYear() * 100 + local.getUTCMonth() + 1
    const before = version % 100 === 1 ? version - 89 : version - 1
    const events: ProfileEvent[] = []
    for (const subscriber of this.#all()) {
      const atMs = dayMs + 6 * HOUR_MS + this.#share('hour', subscriber) * 6 * HOUR_MS
      if (this.#isSeed(version, subscriber)) {
        events.push({ atMs, row: { ...profileRow(subscriber), tags: { seed: version } } })
        const orderedMs = this.#orderedAt(dayMs, version, subscriber)
        if (orderedMs === null) continue
        events.push({
          atMs: orderedMs,
          row: { ...profileRow(subscriber), tags: { has_pack: true } },
        })
      } else if (this.#isSeed(before, subscriber)) {
        events.push({ atMs, row: { ...profileRow(subscriber), tags: { seed: null } } })
      }
    }
    return events
  }

  #isSeed(version: number, subscriber: number): boolean {
    return this.#share(`seed ${version}`, subscriber) < SEED_SHARE
  }

  /** Between 8:00 and 12:00 of a day after the selection, sooner more often than later; or null. */
  #orderedAt(dayMs: number, version: number, subscriber: number): number | null {
    const share = this.#share(`order ${version}`, subscriber) / ORDER_SHARE
    if (share >= 1) return null
    const days = 1 + Math.floor(share * share * 18)
    const hours = 8 + 4 * this.#share(`order hour ${version}`, subscriber)
    return dayMs + days * DAY_MS + hours * HOUR_MS
  }

  *#all(): Generator<number> {
    for (let place = 0; place < this.#count; place++) yield this.#first + place
  }

  /** From 0 inclusive to 1 exclusive; another draw for each question. */
  #share(question: string, subscriber: number): number {
    return seededShare(this.#seed, question, subscriber - this.#first)
  }
}

function profileRow(subscriber: number): ProfileRow {
  return { subscriber, tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
}
