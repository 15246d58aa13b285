/**
 * What decisions say and leave behind: a delivery, a holdout or a suppression in the outbox, the
 * counts, and the last refusal of each trigger in the ledger, for whoever asks why.
 */

import { latestInstant } from '../decision/schedule.ts'
import { assert } from '../errors.ts'
import type { ActionSpec } from '../model/action.ts'
import type { TriggerSpec } from '../model/catalog.ts'
import { deliveryIdOf, SUPPRESSION_REASONS, type SuppressionReason } from '../model/decision.ts'
import { nameCode, nameOf } from '../state/layout.ts'
import { type LedgerRow, ROW_EMITTED, ROW_REFUSED, ROW_RESOLVED } from '../state/ledger.ts'
import { formatPeriod } from '../state/periods.ts'
import type { CompiledTrigger } from './compile.ts'
import { Composer } from './composing.ts'
import type { PartitionCore } from './core.ts'
import { regionOf } from './region.ts'
import type { Reservations } from './reservations.ts'
import { valuesByName } from './row-words.ts'

/** Why a candidate becomes no delivery. */
export interface Refusal {
  readonly reason: SuppressionReason
  /** Layout name: of a cap which one, of a message the value that it lacks. */
  readonly detail?: number
  /** Of `outranked`: what won. */
  readonly winner?: LedgerRow
}

const unset: Emitter['changeTag'] = () => {
  throw new Error('nobody changes tags here')
}

/** Puts decisions of one partition into words. */
export class Emitter {
  /** Changes a tag, and judges what reads it. Set by the machine. */
  changeTag: (subscriber: number, tag: string, value: boolean) => void = unset
  readonly #core: PartitionCore
  readonly #reservations: Reservations
  readonly #composer: Composer

  constructor(core: PartitionCore, reservations: Reservations) {
    this.#core = core
    this.#reservations = reservations
    this.#composer = new Composer(core)
  }

  /** Why what a trigger says cannot be said to a subscriber; null: its message is whole. */
  findGap({ spec }: CompiledTrigger, slot: number): Refusal | null {
    if (spec.action !== undefined) return null
    const composition = this.#composer.compose(spec.message, spec.channel, slot)
    if (composition.kind === 'whole') return null
    const detail = nameCode(this.#core.layout, composition.missing)
    return { reason: 'message-incomplete', detail }
  }

  /**
   * Emits a row of the ledger now: as a delivery, or as a holdout of its experiment. Nothing lies
   * between the question for a gap and this.
   */
  emit(number: number, row: LedgerRow, { spec }: CompiledTrigger): void {
    const core = this.#core
    const { clockMs, statistics } = core
    row.status = ROW_EMITTED
    this.#reservations.reserve(row, clockMs)
    row.notAfterMs = latestInstant(spec, core.clockOf(row.slot), clockMs, row.expiresAtMs)
    row.generation = core.generation
    core.ledger.write(number, row)
    const head = this.#head(row, spec.id)
    const { subscriber, period } = head
    const told = {
      ...head,
      id: deliveryIdOf(spec.id, subscriber, period, row.attempt, row.incarnation),
      channel: spec.channel,
      notBeforeMs: clockMs,
      notAfterMs: row.notAfterMs,
      ...regionOf(core, row.slot),
    }
    const counts = core.countsOf(spec.id)
    statistics.decisions += 1
    if (row.experiment !== 0) {
      core.outbox.add({
        kind: 'holdout',
        ...told,
        experiment: nameOf(core.layout, row.experiment),
      })
      statistics.holdouts += 1
      counts.holdouts += 1
      return
    }
    const { isCanary } = row
    core.outbox.add({
      kind: 'delivery',
      ...told,
      class: spec.class,
      isCanary,
      ...this.#content(spec, row.slot),
      ...(spec.firedBy === 'request' ? { purpose: 'offer' as const } : {}),
    })
    const counted = isCanary ? 'canaries' : 'deliveries'
    statistics[counted] += 1
    counts[counted] += 1
    if (spec.action?.kind === 'tag') this.#changeTag(number, row, spec.action)
  }

  /** What a delivery says or does. */
  #content({ message, action, channel }: TriggerSpec, slot: number) {
    if (action !== undefined) return { message: '', action }
    const composition = this.#composer.compose(message, channel, slot)
    assert(composition.kind === 'whole', 'a message that lacks a value goes out')
    return composition.composed
  }

  /** Done by the partition itself: nobody has anything to report of it. */
  #changeTag(number: number, row: LedgerRow, action: ActionSpec & { readonly kind: 'tag' }): void {
    this.#core.ledger.write(number, { ...row, status: ROW_RESOLVED })
    this.changeTag(this.#core.subscriberOf(row.slot), action.tag, action.value)
  }

  /** Says that an offer was shown at a place; its row is in no ledger. */
  show(row: LedgerRow, { spec }: CompiledTrigger, place: number): void {
    const { outbox, statistics } = this.#core
    const { channel } = spec
    const { isCanary } = row
    const head = { ...this.#head(row, spec.id), values: {} }
    const region = regionOf(this.#core, row.slot)
    outbox.add({ kind: 'shown', ...head, channel, place, isCanary, ...region })
    statistics.decisions += 1
    statistics.shown += 1
    this.#core.countsOf(spec.id).shown += 1
  }

  /** Says that a candidate becomes no delivery. Its row is in the ledger no more, or never was. */
  refuse(row: LedgerRow, refusal: Refusal): void {
    const core = this.#core
    const { layout, statistics } = core
    const { reason, detail = 0, winner } = refusal
    const trigger = layout.triggers[row.trigger]!.id
    core.outbox.add({
      kind: 'suppressed',
      ...this.#head(row, trigger),
      reason,
      ...(winner === undefined ? {} : { winner: layout.triggers[winner.trigger]!.id }),
      ...(detail === 0 ? {} : { detail: nameOf(layout, detail) }),
    })
    statistics.suppressed[SUPPRESSION_REASONS.indexOf(reason)]! += 1
    statistics.decisions += 1
    core.countsOf(trigger).suppressed += 1
    if (core.compiled.policy.rememberedMs > 0) this.#remember(row, trigger, refusal)
  }

  /** The last refusal of a trigger takes the place of the one before. */
  #remember(row: LedgerRow, trigger: string, { reason, detail = 0, winner }: Refusal): void {
    const { ledger, layout, clockMs, generation } = this.#core
    const refused = {
      ...row,
      status: ROW_REFUSED,
      notAfterMs: clockMs,
      generation,
      reason: SUPPRESSION_REASONS.indexOf(reason),
      detail,
      winner: winner === undefined ? 0 : winner.trigger + 1,
    }
    for (const number of ledger.rowsOf(row.slot)) {
      if (ledger.status(number) !== ROW_REFUSED) continue
      if (layout.triggers[ledger.read(number).trigger]!.id !== trigger) continue
      ledger.write(number, refused)
      return
    }
    ledger.add(refused)
  }

  #head(row: LedgerRow, trigger: string) {
    const core = this.#core
    return {
      inputSequence: core.inputSequence,
      trigger,
      subscriber: core.subscriberOf(row.slot),
      period: formatPeriod(row.once, row.period),
      attempt: row.attempt,
      generation: core.generation,
      decidedAtMs: core.clockMs,
      firedAtMs: row.firedAtMs,
      values: valuesByName(core.layout, row),
    }
  }
}
