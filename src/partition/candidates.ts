/**
 * Candidates of one input: conditions that came true with their latch open. They are noted as they
 * fire and decided when the whole input is applied: as they fired, or, where triggers compete,
 * subscriber by subscriber and the strongest first, whatever the order of firing was.
 */

import { compareRank } from '../decision/arbitration.ts'
import type { Expression } from '../model/expression.ts'
import { readCell } from '../state/counter-cells.ts'
import { type LedgerRow, ROW_FREE } from '../state/ledger.ts'
import type { CompiledCondition, CompiledTrigger } from './compile.ts'
import type { CompiledJourney } from './compile-journeys.ts'
import type { PartitionCore } from './core.ts'

/** A condition that came true, undecided. */
export interface Candidate {
  readonly trigger: CompiledTrigger
  /** What the ledger will keep of it; not in the ledger yet. */
  readonly row: LedgerRow
  /** Whether the trigger fired for this version of its tag before. */
  readonly isTaggingSpent: boolean
}

/** What a journey watched for came true, unheeded. */
export interface JourneyCall {
  readonly journey: CompiledJourney
  readonly what: 'enter' | 'goal' | 'exit'
  /** Of who enters: what the ledger will keep of the member. Else only its slot means something. */
  readonly row: LedgerRow
}

/** What waits for the input to be applied whole. */
export type Undecided = Candidate | JourneyCall

/**
 * What judging answers about a subscriber; set by the machine, since judging needs deciding too.
 */
export interface SubscriberJudge {
  /** Whether a condition over everything holds as of these periods. */
  isMet(
    condition: Pick<CompiledCondition, 'spec' | 'references'>,
    slot: number,
    keys: Int32Array,
  ): boolean
  /** Whether a condition over tags, lists and fields holds. */
  isTrueOf(slot: number, condition: Expression): boolean
  /** A finite number over counters, tags and fields as of these periods; 0 where it has none. */
  valueOf(slot: number, expression: Expression, keys: Int32Array): number
}

/** The undecided candidates of the input that is being applied. */
export class Candidates {
  readonly #core: PartitionCore
  #waiting: Undecided[] = []

  constructor(core: PartitionCore) {
    this.#core = core
  }

  add(undecided: Undecided): void {
    this.#waiting.push(undecided)
  }

  /**
   * Takes all of them: as they fired; with arbitration, subscribers in the order of their first
   * candidate, and each subscriber's in the order of rank. In this order they are numbered, and by
   * number due timers are told apart: with arbitration the order of the files decides nothing.
   */
  take(): readonly Undecided[] {
    const taken = this.#takeInOrder()
    for (const { row } of taken) row.id = this.#core.nextCandidateId++
    return taken
  }

  #takeInOrder(): readonly Undecided[] {
    const waiting = this.#waiting
    if (waiting.length === 0) return waiting
    this.#waiting = []
    if (waiting.length === 1 || this.#core.compiled.policy.arbitration === null) return waiting
    const groups = new Map<number, Undecided[]>()
    for (const candidate of waiting) {
      const group = groups.get(candidate.row.slot)
      if (group === undefined) groups.set(candidate.row.slot, [candidate])
      else group.push(candidate)
    }
    if (groups.size === waiting.length) return waiting
    for (const group of groups.values()) if (group.length > 1) group.sort(compareUndecided)
    return [...groups.values()].flat()
  }

  /** The row of a candidate with everything that is read when it fires, but its number. */
  newRow(
    trigger: CompiledTrigger,
    slot: number,
    firedAtMs: number,
    keys: Int32Array,
    judge: SubscriberJudge,
  ): LedgerRow {
    const core = this.#core
    const { spec, latch, policy } = trigger
    const values = trigger.valueCells.map(({ cell, previous }) => {
      const key = cell.unit === -1 ? 0 : keys[cell.unit]!
      const value = readCell(core.tables, slot, cell, key, previous)
      return Number.isNaN(value) ? 0 : value
    })
    return {
      id: 0,
      dueMs: 0,
      expiresAtMs: 0,
      firedAtMs,
      notAfterMs: 0,
      plannedMs: 0,
      values,
      slot,
      trigger: trigger.code,
      period: latch.unit === -1 ? 0 : keys[latch.unit]!,
      once: spec.once,
      generation: core.generation,
      priority: spec.priority,
      status: ROW_FREE,
      attempt: 1,
      incarnation: core.incarnations.of(core.subscriberOf(slot)),
      shape: trigger.shape,
      calendar: 0,
      value: spec.value === null ? 0 : judge.valueOf(slot, spec.value, keys),
      layer: spec.layer,
      channel: policy.channel,
      class: policy.class,
      isCounted: spec.isCounted,
      isIgnoringCaps: spec.isIgnoringCaps,
      isCanary: false,
      experiment: 0,
      reason: 0,
      detail: 0,
      winner: 0,
      tagging: 0,
    }
  }
}

/** Calls of journeys go first, as they came: they make candidates, or keep them from being. */
function compareUndecided(left: Undecided, right: Undecided): number {
  if ('what' in left || 'what' in right) return Number('what' in right) - Number('what' in left)
  const contender = ({ trigger, row }: Candidate) => ({
    layer: row.layer,
    priority: row.priority,
    value: row.value,
    trigger: trigger.spec.id,
    id: row.id,
  })
  return compareRank(contender(left), contender(right))
}
