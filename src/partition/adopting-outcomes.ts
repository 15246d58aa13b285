/**
 * What OUT says came of deliveries, taken over into the state like the deliveries themselves
 * (adoption.ts): nothing is reported, asked or ordered twice, and who opted out stays out. Nothing
 * is judged: what followed is said in OUT, too.
 */

import { LIST_NAMES } from '../model/expression.ts'
import { FEEDBACK_KINDS, type FeedbackKind, isReceipt } from '../model/messages.ts'
import { META_LISTS_SHIFT, nameCode } from '../state/layout.ts'
import { ROW_EMITTED, ROW_RESOLVED } from '../state/ledger.ts'
import type { SaidDecision } from './adoption.ts'
import { loopOf } from './attribution.ts'
import type { PartitionCore } from './core.ts'
import { LIST_OF } from './outcomes.ts'
import { ProfilePlaces } from './profile-places.ts'

/** Takes an outcome over. `number`: the row of its trigger, subscriber and period; -1: none. */
export function adoptOutcome(core: PartitionCore, said: SaidDecision, number: number): void {
  const what = FEEDBACK_KINDS.find((kind) => kind === said.what)
  // Of a later version: it says more than we know.
  if (what === undefined || (said.purpose === 'confirm' && isReceipt(what))) return
  adoptConsequences(core, said, what)
  if (number === -1) return
  const { ledger } = core
  const row = ledger.read(number)
  const isHandedOut = row.status === ROW_EMITTED || row.status === ROW_RESOLVED
  if (!isHandedOut || row.attempt !== said.attempt) return
  ledger.noteReport(number, FEEDBACK_KINDS.indexOf(what))
  // The next attempt, if there is to be one, waits for the report to come again.
  if (what === 'expired') ledger.forgetReports(number)
  else if (said.by === 'id') ledger.write(number, { ...row, status: ROW_RESOLVED })
}

/** Takes over that a subscriber was asked to confirm an order. */
export function adoptQuestion(core: PartitionCore, said: SaidDecision, number: number): void {
  if (number === -1) return
  const { ledger, layout } = core
  const row = ledger.read(number)
  if (row.attempt !== said.attempt) return
  const { replies } = loopOf(core, row.trigger)
  const order = replies.find(({ confirm }) => confirm !== null && confirm.message === said.message)
  if (order === undefined) return
  ledger.ask(number, nameCode(layout, order.word), said.not_after ?? said.at)
}

function adoptConsequences(core: PartitionCore, said: SaidDecision, what: FeedbackKind): void {
  const trigger = core.compiled.triggerById(said.trigger)
  const orderTag = what === 'ordered' ? (trigger?.spec.loop.orderTag ?? null) : null
  const list = LIST_OF[what]
  if (orderTag === null && list === undefined) return
  const slot = core.index.findOrAdd(said.sub)
  core.alignTables()
  if (orderTag !== null) new ProfilePlaces(core.compiled).setTag(core.tables, slot, orderTag, true)
  if (list === undefined) return
  const bit = 1 << (META_LISTS_SHIFT + LIST_NAMES.indexOf(list))
  core.setMeta(slot, core.meta(slot) | bit)
}
