/** `daysSince(x)` and `daysUntil(x)` of segments: of a date, or of the time of a counter. */

import type { Expression } from '../model/expression.ts'
import type { Typed } from './condition-types.ts'
import { makeNegate } from './fold.ts'
import type { NameTable } from './names.ts'

/** The functions that count days. */
export const DAY_FUNCTIONS = ['daysSince', 'daysUntil'] as const

/** One of them, by name. */
export type DayFunction = (typeof DAY_FUNCTIONS)[number]

/**
 * The node of a call, or why it is not possible. `argument` is the one argument, compiled.
 * Since a date: whole days of the subscriber's calendar. Since a time: full days of 24 hours, and
 * nothing at all while the counter has seen nothing.
 */
export function daysNode(
  name: DayFunction,
  argument: Typed,
  names: NameTable,
): Expression | { readonly problem: string; readonly hint: string } {
  const of = argument.type === 'date' ? 'date' : isTime(argument, names) ? 'time' : null
  if (of === null || !('node' in argument)) {
    const problem = `${name}() takes a date, or a counter of the last time`
    return { problem, hint: `like ${name}(fields.trial_ends) or ${name}(seen.lifetime)` }
  }
  const since: Expression = Object.freeze({ kind: 'days-since', of, operand: argument.node })
  return name === 'daysSince' ? since : makeNegate(since)
}

/** Whether a function is one of these. */
export function isDayFunction(name: string): name is DayFunction {
  return DAY_FUNCTIONS.some((each) => each === name)
}

function isTime(typed: Typed, names: NameTable): boolean {
  if (typed.type !== 'number' || typed.node.kind !== 'counter') return false
  return names.counters.get(typed.node.counter)?.aggregate === 'last-time'
}
