/**
 * What OUT says of journeys, taken over into the state like deliveries (adoption.ts): who entered
 * is inside, who went is not, and no step is delivered twice. Nothing is judged.
 */

import { assert } from '../errors.ts'
import { ROW_JOURNEY } from '../state/ledger.ts'
import { isStepDone, markStepDone, stepNumberOf } from '../state/member.ts'
import { formatPeriod, parsePeriod } from '../state/periods.ts'
import type { SaidDecision } from './adoption.ts'
import { dueRank } from './capacity.ts'
import type { CompiledTrigger } from './compile.ts'
import type { CompiledJourney } from './compile-journeys.ts'
import type { PartitionCore } from './core.ts'
import { standingAt } from './journey-words.ts'
import type { Latches } from './latches.ts'
import { BEHIND, moveMember, newMember } from './member-moves.ts'

/** Takes over that somebody entered a journey, or went. */
export function adoptJourney(core: PartitionCore, latches: Latches, said: SaidDecision): void {
  const journey = core.compiled.journeyById(said.trigger)
  // Its members end with the first reload's pass, or with their timers.
  if (journey === undefined) return
  const slot = core.index.findOrAdd(said.sub)
  core.alignTables()
  const number = findMember(core, slot, journey, said.period)
  if (said.what === 'entered') {
    if (number === -1) enter(core, latches, journey, slot, said)
  } else if (number !== -1) {
    const row = core.ledger.read(number)
    core.heap.discard(row.id)
    core.members.add(row, -1)
    core.ledger.free(number)
  }
}

/** Takes over that a step was delivered, or came to nothing: its member is past it. */
export function adoptStep(
  core: PartitionCore,
  slot: number,
  { spec }: CompiledTrigger,
  said: SaidDecision,
): void {
  if (spec.journey === undefined) return
  const journey = core.compiled.journeyById(spec.journey.journey)
  assert(journey !== undefined)
  const number = findMember(core, slot, journey, said.period)
  if (number === -1) return
  const row = core.ledger.read(number)
  const position = journey.steps.findIndex((step) => step.spec.name === spec.journey?.step)
  const step = journey.steps[position]
  if (step === undefined || isStepDone(row, step.number)) return
  markStepDone(row, step.number)
  const standing = standingAt(journey.image, stepNumberOf(row))
  const stands = journey.steps.findIndex((each) => each.number === standing)
  if (standing === BEHIND || stands > position) {
    core.ledger.write(number, row)
    return
  }
  core.heap.discard(row.id)
  row.id = core.nextCandidateId++
  row.dueMs = said.fired
  moveMember(core, row, journey, position + 1)
  core.ledger.write(number, row)
  core.heap.push(row.dueMs, dueRank(row), row.id, number)
}

function enter(
  core: PartitionCore,
  latches: Latches,
  journey: CompiledJourney,
  slot: number,
  said: SaidDecision,
): void {
  const { unit, key } = parsePeriod(said.period)
  const row = newMember(core, journey, slot)
  row.id = core.nextCandidateId++
  row.period = key
  row.once = unit
  row.firedAtMs = said.fired
  row.notAfterMs = said.at
  row.isCanary = said.canary ?? false
  // Which experiment it was is not said; any name stands for "held out".
  row.experiment = said.arm === 'control' ? (journey.controls[0]?.code ?? 0) : 0
  row.status = ROW_JOURNEY
  row.dueMs = said.at
  core.members.add(row, 1)
  moveMember(core, row, journey, 0)
  const number = core.ledger.add(row)
  core.heap.push(row.dueMs, dueRank(row), row.id, number)
  const { latch, spec } = journey.enter
  if (spec.once === unit) {
    const { table, bitCount } = latch.place
    const stamp = latch.unit === -1 ? key : core.tables[table]!.getI32(slot, latch.stampOffset)
    if (stamp - key < bitCount) latches.set(journey.enter, slot, key, true)
  }
  for (const ending of [journey.goal, journey.exit]) {
    if (ending !== null) latches.set(ending, slot, 0, false)
  }
}

function findMember(
  core: PartitionCore,
  slot: number,
  { code }: CompiledJourney,
  period: string,
): number {
  for (const number of core.ledger.rowsOf(slot)) {
    if (core.ledger.status(number) !== ROW_JOURNEY) continue
    const row = core.ledger.read(number)
    if (row.trigger === code && formatPeriod(row.once, row.period) === period) return number
  }
  return -1
}
