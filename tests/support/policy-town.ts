/**
 * A configuration in which everything of the policy layer is at work at once, and collides: layers,
 * classes, caps of all scopes, windows with weekdays and holidays, control groups, scarce channels,
 * a daily selection, a journey with actions. And the same after an edit.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { edited } from './scenario-files.ts'

/** Limits that hold over all partitions before the edit; `perHour` of `sms` grows with it. */
export interface TownLimits {
  readonly sms: { readonly perSecond: number; readonly perHour: number; readonly perDay: number }
  readonly push: { readonly perHour: number }
}

/** How a town's segment is selected in its name. */
export const TOWN_SEGMENT = 'top'

/** Triggers with a latch per day, whose delivery ids can be guessed. */
export const DAILY_TRIGGERS = ['burst', 'evening', 'model-offer', 'talker', 'town-push'] as const

function policyOf({ sms, push }: TownLimits): string {
  return `
channels:
  sms:
    contactWindow: { from: '08:00', to: '22:00', outside: defer, spread: 1h, holidays: { from: '10:00', to: '18:00' } }
    cap: [2 per day, 9 per 10 days]
    capacity:
      perSecond: ${sms.perSecond}
      perHour: ${sms.perHour}
      perDay: ${sms.perDay}
      alarmAt: 80 %
      reserved: { service: 20 % }
  push: { cap: 3 per 36 hours, capacity: { perHour: ${push.perHour} } }
  email: { contactWindow: { from: '10:00', to: '20:00', on: [mon, tue, wed, thu, fri], holidays: closed, outside: defer } }
  internal: {}
  purse: { cap: 2 per day }
classes:
  marketing: { cap: [3 per 2 days, 20 per month], sensitiveCap: 1 per week }
  loyalty: { cap: 2 per day, refusedBy: [red, sensitive, optOut], countsTowardCaps: false, heldOut: false }
  service: { contactWindow: { from: '06:00', to: '23:00', outside: defer } }
caps: 4 per day
holidays: ['2026-11-13 to 2026-11-14']
controlGroup: { experiment: town-2026, share: 5 % }
arbitration: { layers: [model, segment, default], offersPerContact: 2, contact: day }
explain: { remember: 2d }
`
}

const COUNTERS = `
lateness: 24h
tags: { seed: { versioned: true }, ${TOWN_SEGMENT}: { versioned: true }, vip: {}, gone: {}, met: {} }
fields: { worth: { type: number }, county: { type: enum, words: [east, west] } }
counters:
  data: { sum: bytes, where: 'kind == data', per: [hour, day, month, last 3 days] }
  calls: { count: records, where: 'kind == voice', per: [day] }
region: fields.county
segments:
  ${TOWN_SEGMENT}: { at: daily 06:30, score: data.last_3_days, take: top 25 % }
`

/** The lines of each trigger between its name and its message. */
const TRIGGERS: Readonly<Record<string, string>> = {
  burst: `when: data.day >= 300 * kB
once: day
attribution: 3d
replies: { VIP: { means: order, confirm: 'Reply Y for the town.', word: Y, within: 2h }, TD: opt-out }
onOrder: { set: gone }
deliver: { channel: sms, at: now }`,
  evening: `when: data.day >= 100 * kB
once: day
priority: 50
cancelWhen: tags.gone
cap: 3 per week
deliver:
  channel: sms
  at: after 3h
  contactWindow: { from: '17:00', to: '21:00', outside: defer, expires: 30h, on: [mon, wed, fri, sat, sun] }`,
  'model-offer': `when: data.day >= 50 * kB && tags.${TOWN_SEGMENT}
once: day
layer: model
value: 'tags.vip ? 1000 : data.day / (1 * kB)'
controlGroup: { share: 20 %, experiment: models }
deliver: { channel: sms, at: next day 12:00 }`,
  'seed-offer': `when: data.day >= 20 * kB && tags.seed
once: day
oncePerTag: seed
layer: segment
audience: '!tags.gone'
deliver: { channel: push, at: after 1h }`,
  'town-push': `when: data.day >= 200 * kB
once: day
replies: { VIP: order, INFO: response }
layer: segment
value: fields.worth
deliver: { channel: push, at: now, overCapacity: drop }`,
  'hour-news': `when: data.hour >= 150 * kB
once: hour
class: service
cap: 3 per day
deliver: { channel: sms, at: now }`,
  talker: `when: calls.day >= 2
once: day
class: loyalty
deliver:
  channel: email
  at: now
  contactWindow: { from: '11:00', to: '19:00', outside: drop }
retry: true`,
  'tariff-news': `when: data.month >= 600 * kB
once: month
class: legal
deliver: { channel: push, at: now, contactWindow: { from: '00:00', to: '23:00', outside: defer, expires: 2h } }`,
  letter: `when: data.month >= 250 * kB && (tags.vip || has(fields.worth))
once: week
controlGroup: { share: 30 % }
ignoresCaps: true
late: fire
deliver: { channel: email, at: after 2h }`,
  thanks: `when: tags.met
once: week
deliver: { channel: email }`,
}

/** A journey with all that they have: waits, questions, a goal, held-out members, actions. */
const JOURNEY = `
journey: regular
enter: data.day >= 60 * kB
once: day
goal: tags.gone
stay: 6h
onEdit: restart
controlGroup: { share: 25 %, experiment: journeys }
steps:
  - { step: hello, deliver: { channel: sms }, message: Hello from the town }
  - step: look
    wait: 90m
    when: data.day >= 90 * kB
    otherwise: wait 1h up to 3h
    deliver: { channel: push, at: after 30m }
    message: Look at the town
  - step: reward
    wait: 1h
    deliver: { channel: internal }
    action: { tag: { set: met } }
  - step: purse
    wait: next day 09:00
    deliver: { channel: purse }
    action: { credit: { amount: 2, unit: yuan } }
`

/** The town's configuration. */
export function townFiles(limits: TownLimits): ConfigFiles {
  const files: Record<string, string> = { 'counters.yaml': COUNTERS }
  files['journeys/regular.yaml'] = JOURNEY
  files['policy.yaml'] = policyOf(limits)
  for (const [id, lines] of Object.entries(TRIGGERS)) {
    files[`triggers/${id}.yaml`] = `trigger: ${id}\n${lines}\nmessage: ${id} of the town\n`
  }
  return files
}

/** The same after an edit: more room, other caps and windows, one trigger less and one more. */
export function nextTownFiles(limits: TownLimits): ConfigFiles {
  const more = { ...limits, sms: { ...limits.sms, perHour: grownLimit(limits.sms.perHour) } }
  const changes: readonly (readonly [string, string])[] = [
    ['caps: 4 per day', 'caps: [3 per day, 12 per 7 days]'],
    ['offersPerContact: 2', 'offersPerContact: 1'],
    ["from: '08:00', to: '22:00'", "from: '09:00', to: '21:00'"],
    ['share: 5 %', 'share: 10 %'],
    [
      '  - step: reward\n    wait: 1h',
      '  - { step: pause, wait: 20m }\n  - step: reward\n    wait: 1h',
    ],
    ['stay: 6h', 'stay: 3h'],
  ]
  let files = townFiles(more)
  for (const [from, to] of changes) files = edited(files, from, to)
  const { 'triggers/letter.yaml': _, ...rest } = files
  const late = TRIGGERS.burst!.replace('300 * kB', '150 * kB')
  const added = `trigger: late-burst\n${late}\nmessage: late-burst of the town\n`
  return { ...rest, 'triggers/late-burst.yaml': added }
}

/** What `perHour` of `sms` is after the edit. */
export function grownLimit(perHour: number): number {
  return Math.ceil(1.5 * perHour)
}

/** A moment as somebody's wall clock shows it, and the configuration that holds. */
export interface TownMoment {
  /** Days since 1970-01-01. */
  readonly day: number
  readonly minuteOfDay: number
  /** 2: after the edit; any other: the town as it was first. */
  readonly generation: number
}

/** Hours of the channels, and of triggers that have some of their own; [from, to). */
const HOURS: Readonly<Record<string, readonly [number, number]>> = {
  evening: [17, 21],
  'hour-news': [6, 23],
  talker: [11, 19],
  'tariff-news': [0, 23],
}
const CHANNEL_OF: Readonly<Record<string, 'push' | 'email' | 'internal'>> = {
  thanks: 'email',
  'regular--look': 'push',
  'regular--reward': 'internal',
  'regular--purse': 'internal',
  'seed-offer': 'push',
  'town-push': 'push',
  'tariff-news': 'push',
  talker: 'email',
  letter: 'email',
}
const HOLIDAYS = ['2026-11-13', '2026-11-14'].map((day) => Date.parse(day) / 86_400_000)
/** Monday is 0. */
const EVENINGS = [0, 2, 4, 5, 6]

/** Whether a trigger of the town may send at a moment: its windows again, by hand. */
export function isOpenInTown(
  trigger: string,
  { day, minuteOfDay, generation }: TownMoment,
): boolean {
  const isHoliday = HOLIDAYS.includes(day)
  const weekday = (day + 3) % 7
  const isWithin = ([from, to]: readonly [number, number]): boolean =>
    minuteOfDay >= from * 60 && minuteOfDay < to * 60
  if (!isWithin(HOURS[trigger] ?? [0, 24])) return false
  if (trigger === 'evening' && !EVENINGS.includes(weekday)) return false
  const channel = CHANNEL_OF[trigger] ?? 'sms'
  if (channel === 'push' || channel === 'internal') return true
  if (channel === 'email') return !isHoliday && weekday < 5 && isWithin([10, 20])
  if (isHoliday) return isWithin([10, 18])
  return isWithin(generation === 2 ? [9, 21] : [8, 22])
}
