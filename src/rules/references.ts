/** What an expression reads: the names that decide when it must be judged and what must be kept. */

import type { Expression, ListName } from '../model/expression.ts'
import { walkExpression } from '../model/expression.ts'

/**
 * One counter value that an expression reads; `previous`: calendar periods back, 0 is the running
 * one.
 */
export interface CounterReference {
  readonly counter: string
  readonly counterWindow: string
  readonly previous: number
}

/** Names read by an expression, each once, in order of first appearance. */
export interface References {
  readonly counters: readonly CounterReference[]
  readonly tags: readonly string[]
  readonly lists: readonly ListName[]
  /** Fields read in any way, `has` included. */
  readonly fields: readonly string[]
}

/**
 * Collects everything that `expression` reads. Usage columns are not listed: every record has them.
 */
export function referencesOf(expression: Expression): References {
  const counters = new Map<string, CounterReference>()
  const tags = new Set<string>()
  const lists = new Set<ListName>()
  const fields = new Set<string>()
  walkExpression(expression, (node) => {
    switch (node.kind) {
      case 'counter': {
        const { counter, counterWindow, previous } = node
        const key = `${counter}.${counterWindow}.${previous}`
        if (!counters.has(key)) counters.set(key, { counter, counterWindow, previous })
        return
      }
      case 'tag':
        tags.add(node.tag)
        return
      case 'list':
        lists.add(node.list)
        return
      case 'field':
      case 'has':
        fields.add(node.field)
        return
      default:
        return
    }
  })
  return {
    counters: [...counters.values()],
    tags: [...tags],
    lists: [...lists],
    fields: [...fields],
  }
}

/** Fields read outside `has`: while one of them is unset, the whole condition is false. */
export function fieldsNeeded(expression: Expression): readonly string[] {
  const known = FIELDS_NEEDED.get(expression)
  if (known !== undefined) return known
  const fields = new Set<string>()
  walkExpression(expression, (node) => {
    if (node.kind === 'field') fields.add(node.field)
  })
  const needed = [...fields]
  FIELDS_NEEDED.set(expression, needed)
  return needed
}

/** Asked at each judging; nodes are frozen, so the answer never changes. Bench: profiles. */
const FIELDS_NEEDED = new WeakMap<Expression, readonly string[]>()
