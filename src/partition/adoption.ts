/**
 * Decisions that OUT holds and that no replay can make again, since the inputs that caused them are
 * lost: taken over into the state as said, so that nothing is said twice. Latches are set, caps and
 * feedback find their rows, a delivery that the image still holds as pending is pending no more.
 *
 * Only ever done at the jump of a baseline: whoever adopted what OUT says and then replayed the
 * inputs would decide the past with the future (design, section 10).
 */

import { incarnationOf } from '../model/decision.ts'
import { CLASS_DEFAULT } from '../model/policy.ts'
import { META_OWN_PERIODS_MASK, nameCode } from '../state/layout.ts'
import { LEDGER_VALUES_MAX, ROW_EMITTED, ROW_REFUSED } from '../state/ledger.ts'
import { formatPeriod, parsePeriod } from '../state/periods.ts'
import type { CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'
import { Latches } from './latches.ts'

/** A decision as OUT holds it; the keys of the wire. */
export interface SaidDecision {
  readonly n: number
  readonly in: number
  readonly kind: 'delivery' | 'holdout' | 'suppressed'
  readonly trigger: string
  readonly sub: number
  readonly period: string
  readonly attempt: number
  readonly gen: number
  readonly at: number
  readonly fired: number
  readonly values: Readonly<Record<string, number>>
  readonly id?: string
  readonly not_after?: number
  readonly channel?: string
  readonly class?: string
  readonly canary?: boolean
  readonly experiment?: string
}

/** Takes decisions over, in the order of their numbers. Moves the clock to the last of them. */
export function adoptSaid(core: PartitionCore, decisions: readonly SaidDecision[]): void {
  const latches = new Latches(core)
  for (const decision of decisions) {
    core.clockMs = Math.max(core.clockMs, decision.at)
    const trigger = core.compiled.triggerById(decision.trigger)
    // What a trigger said that is configured no more is of no consequence to any other.
    if (trigger !== undefined) adoptOne(core, latches, trigger, decision)
  }
}

function adoptOne(
  core: PartitionCore,
  latches: Latches,
  trigger: CompiledTrigger,
  decision: SaidDecision,
): void {
  const slot = core.index.findOrAdd(decision.sub)
  core.alignTables()
  const known = findRow(core, slot, decision)
  if (known === -1) closeLatch(core, latches, trigger, slot, decision)
  if (decision.kind === 'suppressed') {
    if (known !== -1) core.ledger.free(known)
    return
  }
  const { unit, key } = parsePeriod(decision.period)
  const shape = core.layout.valueShapes[trigger.shape]!
  const before = known === -1 ? null : core.ledger.read(known)
  const incarnation = incarnationOf(decision.id ?? '')
  core.incarnations.raise(decision.sub, incarnation)
  const row = {
    id: before?.id ?? core.nextCandidateId++,
    dueMs: decision.at,
    expiresAtMs: decision.not_after ?? decision.at,
    firedAtMs: decision.fired,
    notAfterMs: decision.not_after ?? decision.at,
    plannedMs: before?.plannedMs ?? decision.at,
    values: shape.slice(0, LEDGER_VALUES_MAX).map((name) => decision.values[name] ?? 0),
    slot,
    trigger: trigger.code,
    period: key,
    once: unit,
    generation: decision.gen,
    priority: trigger.spec.priority,
    status: ROW_EMITTED,
    attempt: decision.attempt,
    incarnation,
    shape: trigger.shape,
    calendar: core.meta(slot) & META_OWN_PERIODS_MASK,
    value: before?.value ?? 0,
    layer: before?.layer ?? trigger.spec.layer,
    channel: nameCode(core.layout, decision.channel ?? trigger.spec.channel),
    class: nameCode(core.layout, decision.class ?? classOf(trigger, decision)),
    isCounted: trigger.spec.isCounted,
    isIgnoringCaps: trigger.spec.isIgnoringCaps,
    isCanary: decision.canary ?? false,
    experiment: decision.experiment === undefined ? 0 : nameCode(core.layout, decision.experiment),
    reason: 0,
    detail: 0,
    winner: 0,
  }
  if (known === -1) core.ledger.add(row)
  else core.ledger.write(known, row)
}

/** OUT leaves out the class of marketing; of a holdout it says none at all. */
function classOf({ spec }: CompiledTrigger, { kind }: SaidDecision): string {
  return kind === 'holdout' ? spec.class : CLASS_DEFAULT
}

/** The row of the same trigger, subscriber and period, whatever became of it; -1: none. */
function findRow(core: PartitionCore, slot: number, { trigger, period }: SaidDecision): number {
  for (const number of core.ledger.rowsOf(slot)) {
    const row = core.ledger.read(number)
    // A remembered refusal is of no consequence.
    if (row.status === ROW_REFUSED) continue
    if (core.layout.triggers[row.trigger]!.id !== trigger) continue
    if (formatPeriod(row.once, row.period) === period) return number
  }
  return -1
}

function closeLatch(
  core: PartitionCore,
  latches: Latches,
  trigger: CompiledTrigger,
  slot: number,
  { period }: SaidDecision,
): void {
  const { unit, key } = parsePeriod(period)
  const { latch, spec } = trigger
  // Edited to another period since: its latches say nothing about this one.
  if (spec.once !== unit) return
  const { table, bitCount } = latch.place
  const stamp = latch.unit === -1 ? key : core.tables[table]!.getI32(slot, latch.stampOffset)
  if (stamp - key < bitCount) latches.set(trigger, slot, key, true)
  latches.claimTagging(trigger, slot)
}
