/** What the ledger remembers of the last decision about a trigger and a subscriber, in words. */

import { SUPPRESSION_REASONS, type SuppressionReason } from '../model/decision.ts'
import {
  EXPLAIN_STEPS,
  type ExplainCheck,
  type ExplainedDecision,
  type ExplainStep,
  type Explanation,
} from '../model/explanation.ts'
import { nameOf } from '../state/layout.ts'
import { isLive, type LedgerRow, ROW_REFUSED } from '../state/ledger.ts'
import { formatPeriod } from '../state/periods.ts'
import type { PartitionCore } from './core.ts'
import { explainedStatus, valuesByName } from './row-words.ts'

/** Step at which each reason stops a candidate. */
const STEP_OF: Readonly<Record<SuppressionReason, ExplainStep>> = {
  'list-black': 'lists',
  'list-red': 'lists',
  'list-sensitive': 'lists',
  'opted-out': 'lists',
  'not-in-audience': 'audience',
  'not-valid-yet': 'validity',
  'no-longer-valid': 'validity',
  'already-this-tagging': 'tagging',
  'already-this-period': 'latch',
  'condition-unmet': 'condition',
  'cap-trigger': 'caps',
  'cap-channel': 'caps',
  'cap-class': 'caps',
  'cap-sensitive': 'caps',
  'cap-global': 'caps',
  outranked: 'arbitration',
  'outside-contact-window': 'schedule',
  'zone-unknown': 'schedule',
  cancelled: 'cancel',
  'cancelled-by-operator': 'cancel',
  expired: 'schedule',
  'attempts-exhausted': 'schedule',
  'trigger-removed': 'condition',
  capacity: 'capacity',
  erased: 'lists',
  'journey-left': 'journey',
  'message-incomplete': 'message',
}

/** The newest row of the trigger: what waits or was sent, or the last refusal; null: none. */
export function findDecision(
  core: PartitionCore,
  slot: number,
  trigger: string,
): ExplainedDecision | null {
  const { ledger, layout } = core
  let last: LedgerRow | null = null
  for (const number of ledger.rowsOf(slot)) {
    const row = ledger.read(number)
    if (layout.triggers[row.trigger]!.id !== trigger) continue
    if (!isLive(row.status) && row.status !== ROW_REFUSED) continue
    if (last === null || row.id > last.id) last = row
  }
  return last === null ? null : describe(core, last)
}

function describe({ layout, compiled }: PartitionCore, row: LedgerRow): ExplainedDecision {
  const status = explainedStatus(row)
  const reason = status === 'refused' ? SUPPRESSION_REASONS[row.reason]! : null
  const isStep = compiled.triggerByCode(row.trigger)?.spec.journey !== undefined
  return {
    status,
    period: formatPeriod(row.once, row.period),
    attempt: row.attempt,
    generation: row.generation,
    firedAtMs: row.firedAtMs,
    atMs: status === 'refused' ? row.notAfterMs : row.dueMs,
    values: valuesByName(layout, row),
    passed: EXPLAIN_STEPS.slice(0, stepsPassed(status, reason)).filter(
      (step) => step !== 'journey' || isStep,
    ),
    reason,
    detail: row.detail === 0 ? null : nameOf(layout, row.detail),
    winner: row.winner === 0 ? null : layout.triggers[row.winner - 1]!.id,
    experiment: row.experiment === 0 ? null : nameOf(layout, row.experiment),
  }
}

/** How many of the steps lie behind a decision. */
function stepsPassed(
  status: ExplainedDecision['status'],
  reason: SuppressionReason | null,
): number {
  if (reason !== null) return EXPLAIN_STEPS.indexOf(STEP_OF[reason])
  if (status === 'pending') return EXPLAIN_STEPS.indexOf('cancel')
  if (status === 'waiting') return EXPLAIN_STEPS.indexOf('capacity')
  return EXPLAIN_STEPS.length
}

/** The answer in one word and in one sentence. `stop`: the first check that does not pass now. */
export function conclude(
  decision: ExplainedDecision | null,
  stop: ExplainCheck | null,
): Pick<Explanation, 'answer' | 'summary'> {
  switch (decision?.status) {
    case 'sent':
      return { answer: 'yes', summary: `sent ${at(decision.atMs)}, for ${decision.period}` }
    case 'held-out': {
      const { experiment } = decision
      const summary = `would have been sent ${at(decision.atMs)}, but is held out of ${experiment}`
      return { answer: 'yes', summary }
    }
    case 'pending':
      return { answer: 'not-yet', summary: `decided, and due ${at(decision.atMs)}` }
    case 'waiting':
      return { answer: 'not-yet', summary: 'decided and due; its channel has no room yet' }
    case 'refused': {
      const { detail, winner, reason } = decision
      const told = detail ?? (winner === null ? null : `${winner} won`)
      const summary = `refused ${at(decision.atMs)}: ${reason}${told === null ? '' : ` (${told})`}`
      return { answer: 'no', summary }
    }
    default:
      return stop === null
        ? { answer: 'not-yet', summary: 'nothing stands against it: the next usage may fire it' }
        : {
            answer: stop.verdict === 'waits' ? 'not-yet' : 'no',
            summary: `${stop.step}: ${stop.text}`,
          }
  }
}

function at(ms: number): string {
  return Number.isFinite(ms) ? `at ${new Date(ms).toISOString()}` : 'at no time'
}
