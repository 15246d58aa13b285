/**
 * What was decided for a subscriber and still counts: the rows of the naive policy model, and what
 * caps and arbitration make of them. Every question goes through all rows ever made.
 */

import { periodNumber } from './calendar.ts'
import type { PlainCalendar, PlainCap, PlainClass, PlainPolicy, PlainTrigger } from './plain.ts'
import type { ModelSubscriber } from './subscriber.ts'

/** What a candidate competes by, and when it fired. */
export interface ModelCandidate {
  /** Grows with each candidate and attempt, in the order in which they are decided. */
  number: number
  readonly trigger: string
  readonly subscriber: ModelSubscriber
  readonly period: string
  /** Entry of the latch that it closed, and of the tagging; to open them again. */
  readonly latch: string
  readonly tagging: string | null
  readonly isTaggingUsed: boolean
  readonly incarnation: number
  readonly firedAtMs: number
  readonly values: Readonly<Record<string, number>>
  readonly layer: number
  readonly priority: number
  readonly value: number
}

/** One attempt, from its reservation on. Pending, emitted and settled ones are live. */
export interface ModelRow {
  readonly candidate: ModelCandidate
  readonly attempt: number
  /** Grows with each attempt of anything. */
  readonly number: number
  readonly experiment: string | null
  readonly isCanary: boolean
  readonly plannedMs: number
  readonly expiresAtMs: number
  dueMs: number
  /** Calendar in which the due time was reserved. */
  zone: string
  cycleDay: number
  /** What it counts as: while it waits by the configuration in force, then by that of sending. */
  standing: Standing
  /** While it waits for its channel: when it is asked again in any case, ms. */
  deadlineMs: number
  status: 'pending' | 'waiting' | 'emitted' | 'settled' | 'expired' | 'dropped'
}

/** What a row counts as in the caps of others. */
export interface Standing {
  readonly channel: string
  readonly class: string
  readonly isCounted: boolean
  readonly isIgnoringCaps: boolean
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** Flags and caps of a class as they come out of declaration and defaults. */
export function classOf(policy: PlainPolicy, name: string | null): PlainClass & ResolvedFlags {
  const known = name ?? 'marketing'
  const declared = policy.classes.find((each) => each.name === known)
  const isMild = known === 'service' || known === 'legal'
  return {
    name: known,
    window: declared?.window ?? null,
    caps: declared?.caps ?? [],
    sensitiveCaps: declared?.sensitiveCaps ?? [],
    refusedBy: declared?.refusedBy ?? (isMild ? [] : ['red', 'optOut']),
    ignoresCaps: declared?.ignoresCaps ?? isMild,
    countsTowardCaps: declared?.countsTowardCaps ?? !isMild,
    heldOut: declared?.heldOut ?? !isMild,
  }
}

interface ResolvedFlags {
  readonly refusedBy: readonly string[]
  readonly ignoresCaps: boolean
  readonly countsTowardCaps: boolean
  readonly heldOut: boolean
}

/** What a trigger's deliveries count as under a policy. */
export function standingOf(policy: PlainPolicy, trigger: PlainTrigger): Standing {
  const ofClass = classOf(policy, trigger.class)
  return {
    channel: trigger.channel,
    class: ofClass.name,
    isCounted: trigger.countsTowardCaps ?? ofClass.countsTowardCaps,
    isIgnoringCaps: trigger.ignoresCaps ?? ofClass.ignoresCaps,
  }
}

/** The contrary of waiting or sent is dropped, or reported as expired. */
export function isLive(row: ModelRow): boolean {
  return isPending(row) || row.status === 'emitted' || row.status === 'settled'
}

/** It waits for its time, or for room on its channel. */
export function isPending({ status }: ModelRow): boolean {
  return status === 'pending' || status === 'waiting'
}

/** Below 0: the left one is stronger. Total: no two candidates are equal. */
export function compareRank(left: ModelCandidate, right: ModelCandidate): number {
  return (
    left.layer - right.layer ||
    left.priority - right.priority ||
    right.value - left.value ||
    compareText(left.trigger, right.trigger) ||
    left.number - right.number
  )
}

/** The same among rows: a further attempt comes after what was there before it. */
export function compareRows(left: ModelRow, right: ModelRow): number {
  return compareRank(
    { ...left.candidate, number: left.number },
    { ...right.candidate, number: right.number },
  )
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** A cap that has no room, as reason and detail. */
export interface CapFault {
  readonly reason: string
  readonly detail: string
}

/** Who asks for room under the caps, and for when. */
export interface CapQuestion {
  readonly policy: PlainPolicy
  readonly trigger: PlainTrigger
  readonly subscriber: ModelSubscriber
  readonly instantMs: number
  /** Live rows of the subscriber that count: without the one that asks or makes room. */
  readonly rows: readonly ModelRow[]
}

/** The first cap without room; null: there is room under all. */
export function findCapFault(question: CapQuestion): CapFault | null {
  const { policy, trigger, subscriber } = question
  const { lists } = subscriber
  const rows = question.rows.filter(({ isCanary }) => !isCanary)
  if (lists.has('canary')) return null
  const own = standingOf(policy, trigger)
  const ofClass = classOf(policy, trigger.class)
  const ofTrigger = rows.filter((row) => row.candidate.trigger === trigger.id)
  const inClass = rows.filter(({ standing }) => standing.class === own.class)
  const counted = rows.filter(({ standing }) => standing.isCounted)
  const onChannel = counted.filter(({ standing }) => standing.channel === own.channel)
  const channel = policy.channels.find(({ name }) => name === own.channel)
  const isExcused = lists.has('white') || own.isIgnoringCaps
  const scopes = [
    ['cap-trigger', `trigger ${trigger.id}`, trigger.caps, ofTrigger],
    ['cap-channel', `channel ${own.channel}`, channel?.caps ?? [], onChannel],
    ['cap-class', `class ${own.class}`, ofClass.caps, inClass],
    [
      'cap-sensitive',
      `class ${own.class}, sensitive`,
      lists.has('sensitive') ? ofClass.sensitiveCaps : [],
      inClass,
    ],
    ['cap-global', 'all', policy.caps, counted],
  ] as const
  for (const [reason, scope, caps, counting] of scopes) {
    if (isExcused && reason !== 'cap-trigger') continue
    const full = firstFull(caps, counting, question)
    if (full !== null) return { reason, detail: `${scope}: ${capText(full)}` }
  }
  return null
}

function firstFull(
  caps: readonly PlainCap[],
  rows: readonly ModelRow[],
  { instantMs, subscriber }: CapQuestion,
): PlainCap | null {
  return caps.find((cap) => isFull(cap, rows, instantMs, subscriber)) ?? null
}

/** Whether one more at this instant would be too many. */
function isFull(
  { count, per }: PlainCap,
  rows: readonly ModelRow[],
  instantMs: number,
  calendar: PlainCalendar,
): boolean {
  if (typeof per !== 'object') {
    const period = periodNumber(per, instantMs, calendar)
    return rows.filter((row) => periodNumber(per, row.dueMs, row) === period).length >= count
  }
  const lengthMs = slidingMs(per)
  const times = [...rows.map(({ dueMs }) => dueMs), instantMs]
  // The fullest stretches begin with one of the times; those without the new one are not its fault.
  return times.some((beginMs) => {
    if (instantMs < beginMs || instantMs >= beginMs + lengthMs) return false
    return times.filter((time) => time >= beginMs && time < beginMs + lengthMs).length > count
  })
}

/** Length of a sliding cap, ms. */
export function slidingMs(per: { readonly length: number; readonly of: 'hours' | 'days' }): number {
  return per.length * (per.of === 'days' ? DAY_MS : HOUR_MS)
}

/** As it is written: `1 per day`, `3 per 30 days`, `1 ever`. */
export function capText({ count, per }: PlainCap): string {
  if (per === 'ever') return `${count} ever`
  if (typeof per === 'string') return `${count} per ${per}`
  const unit = per.length === 1 ? per.of.slice(0, -1) : per.of
  return `${count} per ${per.length} ${unit}`
}

/** What all decisions about a candidate have in common. */
export function headOf(candidate: ModelCandidate, attempt: number) {
  const { trigger, period, firedAtMs, values } = candidate
  const { subscriber } = candidate.subscriber
  return { trigger, subscriber, period, attempt, firedAtMs, values }
}

/** A delivery's id. */
export function idOf(candidate: ModelCandidate, attempt: number): string {
  const { trigger, period, incarnation } = candidate
  const id = `${trigger}:${candidate.subscriber.subscriber}:${period}:${attempt}`
  return incarnation === 0 ? id : `${id}:${incarnation}`
}
