/**
 * How many bits latches take, and which of them lie side by side. Conditions that a record passes
 * by together, since they draw lines for the same value and ask for the same tags, have latches in
 * the same words, by line: so a word is looked at whole or not at all
 * (partition/condition-blocks.ts). What the order is changes no decision.
 */

import type { TriggerSpec } from '../model/catalog.ts'
import { necessaryParts, valueKey } from '../model/bounds.ts'
import { MS_PER_DAY, MS_PER_HOUR } from './zone.ts'

/** Bits of one group that still lie in the hot row, if they fit; more of them lie apart. */
const HOT_BITS_MAX = 64

/** Periods back for which a latch must be remembered, plus the running one. */
export function latchBitCount(once: string, latenessMs: number, earlinessMs: number): number {
  const shortestMs: Record<string, number> = {
    hour: MS_PER_HOUR,
    day: 23 * MS_PER_HOUR,
    week: 7 * MS_PER_DAY - MS_PER_HOUR,
    month: 28 * MS_PER_DAY - MS_PER_HOUR,
    cycle: 28 * MS_PER_DAY - MS_PER_HOUR,
  }
  const periodMs = shortestMs[once]
  return periodMs === undefined ? 1 : 1 + Math.ceil((latenessMs + earlinessMs) / periodMs)
}

/** What is to be placed: triggers in the order of their latches. */
export interface LatchOrder {
  readonly triggers: readonly TriggerSpec[]
  /** Periods whose latches are too many for the hot row. */
  readonly wide: ReadonlySet<string>
}

/**
 * Orders triggers whose latches have no place yet. Few of a period stay in the order of the files;
 * names decide nothing.
 */
export function orderLatches(
  triggers: readonly TriggerSpec[],
  bitCountOf: (once: string) => number,
): LatchOrder {
  const counts = new Map<string, number>()
  for (const { once } of triggers) counts.set(once, (counts.get(once) ?? 0) + 1)
  const wide = new Set<string>()
  for (const [once, count] of counts) {
    if (count * bitCountOf(once) > HOT_BITS_MAX) wide.add(once)
  }
  const kinds = new Map<string, number>()
  const ranked = triggers.map((trigger, index) => {
    if (!wide.has(trigger.once)) return { trigger, kind: 0, from: index }
    const { bounds, guards } = necessaryParts(trigger.when)
    const first = [...bounds.values()].find(({ from }) => Number.isFinite(from))
    const text = JSON.stringify([first === undefined ? '' : valueKey(first.value), guards])
    const kind = kinds.get(text) ?? kinds.size + 1
    kinds.set(text, kind)
    return { trigger, kind, from: first?.from ?? index }
  })
  ranked.sort((a, b) => a.kind - b.kind || a.from - b.from)
  return { triggers: ranked.map(({ trigger }) => trigger), wide }
}
