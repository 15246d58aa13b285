/** Actions of triggers: their grammar, and what is checked once all names are known. */

import { type ActionSpec, CREDIT_AMOUNT_MAX } from '../model/action.ts'
import { suggestWord } from '../model/spelling.ts'
import { decimal, patternOf, textOf } from './scalar-shapes.ts'
import { type Located, located, optional, recordOf, required, type Shape } from './shape.ts'
import type { TriggerContext } from './trigger-context.ts'
import type { TriggerReading } from './trigger-grammar.ts'

/** Decimals of an amount: what systems of accounts keep. */
const AMOUNT_DECIMALS = 4

const credit = recordOf('credit', {
  amount: required(located(decimal(0, CREDIT_AMOUNT_MAX)), 'How much: 2.'),
  unit: required(
    patternOf(
      'a unit',
      /^[A-Za-z][A-Za-z0-9_-]{0,31}$/,
      'units are letters, digits, hyphens and underscores, like yuan, MB, points',
    ),
    'Of what, as the system that grants it says: yuan, MB, points.',
  ),
})

const tagChange = recordOf('tag', {
  set: optional(located(textOf(64)), 'The tag that the customer gets.'),
  clear: optional(located(textOf(64)), 'The tag that the customer loses.'),
})

/** What goes out instead of a message. */
export const action = recordOf('action', {
  credit: optional(
    credit,
    'Grants an amount through the channel: { amount: 2, unit: yuan }. Once per delivery id.',
  ),
  tag: optional(
    tagChange,
    'Sets or clears a tag that has no versions: { set: rewarded }. The engine does it itself.',
  ),
})

type ReadingOf<S> = S extends Shape<infer T> ? T : never
type ActionReading = ReadingOf<typeof action>

/** What a trigger or step says or does; null after reporting that it is nothing, or both. */
export function checkContent(reading: TriggerReading, context: TriggerContext): boolean {
  const { source } = context
  const isGiven = (key: 'message' | 'action') => reading.at(key) !== reading.node
  if (isGiven('message') && isGiven('action')) {
    const text = 'a message and an action exclude each other'
    const hint = 'leave one out; two triggers with the same condition do both'
    source.report(reading.at('action'), 'contradiction', text, hint)
    return false
  }
  if (isGiven('message') || isGiven('action')) return true
  const text = 'a trigger needs the key "message" or the key "action"'
  source.report(reading.node, 'missing-key', text, 'The text that the customer gets.')
  return false
}

/** The action; null after reporting what is wrong with it. */
export function buildAction(reading: ActionReading, context: TriggerContext): ActionSpec | null {
  const { source } = context
  const { credit: granted, tag } = reading.values
  const isGiven = (key: 'credit' | 'tag') => reading.at(key) !== reading.node
  if (isGiven('credit') === isGiven('tag')) {
    const text = 'an action is either a credit or a change of a tag'
    const hint = '{ credit: { amount: 2, unit: yuan } } or { tag: { set: rewarded } }'
    source.report(reading.node, 'contradiction', text, hint)
    return null
  }
  if (tag !== undefined) return buildTagAction(tag, context)
  const amount = granted?.values.amount
  const unit = granted?.values.unit
  if (amount === undefined || unit === undefined) return null
  const isFine = amount.value > 0 && Number(amount.value.toFixed(AMOUNT_DECIMALS)) === amount.value
  if (!isFine) {
    const text = `an amount is above 0 and has at most ${AMOUNT_DECIMALS} decimals`
    source.report(amount.node, 'out-of-range', text)
    return null
  }
  return Object.freeze({ kind: 'credit', amount: amount.value, unit })
}

function buildTagAction(
  reading: ReadingOf<typeof tagChange>,
  context: TriggerContext,
): ActionSpec | null {
  const { set, clear } = reading.values
  const isGiven = (key: 'set' | 'clear') => reading.at(key) !== reading.node
  if (isGiven('set') === isGiven('clear')) {
    const text = 'a tag is either set or cleared'
    context.source.report(reading.node, 'contradiction', text, '{ set: rewarded }')
    return null
  }
  const name = set ?? clear
  if (name === undefined || !isSettable(name, context)) return null
  return Object.freeze({ kind: 'tag', tag: name.value, value: set !== undefined })
}

/** Whether there is such a tag and it has no versions; reports where not. */
export function isSettable(name: Located<string>, { names, source }: TriggerContext): boolean {
  const tag = names.tags.get(name.value)
  if (tag?.versioned === false) return true
  // Broken declarations are reported where they stand.
  if (tag === null || (tag === undefined && !names.isComplete)) return false
  if (tag === undefined && !names.segments.has(name.value)) {
    const declared = [...names.tags.keys()]
    const hint =
      suggestWord(name.value, declared) ??
      `declared in tags: ${declared.slice(0, 12).join(', ') || 'none'}`
    source.report(name.node, 'unknown-tag', `there is no tag "${name.value}"`, hint)
    return false
  }
  const what = tag === undefined ? 'is the tag of a segment' : 'has versions'
  const text = `the tag "${name.value}" ${what}, so an action cannot set or clear it`
  source.report(name.node, 'versioned', text, 'declare a tag without versions for it')
  return false
}
