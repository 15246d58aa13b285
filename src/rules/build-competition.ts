/**
 * What a trigger says of its place in the policy: class, layer, value, audience, control group,
 * and its relation to the caps of others.
 */

import type { TriggerSpec } from '../model/catalog.ts'
import type { Expression } from '../model/expression.ts'
import { CLASS_DEFAULT, type ClassSpec } from '../model/policy.ts'
import { suggestWord } from '../model/spelling.ts'
import { compileAt } from './build-counters.ts'
import type { PolicyEntry } from './build-policy.ts'
import type { TriggerContext } from './trigger-context.ts'
import type { TriggerReading } from './trigger-grammar.ts'

/** What a trigger takes from the policy and says under it. */
export type CompetitionPart = Pick<
  TriggerSpec,
  'layer' | 'value' | 'audience' | 'controlGroup' | 'isIgnoringCaps' | 'isCounted'
>

/** The class of a trigger; null when it is unknown or broken, and reported. */
export function findClass(
  reading: TriggerReading,
  context: TriggerContext,
): PolicyEntry<ClassSpec> | null {
  const { classes } = context.policy
  const name = reading.values.class
  const isBroken = name === undefined && reading.at('class') !== reading.node
  const found = isBroken ? null : classes.get(name?.value ?? CLASS_DEFAULT)
  if (found !== undefined) return found
  if (!context.names.isComplete || !context.policy.isKnown('classes')) return null
  const known = [...classes.keys()]
  const hint = suggestWord(name!.value, known) ?? `classes are: ${known.slice(0, 12).join(', ')}`
  context.source.report(name!.node, 'unknown-class', `there is no class "${name!.value}"`, hint)
  return null
}

/** The trigger's part in the competition; what is wrong with it is reported. */
export function buildCompetition(
  reading: TriggerReading,
  messageClass: ClassSpec,
  context: TriggerContext,
): CompetitionPart {
  const { values } = reading
  const { source, policy } = context
  const id = values.trigger?.value ?? '?'
  return {
    layer: readLayer(reading, context),
    value: readValue(reading, context),
    audience: readAudience(reading, context),
    controlGroup:
      values.controlGroup === undefined
        ? null
        : policy.experiments.add(values.controlGroup, id, source),
    isIgnoringCaps: values.ignoresCaps ?? messageClass.isIgnoringCaps,
    isCounted: values.countsTowardCaps ?? messageClass.isCounted,
  }
}

/** Position of the trigger's layer; the weakest one where it names none. */
function readLayer(reading: TriggerReading, context: TriggerContext): number {
  const { arbitration } = context.policy.spec
  const layers = arbitration?.layers ?? []
  const name = reading.values.layer
  if (name === undefined) return Math.max(0, layers.length - 1)
  const position = layers.indexOf(name.value)
  if (position >= 0) return position
  if (arbitration !== null) {
    const hint = suggestWord(name.value, layers) ?? `layers are: ${layers.join(', ')}`
    const message = `there is no layer "${name.value}"`
    context.source.report(name.node, 'unknown-layer', message, hint)
  } else if (context.names.isComplete && context.policy.isKnown('arbitration')) {
    const message = 'layers are those of the arbitration, but there is none'
    const hint = `declare arbitration: { layers: [${name.value}, …] }, or leave layer out`
    context.source.report(name.node, 'not-allowed', message, hint)
  }
  return 0
}

function readValue(reading: TriggerReading, context: TriggerContext): Expression | null {
  const text = reading.values.value
  if (text === undefined) return null
  return compileAt(text, 'value', context.names, context.source)?.expression ?? null
}

function readAudience(reading: TriggerReading, context: TriggerContext): Expression | null {
  const text = reading.values.audience
  if (text === undefined) return null
  const { names, source, notes } = context
  const compiled = compileAt(text, 'audience', names, source)
  if (compiled === null) return null
  const { expression, isReading } = compiled
  if (!isReading) {
    const message = 'the audience reads nothing of the subscriber'
    source.report(text.node, 'condition-constant', message, 'read a tag, field or list')
  } else if (expression.kind === 'bool') {
    const who = expression.value ? 'everybody is' : 'nobody is'
    const id = reading.values.trigger?.value ?? '?'
    notes.push(`trigger ${id}: with these parameters ${who} in its audience`)
  }
  return expression
}
