/** Sentences on verdicts, reports and measures that will have nothing to take rates of. */

import type { Catalog, TriggerSpec } from '../model/catalog.ts'

/** Rates are of what gateways reported: notes where nobody asks for their receipts. */
export function reportingNotes({ triggers, reporting }: Catalog): readonly string[] {
  const silent = new Set(triggers.filter((trigger) => !isTelling(trigger)).map(({ id }) => id))
  const advice = 'give it a verdict, or write outcomes: all'
  const notes: string[] = []
  for (const { id, verdict } of triggers) {
    const against = verdict?.against ?? null
    if (against === null || !silent.has(against)) continue
    notes.push(`trigger ${id} is compared with ${against}, whose receipts are not told: ${advice}`)
  }
  for (const { name, triggers: named } of reporting.reports) {
    const untold = (named ?? []).filter((id) => silent.has(id))
    if (untold.length === 0) continue
    const ids = untold.join(', ')
    notes.push(`report ${name} has no targets of ${ids}, whose receipts are not told: ${advice}`)
  }
  for (const { name, kind, trigger } of reporting.watch?.measures ?? []) {
    if (trigger === null || kind === 'deliveries' || !silent.has(trigger)) continue
    notes.push(
      `measure ${name} has nothing to take of ${trigger}, whose receipts are not told: ${advice}`,
    )
  }
  return notes
}

function isTelling({ loop, action }: TriggerSpec): boolean {
  return loop.isTellingReceipts || action?.kind === 'tag'
}
