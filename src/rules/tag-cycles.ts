/**
 * Triggers and journeys that set each other off: an action sets or clears a tag, which makes the
 * condition of another true, whose action ends where the first began. Refused, since nobody means
 * it; what a condition reads the other way round (`!tags.rewarded`) stops and does not start.
 */

import type { Node } from 'yaml'
import type { TriggerSpec } from '../model/catalog.ts'
import type { Expression } from '../model/expression.ts'
import type { JourneySpec } from '../model/journey.ts'
import type { YamlSource } from './yaml-source.ts'

/** Where an action stands, by the id of the trigger or step that has it. */
export type ActionPlaces = Map<string, { readonly source: YamlSource; readonly node: Node }>

/** A change of a tag that makes something true, or that something makes. */
interface TagChange {
  readonly tag: string
  readonly value: boolean
}

interface Starter {
  /** `trigger a`, `journey b`. */
  readonly name: string
  readonly startedBy: readonly TagChange[]
  readonly actions: readonly (TagChange & { readonly trigger: string })[]
}

/** Reports each cycle once, at the action that closes it. */
export function checkTagCycles(
  triggers: readonly TriggerSpec[],
  journeys: readonly JourneySpec[],
  places: ActionPlaces,
): void {
  const starters = startersOf(triggers, journeys)
  const states = new Map<Starter, 'open' | 'done'>()
  const path: Starter[] = []
  const visit = (starter: Starter): void => {
    states.set(starter, 'open')
    path.push(starter)
    for (const { tag, value, trigger } of starter.actions) {
      for (const next of starters) {
        if (!next.startedBy.some((change) => change.tag === tag && change.value === value)) continue
        const state = states.get(next)
        if (state === undefined) visit(next)
        if (state === 'open') report([...path.slice(path.indexOf(next)), next], trigger, places)
      }
    }
    path.pop()
    states.set(starter, 'done')
  }
  for (const starter of starters) if (!states.has(starter)) visit(starter)
}

function report(cycle: readonly Starter[], trigger: string, places: ActionPlaces): void {
  const place = places.get(trigger)
  const way = cycle.map(({ name }) => name).join(' → ')
  const hint = 'let the last action set another tag, or the first condition read another'
  place?.source.report(place.node, 'circular', `these set each other off: ${way}`, hint)
}

/** Only what acts on tags can be part of a cycle. */
function startersOf(
  triggers: readonly TriggerSpec[],
  journeys: readonly JourneySpec[],
): readonly Starter[] {
  const actionsOf = (specs: readonly TriggerSpec[]) =>
    specs.flatMap(({ id, action }) => (action?.kind === 'tag' ? [{ ...action, trigger: id }] : []))
  const starters: Starter[] = []
  for (const spec of triggers) {
    const actions = actionsOf([spec])
    if (spec.firedBy !== 'condition' || actions.length === 0) continue
    starters.push({ name: `trigger ${spec.id}`, startedBy: changesInto(spec.when), actions })
  }
  for (const { id, enter } of journeys) {
    const actions = actionsOf(triggers.filter(({ journey }) => journey?.journey === id))
    if (actions.length === 0) continue
    starters.push({ name: `journey ${id}`, startedBy: changesInto(enter), actions })
  }
  return starters
}

/** Changes of one tag each that may turn the condition true. */
function changesInto(condition: Expression): TagChange[] {
  const changes: TagChange[] = []
  const walk = (node: Expression, values: readonly boolean[]): void => {
    switch (node.kind) {
      case 'tag':
        for (const value of values) changes.push({ tag: node.tag, value })
        return
      case 'not':
        walk(
          node.operand,
          values.map((value) => !value),
        )
        return
      case 'and':
      case 'or':
        for (const operand of node.operands) walk(operand, values)
        return
      case 'conditional':
        walk(node.test, BOTH)
        walk(node.consequent, values)
        walk(node.alternate, values)
        return
      case 'compare':
      case 'arithmetic':
        walk(node.left, BOTH)
        walk(node.right, BOTH)
        return
      case 'negate':
      case 'days-since':
      case 'in':
        walk(node.operand, BOTH)
        return
      default:
        return
    }
  }
  walk(condition, [true])
  return changes
}

const BOTH = [true, false] as const
