/**
 * Which delivery a report is about: the one whose id it names, or the subscriber's newest whose
 * attribution window holds the time of the report.
 */

import { confirmIdOf, deliveryIdOf } from '../model/decision.ts'
import { type FeedbackRow, isReceipt } from '../model/messages.ts'
import { type LoopSpec, NO_LOOP } from '../model/reply.ts'
import { nameOf } from '../state/layout.ts'
import { type LedgerRow, ROW_EMITTED, ROW_RESOLVED } from '../state/ledger.ts'
import { formatPeriod } from '../state/periods.ts'
import type { PartitionCore } from './core.ts'

/** How far the clocks of those who report may be from the log's, ms. */
export const REPORT_SKEW_MS = 5 * 60_000

/** The delivery or holdout of a report. */
export interface Attributed {
  readonly number: number
  readonly row: LedgerRow
  readonly trigger: string
  /** The report is about the question that asks to confirm an order, not about the delivery. */
  readonly isQuestion: boolean
}

/** Why no delivery is meant. */
export type Unattributed = 'unknown-delivery' | 'unattributed' | 'bad-time'

/** What is meant by a report of a subscriber in `slot` (-1: never heard of). */
export function attribute(
  core: PartitionCore,
  slot: number,
  report: FeedbackRow,
): Attributed | Unattributed {
  return report.deliveryId === undefined
    ? newestOf(core, slot, report)
    : named(core, slot, report, report.deliveryId)
}

/** What comes back of a trigger, configured still or not. */
export function loopOf({ compiled }: PartitionCore, triggerCode: number): LoopSpec {
  const trigger = compiled.triggerByCode(triggerCode)
  if (trigger !== undefined) return trigger.spec.loop
  return { ...NO_LOOP, isTellingReceipts: compiled.catalog.isTellingReceipts }
}

function named(
  core: PartitionCore,
  slot: number,
  report: FeedbackRow,
  deliveryId: string,
): Attributed | Unattributed {
  for (const found of handedOut(core, slot)) {
    const { row, trigger } = found
    if (row.experiment !== 0 || !isMeant(core, report, found)) continue
    const period = formatPeriod(row.once, row.period)
    const parts = [report.subscriber, period, row.attempt, row.incarnation] as const
    const isDelivery = deliveryId === deliveryIdOf(trigger, ...parts)
    const isQuestion =
      !isDelivery &&
      core.ledger.askedWord(found.number) !== 0 &&
      deliveryId === confirmIdOf(trigger, ...parts)
    if (!isDelivery && !isQuestion) continue
    return isTimely(core, report, row) ? { ...found, isQuestion } : 'bad-time'
  }
  return 'unknown-delivery'
}

/**
 * Nobody speaks of a message before there is one, nor of what is to come; clocks differ a little.
 * What is not told of a receipt is not looked at.
 */
function isTimely(core: PartitionCore, { kind, timeMs }: FeedbackRow, row: LedgerRow): boolean {
  if (isReceipt(kind) && !loopOf(core, row.trigger).isTellingReceipts) return true
  return timeMs >= row.dueMs - REPORT_SKEW_MS && timeMs <= core.clockMs + REPORT_SKEW_MS
}

function newestOf(
  core: PartitionCore,
  slot: number,
  report: FeedbackRow,
): Attributed | Unattributed {
  if (report.timeMs > core.clockMs + REPORT_SKEW_MS) return 'bad-time'
  let newest: Attributed | null = null
  for (const found of handedOut(core, slot)) {
    const { row } = found
    // A holdout got nothing to reply to; but what is ordered anyway is what it is compared by.
    if (row.experiment !== 0 && report.kind !== 'ordered') continue
    // Nobody answers a credit; who means one says so.
    if (report.trigger === undefined && isAction(core, row)) continue
    if (!isMeant(core, report, found)) continue
    const { attributionMs } = loopOf(core, row.trigger)
    if (report.timeMs < row.dueMs || report.timeMs >= row.dueMs + attributionMs) continue
    const isNewer =
      newest === null ||
      row.dueMs > newest.row.dueMs ||
      (row.dueMs === newest.row.dueMs && row.id > newest.row.id)
    if (isNewer) newest = { ...found, isQuestion: false }
  }
  return newest ?? 'unattributed'
}

function isAction({ compiled }: PartitionCore, { trigger }: LedgerRow): boolean {
  return compiled.triggerByCode(trigger)?.spec.action !== undefined
}

function* handedOut(core: PartitionCore, slot: number): Generator<Omit<Attributed, 'isQuestion'>> {
  if (slot === -1) return
  const { ledger, layout } = core
  for (const number of ledger.rowsOf(slot)) {
    const status = ledger.status(number)
    if (status !== ROW_EMITTED && status !== ROW_RESOLVED) continue
    const row = ledger.read(number)
    yield { number, row, trigger: layout.triggers[row.trigger]!.id }
  }
}

function isMeant(
  { layout }: PartitionCore,
  { trigger, channel }: FeedbackRow,
  found: { readonly row: LedgerRow; readonly trigger: string },
): boolean {
  if (trigger !== undefined && trigger !== found.trigger) return false
  return channel === undefined || channel === nameOf(layout, found.row.channel)
}
