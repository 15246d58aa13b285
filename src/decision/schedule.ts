/** When a candidate is to be sent: the planned instant, moved into the contact window. */

import type { ScheduleSpec, TriggerSpec } from '../model/catalog.ts'
import type { WallClock } from '../model/wall-clock.ts'
import { closingOf, isOpenAt, nextOpening } from './contact-window.ts'

/** Life of a delivery whose trigger has no contact window, and with it no expiry of its own. */
const EXPIRES_DEFAULT_MS = 86_400_000

/** A plan, or null where the contact window says drop. Instants in ms on the partition's clock. */
export interface Plan {
  /** First planned instant, before the contact window moved it. */
  readonly plannedMs: number
  readonly dueMs: number
  readonly expiresAtMs: number
}

/**
 * First planned instant of a schedule for an event on local day `eventDay`, never before `nowMs`: a
 * wall-clock time that has passed means the same time of the next day.
 */
export function plannedInstant(
  schedule: ScheduleSpec,
  clock: WallClock,
  eventDay: number,
  nowMs: number,
): number {
  switch (schedule.kind) {
    case 'now':
      return nowMs
    case 'delay':
      return nowMs + schedule.delayMs
    case 'at': {
      let day = Math.max(eventDay + schedule.days, clock.dayAt(nowMs))
      let instantMs = clock.instantOf(day, schedule.minuteOfDay)
      while (instantMs < nowMs) instantMs = clock.instantOf(++day, schedule.minuteOfDay)
      return instantMs
    }
  }
}

/** First slot of the schedule for a further try, at or after `fromMs`. */
export function nextSlot(schedule: ScheduleSpec, clock: WallClock, fromMs: number): number {
  return schedule.kind === 'at'
    ? plannedInstant({ ...schedule, days: 0 }, clock, clock.dayAt(fromMs), fromMs)
    : fromMs
}

/**
 * Moves an instant into the trigger's contact window; null: outside, and the window says drop.
 * Deferred deliveries are spread over the window's `spread` by the subscriber's own share [0, 1).
 */
export function moveIntoWindow(
  trigger: TriggerSpec,
  clock: WallClock,
  instantMs: number,
  share: number,
): number | null {
  const { contactWindow, schedule } = trigger
  if (contactWindow === null || isOpenAt(contactWindow, clock, instantMs)) return instantMs
  if (contactWindow.outside === 'drop') return null
  const openingMs = nextOpening(contactWindow, clock, instantMs)
  if (schedule.kind === 'at') {
    const slotMs = nextSlot(schedule, clock, openingMs)
    if (isOpenAt(contactWindow, clock, slotMs)) return slotMs
  }
  return openingMs + Math.floor(contactWindow.spreadMs * share)
}

/** The plan for an event on `eventDay`; null where the window says drop. */
export function planDelivery(
  trigger: TriggerSpec,
  clock: WallClock,
  eventDay: number,
  nowMs: number,
  share: number,
): Plan | null {
  return completePlan(
    trigger,
    clock,
    plannedInstant(trigger.schedule, clock, eventDay, nowMs),
    share,
  )
}

/** The plan for a first planned instant; null where the window says drop. */
export function completePlan(
  trigger: TriggerSpec,
  clock: WallClock,
  plannedMs: number,
  share: number,
): Plan | null {
  const dueMs = moveIntoWindow(trigger, clock, plannedMs, share)
  if (dueMs === null) return null
  const expiresMs = trigger.contactWindow?.expiresMs ?? EXPIRES_DEFAULT_MS
  return { plannedMs, dueMs, expiresAtMs: plannedMs + expiresMs }
}

/** Last instant (exclusive) at which a delivery emitted now may reach the customer. */
export function latestInstant(
  trigger: TriggerSpec,
  clock: WallClock,
  nowMs: number,
  expiresAtMs: number,
): number {
  const { contactWindow } = trigger
  if (contactWindow === null) return expiresAtMs
  return Math.min(closingOf(contactWindow, clock, nowMs), expiresAtMs)
}

/** A subscriber's stable share in [0, 1) for spreading: a hash of the number, not its order. */
export function subscriberShare(subscriber: number): number {
  let hash = Math.imul((subscriber % 0x1_0000_0000) | 0, 0x9e3779b1)
  hash ^= Math.imul(Math.floor(subscriber / 0x1_0000_0000), 0x85ebca6b)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  return ((hash ^ (hash >>> 12)) >>> 0) / 0x1_0000_0000
}
