/** Verdicts from their readings, and the triggers that they and reports name. */

import type { VerdictSpec } from '../model/reporting.ts'
import { suggestWord } from '../model/spelling.ts'
import type { VerdictReading } from './reporting-grammar.ts'
import type { Located } from './shape.ts'
import type { YamlSource } from './yaml-source.ts'

/** A verdict from its reading; null when something is wrong with it (reported). */
export function buildVerdict(
  reading: VerdictReading,
  id: string | undefined,
  source: YamlSource,
): VerdictSpec | null {
  const countBefore = source.problems.length
  const { response, order, within, orders, against } = reading.values
  const asked = (['response', 'order', 'against'] as const).filter(
    (key) => reading.at(key) !== reading.node,
  )
  if (asked.length === 0) {
    const hint = 'give response: 5 %, order: 2 %, or both'
    source.report(reading.node, 'missing-key', 'the verdict asks for nothing', hint)
  }
  for (const [key, share] of Object.entries({ response, order })) {
    if (share?.value !== 1) continue
    const message = `no ${key} rate is above 100 %`
    source.report(share.node, 'out-of-range', message)
  }
  if (against !== undefined && against.value === id) {
    const message = 'a trigger cannot be compared with itself'
    source.report(against.node, 'out-of-range', message, 'name the trigger of the others')
  }
  if (source.problems.length > countBefore) return null
  return Object.freeze({
    responseAbove: response?.value ?? null,
    orderAbove: order?.value ?? null,
    withinMs: within ?? null,
    orders: orders ?? 'direct',
    against: against?.value ?? null,
  })
}

/** A verdict's comparison, with the place to complain at. */
export interface PlacedComparison {
  readonly trigger: string
  readonly against: Located<string>
  readonly source: YamlSource
}

/**
 * Reports comparisons with triggers that do not exist (null: not all are known), and circles of
 * comparisons, each once.
 */
export function checkComparisons(
  comparisons: readonly PlacedComparison[],
  known: ReadonlySet<string> | null,
): void {
  const targets = new Map(comparisons.map(({ trigger, against }) => [trigger, against.value]))
  const seen = new Set<string>()
  for (const { trigger, against, source } of comparisons) {
    checkTrigger(against, known, source)
    const path = [trigger]
    for (let next = targets.get(trigger); next !== undefined; next = targets.get(next)) {
      if (next === trigger && path.length > 1 && !seen.has(trigger)) {
        const circle = [...path, trigger].join(' against ')
        const hint = 'leave one of them out'
        source.report(against.node, 'circular', `the comparisons go in a circle: ${circle}`, hint)
        for (const each of path) seen.add(each)
      }
      if (path.includes(next)) break
      path.push(next)
    }
  }
}

/** Reports a trigger that does not exist; `known` null: not all are known. */
export function checkTrigger(
  name: Located<string>,
  known: ReadonlySet<string> | null,
  source: YamlSource,
): void {
  if (known === null || known.has(name.value)) return
  const ids = [...known]
  const hint = suggestWord(name.value, ids) ?? `triggers: ${ids.slice(0, 12).join(', ') || 'none'}`
  source.report(name.node, 'unknown-trigger', `there is no trigger "${name.value}"`, hint)
}
