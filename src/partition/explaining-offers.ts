/**
 * Why a trigger of an inbound channel is not among the offers, and what the ledger still knows of
 * an acceptance. Read between two inputs; changes nothing.
 */

import type { ExplainCheck } from '../model/explanation.ts'
import type { AcceptOutcome, OfferRefusal } from '../model/offer.ts'
import { deliveryIdOf } from '../model/decision.ts'
import { nameOf } from '../state/layout.ts'
import { isLive } from '../state/ledger.ts'
import { formatPeriod } from '../state/periods.ts'
import type { CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'
import { explain } from './explaining.ts'
import type { PlacedOffer } from './offering.ts'

/** The first check that each of the triggers fails which are not shown, in their order. */
export function whyNot(
  core: PartitionCore,
  slot: number,
  triggers: readonly CompiledTrigger[],
  placed: readonly PlacedOffer[],
): OfferRefusal[] {
  const refusals: OfferRefusal[] = []
  for (const { spec } of triggers) {
    const offer = placed.find(({ trigger }) => trigger.spec.id === spec.id)
    if (offer !== undefined && offer.row.experiment === 0) continue
    const check = offer === undefined ? obstacleOf(core, slot, spec.id) : heldOut(core, offer)
    refusals.push({ trigger: spec.id, check: check ?? crowdedOut(placed) })
  }
  return refusals
}

function obstacleOf(core: PartitionCore, slot: number, trigger: string): ExplainCheck | undefined {
  const explanation = explain(core, core.subscriberOf(slot), trigger)
  return explanation?.checks.find(({ verdict }) => verdict !== 'passes')
}

function heldOut({ layout }: PartitionCore, { row, place }: PlacedOffer): ExplainCheck {
  const text = `place ${place} stays empty: held out of ${nameOf(layout, row.experiment)}`
  return { step: 'control-group', verdict: 'stops', text, values: { heldOut: true } }
}

/** Alone it could be accepted; beside those that are shown there is no place for it. */
function crowdedOut(placed: readonly PlacedOffer[]): ExplainCheck {
  const names = placed.map(({ trigger }) => trigger.spec.id).join(', ')
  const text = 'stronger offers have the places of this answer'
  return { step: 'arbitration', verdict: 'stops', text, values: { rivals: names } }
}

/**
 * What became of an acceptance that was applied by an earlier process: the trigger's delivery or
 * holdout of the running period; null: nobody knows any more.
 */
export function rememberedOutcome(
  core: PartitionCore,
  subscriber: number,
  trigger: string,
): AcceptOutcome | null {
  const slot = core.index.find(subscriber)
  const compiled = core.compiled.triggerById(trigger)
  if (slot === -1 || compiled === undefined) return { kind: 'gone' }
  const { ledger, layout, clockMs } = core
  const { spec, latch } = compiled
  const running = latch.unit === -1 ? 0 : core.periodKeys(slot, clockMs)[latch.unit]!
  for (const number of ledger.rowsOf(slot)) {
    if (!isLive(ledger.status(number))) continue
    const row = ledger.read(number)
    if (layout.triggers[row.trigger]!.id !== trigger) continue
    if (row.once !== spec.once || row.period !== running) continue
    if (row.experiment !== 0) {
      return { kind: 'held-out', experiment: nameOf(layout, row.experiment) }
    }
    const period = formatPeriod(row.once, row.period)
    const id = deliveryIdOf(trigger, subscriber, period, row.attempt, row.incarnation)
    return { kind: 'accepted', id }
  }
  return null
}
