/**
 * Scenario S1 told naively: who is selected, who is spoken to and when, who answers and what it
 * comes to, from the very messages that reach the log. Nothing of the engine but the lot between
 * equal scores is used. Everybody lives in Shanghai, and no record is late.
 */

import { selectionSalt, writeTieBreak } from '../../../src/state/selection-key.ts'

const DAY_MS = 86_400_000
const NOON_MS = 43_200_000
const ZONE_OFFSET_MS = 28_800_000
const LINE_BYTES = 512_000
const OTT_LINE_BYTES = 5 * 1_048_576
const ATTRIBUTION_MS = 7 * DAY_MS
/** WeChat, Qzone and two microblogs; the portal costs nothing. */
const OTT_APPS: ReadonlySet<number> = new Set([1, 2, 3, 4])
const PORTAL = 10
const COUNTED_RATS: ReadonlySet<number> = new Set([1, 5, 6])
const DATA_PLANS: ReadonlySet<unknown> = new Set([
  'data-10',
  'data-20',
  'data-30',
  'data-50',
  'gotone-88',
])
const LABELS = ['voice_circle', 'sms_circle', 'online', 'call_preference']

export type MonthTrigger = 'data-pack' | 'data-pack-later'

/** One record, as published. */
export interface MonthRecord {
  readonly subscriber: number
  readonly usageBytes: number
  readonly timeMs: number
  readonly rat: number
  readonly app: number
  readonly kind: number
}

interface Offer {
  /** Version of the tag; 0: never. */
  version: number
  firedVersion: number
  /** Months since year 0 in which it fired, and in which it was sent. */
  firedMonth: number
  sentMonth: number
  /** Instant of a pending send-out; 0: none. */
  dueMs: number
  /** When it was sent last, and whether the gateway has it. */
  sentMs: number
  isHandedOver: boolean
}

interface Person {
  /** First day of the month that the labels speak of, and how many of them are high. */
  readonly labelsOf: string
  readonly highLabels: number
  readonly isEnglish: boolean
  readonly isBlack: boolean
  readonly isCanary: boolean
  isOptedOut: boolean
  hasPack: boolean
  /** Day and month of the counters, by number. */
  day: number
  dayBytes: number
  month: number
  monthOttBytes: number
  lastMonthOttBytes: number
  readonly offers: Record<MonthTrigger, Offer>
}

interface Pending {
  readonly trigger: MonthTrigger
  readonly subscriber: number
}

/** What became of one trigger. */
export interface MonthOutcome {
  /** `subscriber instant`, and `subscriber reason`. */
  readonly delivered: string[]
  readonly refused: string[]
  canaries: number
  readonly targets: Set<number>
  readonly responders: Set<number>
  readonly orderers: Set<number>
  readonly optedOut: Set<number>
}

/** The model. Feed it everything in the order of the log. */
export class DataPackMonth {
  readonly outcomes: Readonly<Record<MonthTrigger, MonthOutcome>> = {
    'data-pack': emptyOutcome(),
    'data-pack-later': emptyOutcome(),
  }
  readonly seeds = new Set<number>()
  readonly later = new Set<number>()
  /** Replies to which nothing was sent. */
  unattributed = 0
  /** Local days on which what was planned was more than the platform takes. */
  readonly warnedDays: string[] = []
  /** By local day: distinct people, testers not counted, to whom something was sent. */
  readonly sentByDay = new Map<string, number>()
  readonly #people = new Map<number, Person>()
  readonly #maximumSegments: number
  /** Pending send-outs, in the order of firing. */
  #pending: Pending[] = []
  #clockMs: number
  /** The last one seen: kept once, not once for each. */
  #labelsOf = ''

  constructor(startMs: number, maximumSegments: number) {
    this.#clockMs = startMs
    this.#maximumSegments = maximumSegments
  }

  tick(timeMs: number): void {
    const beforeMs = this.#clockMs
    this.#clockMs = timeMs
    const localDay = Math.floor((timeMs + ZONE_OFFSET_MS) / DAY_MS)
    const sixMs = localDay * DAY_MS - ZONE_OFFSET_MS + 6 * 3_600_000
    const dayOfMonth = new Date(timeMs + ZONE_OFFSET_MS).getUTCDate()
    const isSix = beforeMs < sixMs && timeMs >= sixMs
    if (isSix && dayOfMonth === 10) this.#selectSeeds(localDay)
    if (isSix && dayOfMonth === 20) this.#selectOthers(localDay)
    if (dayNumber(beforeMs) !== dayNumber(timeMs)) this.#plan()
    this.#send()
  }

  /** A whole profile; who is no customer for the pack by plan and terminal is passed over. */
  profile(row: {
    readonly sub: number
    readonly tags?: Readonly<Record<string, unknown>>
    readonly fields?: Readonly<Record<string, unknown>>
    readonly lists?: Readonly<Record<string, boolean>>
  }): void {
    const { sub, tags = {}, fields = {}, lists = {} } = row
    const { terminal } = fields
    const isSmart = fields.smart === true && (terminal === 'td-scdma' || terminal === 'td-lte')
    if (!isSmart || !DATA_PLANS.has(fields.plan)) return
    this.#people.set(sub, {
      labelsOf: fields.labels_of === this.#labelsOf ? this.#labelsOf : String(fields.labels_of),
      highLabels: LABELS.filter((label) => fields[label] === 'high').length,
      isEnglish: fields.lang === 'en',
      isBlack: lists.black === true,
      isCanary: lists.canary === true,
      isOptedOut: lists.optOut === true,
      hasPack: tags.has_pack === true,
      ...{ day: -1, dayBytes: 0, month: -1, monthOttBytes: 0, lastMonthOttBytes: 0 },
      offers: { 'data-pack': emptyOffer(), 'data-pack-later': emptyOffer() },
    })
    this.#labelsOf = String(fields.labels_of)
  }

  usage(record: MonthRecord): void {
    const { subscriber, usageBytes, timeMs, rat, app, kind } = record
    if (kind !== 0) return
    const person = this.#people.get(subscriber)
    if (person === undefined) return
    const day = dayNumber(timeMs)
    const month = monthNumber(timeMs)
    if (month !== person.month) {
      person.lastMonthOttBytes = month === person.month + 1 ? person.monthOttBytes : 0
      person.monthOttBytes = 0
      person.month = month
    }
    if (OTT_APPS.has(app)) person.monthOttBytes += usageBytes
    if (day !== person.day) {
      person.day = day
      person.dayBytes = 0
    }
    if (!COUNTED_RATS.has(rat) || app === PORTAL) return
    person.dayBytes += usageBytes
    this.#judge(subscriber, person, day)
  }

  /** A report: `sent` and `failed` by id, replies by subscriber. */
  feedback(row: {
    readonly sub: number
    readonly kind: string
    readonly id?: string
    readonly text?: string
    readonly time: number
  }): void {
    const person = this.#people.get(row.sub)
    if (row.id !== undefined) {
      const trigger = row.id.split(':')[0] as MonthTrigger
      if (person === undefined || !(trigger in this.outcomes)) return
      if (row.kind !== 'sent' && row.kind !== 'failed') return
      person.offers[trigger].isHandedOver = true
      if (!person.isCanary) this.outcomes[trigger].targets.add(row.sub)
      return
    }
    if (row.kind !== 'replied') return
    const newest = person === undefined ? null : newestOffer(person, row.time)
    if (person === undefined || newest === null) {
      this.unattributed += 1
      return
    }
    const outcome = this.outcomes[newest]
    outcome.responders.add(row.sub)
    const word = (row.text ?? '').trim().toUpperCase()
    if (word === 'VIP') {
      outcome.orderers.add(row.sub)
      person.hasPack = true
    } else if (word === 'TD') {
      outcome.optedOut.add(row.sub)
      person.isOptedOut = true
    }
  }

  #selectSeeds(localDay: number): void {
    const version = versionOf(localDay)
    const candidates = [...this.#people].flatMap(([subscriber, person]) => {
      const score = person.hasPack ? 0 : this.#scoreOf(person, localDay)
      return score > 0 ? [{ subscriber, score }] : []
    })
    const key = new Uint32Array(5)
    const salt = selectionSalt('seed', version)
    const ranked = candidates.map((candidate) => {
      writeTieBreak(candidate.subscriber, salt, key)
      return { ...candidate, lot: key[2]! }
    })
    ranked.sort((a, b) => b.score - a.score || b.lot - a.lot || b.subscriber - a.subscriber)
    const count = ranked.length === 0 ? 0 : Math.max(1, Math.floor(ranked.length * 0.2))
    const taken = ranked.slice(0, count).map(({ subscriber }) => subscriber)
    this.#tag('data-pack', this.seeds, taken, version)
  }

  #selectOthers(localDay: number): void {
    const taken = [...this.#people].flatMap(([subscriber, person]) =>
      !person.hasPack && !this.seeds.has(subscriber) ? [subscriber] : [],
    )
    this.#tag('data-pack-later', this.later, taken, versionOf(localDay))
  }

  #tag(trigger: MonthTrigger, members: Set<number>, taken: number[], version: number): void {
    for (const subscriber of members) this.#people.get(subscriber)!.offers[trigger].version = 0
    members.clear()
    for (const subscriber of taken.sort((a, b) => a - b)) {
      members.add(subscriber)
      const person = this.#people.get(subscriber)!
      person.offers[trigger].version = version
      this.#judge(subscriber, person, dayNumber(this.#clockMs))
    }
  }

  /** Labels of last month that are high; 0 for labels of another month. */
  #scoreOf(person: Person, localDay: number): number {
    const date = new Date(localDay * DAY_MS)
    const lastMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1, 1))
    if (person.labelsOf !== lastMonth.toISOString().slice(0, 10)) return 0
    const { month, monthOttBytes, lastMonthOttBytes } = person
    const now = monthNumber(this.#clockMs)
    const ottBytes = month === now ? lastMonthOttBytes : month === now - 1 ? monthOttBytes : 0
    return person.highLabels + (ottBytes > OTT_LINE_BYTES ? 1 : 0)
  }

  /** Fires what has not fired in the month of the day, once per tagging. */
  #judge(subscriber: number, person: Person, day: number): void {
    if (person.hasPack || person.day !== day || person.dayBytes < LINE_BYTES) return
    for (const trigger of ['data-pack', 'data-pack-later'] as const) {
      const offer = person.offers[trigger]
      const month = monthNumber(day * DAY_MS - ZONE_OFFSET_MS)
      if (offer.version === 0 || offer.firedMonth === month) continue
      offer.firedMonth = month
      const outcome = this.outcomes[trigger]
      const refuse = (reason: string): void => {
        outcome.refused.push(`${subscriber} ${reason}`)
      }
      if (offer.firedVersion === offer.version) {
        refuse('already-this-tagging')
        continue
      }
      offer.firedVersion = offer.version
      const list = listOf(person)
      if (list !== null) {
        refuse(list)
        continue
      }
      offer.dueMs = (day + 1) * DAY_MS - ZONE_OFFSET_MS + NOON_MS
      this.#pending.push({ trigger, subscriber })
    }
  }

  /** At midnight: what is planned for the day, in segments. */
  #plan(): void {
    let segments = 0
    for (const { subscriber } of this.#pending) {
      segments += this.#people.get(subscriber)!.isEnglish ? 1 : 2
    }
    if (segments > this.#maximumSegments) this.warnedDays.push(dayText(this.#clockMs))
  }

  #send(): void {
    const due: Pending[] = []
    const later: Pending[] = []
    for (const each of this.#pending) {
      const { dueMs } = this.#people.get(each.subscriber)!.offers[each.trigger]
      if (dueMs <= this.#clockMs) due.push(each)
      else later.push(each)
    }
    this.#pending = later
    for (const { trigger, subscriber } of due) this.#sendOne(trigger, subscriber)
  }

  #sendOne(trigger: MonthTrigger, subscriber: number): void {
    const person = this.#people.get(subscriber)!
    const offer = person.offers[trigger]
    const outcome = this.outcomes[trigger]
    const { dueMs } = offer
    offer.dueMs = 0
    const reason = listOf(person) ?? (person.hasPack ? 'cancelled' : null)
    if (reason !== null) {
      outcome.refused.push(`${subscriber} ${reason}`)
      return
    }
    offer.sentMonth = monthNumber(dueMs)
    offer.sentMs = dueMs
    offer.isHandedOver = false
    if (person.isCanary) {
      outcome.canaries += 1
      return
    }
    outcome.delivered.push(`${subscriber} ${dueMs}`)
    const day = dayText(dueMs)
    this.sentByDay.set(day, (this.sentByDay.get(day) ?? 0) + 1)
  }
}

/** The list that refuses marketing; null: none. */
function listOf({ isBlack, isOptedOut }: Person): string | null {
  if (isBlack) return 'list-black'
  return isOptedOut ? 'opted-out' : null
}

function newestOffer({ offers }: Person, timeMs: number): MonthTrigger | null {
  let newest: MonthTrigger | null = null
  for (const trigger of ['data-pack', 'data-pack-later'] as const) {
    const { sentMs } = offers[trigger]
    if (sentMs === 0 || timeMs < sentMs || timeMs > sentMs + ATTRIBUTION_MS) continue
    if (newest === null || sentMs > offers[newest].sentMs) newest = trigger
  }
  return newest
}

function dayNumber(instantMs: number): number {
  return Math.floor((instantMs + ZONE_OFFSET_MS) / DAY_MS)
}

function monthNumber(instantMs: number): number {
  const date = new Date(instantMs + ZONE_OFFSET_MS)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

function dayText(instantMs: number): string {
  return new Date(instantMs + ZONE_OFFSET_MS).toISOString().slice(0, 10)
}

function versionOf(localDay: number): number {
  return Number(new Date(localDay * DAY_MS).toISOString().slice(0, 10).replaceAll('-', ''))
}

function emptyOffer(): Offer {
  return {
    ...{ version: 0, firedVersion: 0, firedMonth: -1, sentMonth: -1 },
    ...{ dueMs: 0, sentMs: 0, isHandedOver: false },
  }
}

function emptyOutcome(): MonthOutcome {
  return {
    delivered: [],
    refused: [],
    canaries: 0,
    targets: new Set(),
    responders: new Set(),
    orderers: new Set(),
    optedOut: new Set(),
  }
}
