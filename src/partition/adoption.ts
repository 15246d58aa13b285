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
import { type LayoutImage, META_OWN_PERIODS_MASK, nameCode } from '../state/layout.ts'
import { LEDGER_VALUES_MAX, ROW_EMITTED, ROW_JOURNEY, ROW_REFUSED } from '../state/ledger.ts'
import { formatPeriod, parsePeriod } from '../state/periods.ts'
import { adoptJourney, adoptStep } from './adopting-journeys.ts'
import { adoptOutcome, adoptQuestion } from './adopting-outcomes.ts'
import { type CompiledTrigger, registerShape } from './compile.ts'
import type { PartitionCore } from './core.ts'
import { Latches } from './latches.ts'
import { ProfilePlaces } from './profile-places.ts'

/** Priority of what nobody knows the priority of any more. */
const PRIORITY_LAST = 999

/** A decision as OUT holds it; the keys of the wire. */
export interface SaidDecision {
  readonly n: number
  readonly in: number
  readonly kind: 'delivery' | 'holdout' | 'suppressed' | 'outcome' | 'shown' | 'journey'
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
  readonly purpose?: string
  readonly experiment?: string
  readonly reason?: string
  readonly what?: string
  readonly by?: string
  readonly message?: string
  readonly arm?: string
  readonly action?: { readonly kind: string; readonly tag?: string; readonly value?: boolean }
}

/** Takes decisions over, in the order of their numbers. Moves the clock to the last of them. */
export function adoptSaid(core: PartitionCore, decisions: readonly SaidDecision[]): void {
  const latches = new Latches(core)
  for (const decision of decisions) {
    core.clockMs = Math.max(core.clockMs, decision.at)
    const { kind, channel, class: className = CLASS_DEFAULT } = decision
    // Showing takes nothing from anybody.
    if (kind === 'shown') continue
    if (kind === 'journey') {
      adoptJourney(core, latches, decision)
      continue
    }
    if (kind === 'delivery' && channel !== undefined) core.capacity.count(channel, className)
    // Nobody's latch, cap or contact: nothing was kept of them.
    if (decision.purpose === 'test' || decision.purpose === 'notice') continue
    if (kind === 'outcome' || decision.purpose === 'confirm') {
      const slot = core.index.find(decision.sub)
      const known = slot === -1 ? -1 : findRow(core, slot, decision)
      if (kind === 'outcome') adoptOutcome(core, decision, known)
      else adoptQuestion(core, decision, known)
      continue
    }
    const trigger = core.compiled.triggerById(decision.trigger)
    if (isRefusedOffer(trigger, decision)) continue
    if (trigger === undefined) adoptOrphan(core, decision)
    else adoptOne(core, latches, trigger, decision)
  }
}

/**
 * Whether an offer was refused when somebody accepted it: that changes nothing, where other
 * suppressions close a latch and free a row. Only a gateway's `expired` ends what was accepted.
 */
function isRefusedOffer(
  trigger: CompiledTrigger | undefined,
  { kind, reason }: SaidDecision,
): boolean {
  return trigger?.spec.firedBy === 'request' && kind === 'suppressed' && reason !== 'expired'
}

/** What a trigger lends to a decision that it made. */
interface Terms {
  readonly code: number
  readonly shape: number
  readonly priority: number
  readonly layer: number
  readonly channel: string
  readonly class: string
  readonly isCounted: boolean
  readonly isIgnoringCaps: boolean
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
  adoptStep(core, slot, trigger, decision)
  adoptTag(core, slot, decision)
  if (decision.kind === 'suppressed') {
    if (known !== -1) core.ledger.free(known)
    return
  }
  const { code, shape, spec } = trigger
  // OUT leaves out the class of marketing; of a holdout it says none at all.
  const unsaid = decision.kind === 'holdout' ? spec.class : CLASS_DEFAULT
  const channel = decision.channel ?? spec.channel
  keep(core, slot, known, decision, {
    ...spec,
    code,
    shape,
    channel,
    class: decision.class ?? unsaid,
  })
}

/**
 * What a trigger said that is configured no more matters where others count it: in the caps of its
 * channel and class, in those over all, in its contact. And what is still pending of it is not.
 */
function adoptOrphan(core: PartitionCore, decision: SaidDecision): void {
  const slot = core.index.find(decision.sub)
  const known = slot === -1 ? -1 : findRow(core, slot, decision)
  if (decision.kind === 'suppressed') {
    if (known !== -1) core.ledger.free(known)
    return
  }
  const { policy, catalog } = core.compiled
  const ofClass = decision.class ?? CLASS_DEFAULT
  const channel = decision.channel ?? ''
  const classSpec = catalog.policy.classes.find(({ name }) => name === ofClass)
  const isCounted = classSpec?.isCounted ?? true
  const codes = {
    channel: nameCode(core.layout, channel),
    class: nameCode(core.layout, ofClass),
    isCounted,
  }
  const isCapped = policy.capsOver(codes, decision.trigger).next().done !== true
  if (known === -1 && !isCapped && policy.arbitration === null) return
  const owner = slot === -1 ? core.index.findOrAdd(decision.sub) : slot
  core.alignTables()
  keep(core, owner, known, decision, {
    code: retiredCode(core.layout, decision.trigger),
    shape: registerShape(core.layout, []),
    priority: PRIORITY_LAST,
    layer: 0,
    channel,
    class: ofClass,
    isCounted,
    isIgnoringCaps: classSpec?.isIgnoringCaps ?? false,
  })
}

/** Code of a trigger that is configured no more; of one that nobody remembers a new one. */
function retiredCode({ triggers }: LayoutImage, id: string): number {
  const known = triggers.findLastIndex((trigger) => trigger.id === id)
  if (known !== -1) return known
  return triggers.push({ id, identity: '', isEdge: true, isRetired: true }) - 1
}

/** Keeps a delivery or holdout as sent. `known`: its row, or -1. */
function keep(
  core: PartitionCore,
  slot: number,
  known: number,
  decision: SaidDecision,
  terms: Terms,
): void {
  const { layout, ledger } = core
  const { unit, key } = parsePeriod(decision.period)
  const shape = layout.valueShapes[terms.shape]!
  const before = known === -1 ? null : ledger.read(known)
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
    trigger: terms.code,
    period: key,
    once: unit,
    generation: decision.gen,
    priority: terms.priority,
    status: ROW_EMITTED,
    attempt: decision.attempt,
    incarnation,
    shape: terms.shape,
    calendar: core.meta(slot) & META_OWN_PERIODS_MASK,
    value: before?.value ?? 0,
    layer: before?.layer ?? terms.layer,
    channel: nameCode(layout, terms.channel),
    class: nameCode(layout, terms.class),
    isCounted: terms.isCounted,
    isIgnoringCaps: terms.isIgnoringCaps,
    isCanary: decision.canary ?? false,
    experiment: decision.experiment === undefined ? 0 : nameCode(layout, decision.experiment),
    reason: 0,
    detail: 0,
    winner: 0,
    tagging: before?.tagging ?? 0,
  }
  if (before !== null && before.attempt !== row.attempt) ledger.forgetReports(known)
  if (known === -1) ledger.add(row)
  else ledger.write(known, row)
}

/**
 * The row of the same trigger, subscriber and period, whatever became of it; -1: none. It stands in
 * no line any more.
 */
function findRow(core: PartitionCore, slot: number, { trigger, period }: SaidDecision): number {
  for (const number of core.ledger.rowsOf(slot)) {
    const row = core.ledger.read(number)
    // A remembered refusal is of no consequence.
    if (row.status === ROW_REFUSED || row.status === ROW_JOURNEY) continue
    if (core.layout.triggers[row.trigger]!.id !== trigger) continue
    if (formatPeriod(row.once, row.period) !== period) continue
    // Whatever it waited for, it has it now.
    core.capacity.forget(number)
    return number
  }
  return -1
}

/** An action on a tag was done where it was decided. */
function adoptTag(core: PartitionCore, slot: number, { action }: SaidDecision): void {
  const { tag, value } = action ?? {}
  if (action?.kind !== 'tag' || tag === undefined || value === undefined) return
  const places = new ProfilePlaces(core.compiled)
  if (places.tags.has(tag)) places.setTag(core.tables, slot, tag, value)
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
