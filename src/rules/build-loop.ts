/** What comes back of deliveries, from its reading: keywords compared, tags and fields found. */

import {
  ATTRIBUTION_DEFAULT_MS,
  type ConfirmSpec,
  type LoopSpec,
  normaliseReply,
  type ReplySpec,
} from '../model/reply.ts'
import { smsLength } from '../model/sms.ts'
import { suggestWord } from '../model/spelling.ts'
import { CONFIRM_DEFAULT_MS, type LoopReading, type ReplyReading } from './loop-grammar.ts'
import type { NameTable } from './names.ts'
import type { Located } from './shape.ts'
import type { TriggerContext } from './trigger-context.ts'
import { type ContactReading, SEGMENTS_DEFAULT } from './trigger-grammar.ts'
import type { YamlSource } from './yaml-source.ts'

/**
 * The loop of a trigger; problems are reported. `isTold`: receipts of all triggers are to be told,
 * or this one's for another reason.
 */
export function buildLoop(
  reading: LoopReading,
  isTold: boolean,
  names: NameTable,
  source: YamlSource,
): LoopSpec {
  const { replies, attribution, onOrder } = reading.values
  const isUsed = [replies, attribution, onOrder].some((value) => value !== undefined)
  return Object.freeze({
    replies: Object.freeze(buildReplies(replies, source)),
    attributionMs: attribution ?? ATTRIBUTION_DEFAULT_MS,
    orderTag: readTag(onOrder?.values.set, names, source),
    isTellingReceipts: isTold || isUsed,
  })
}

/** The enum field that `region` names; null: none, or a problem (reported). */
export function buildRegion(
  region: Located<string> | undefined,
  names: NameTable,
  source: YamlSource | undefined,
): string | null {
  if (region === undefined || source === undefined) return null
  const name = region.value.slice('fields.'.length)
  const field = names.fields.get(name)
  if (field?.type === 'enum') return name
  if (field === undefined && names.isComplete && !names.fields.has(name)) {
    const declared = [...names.fields.keys()].slice(0, 12).join(', ') || 'none'
    const hint = suggestWord(name, names.fields.keys()) ?? `declared in fields: ${declared}`
    source.report(region.node, 'unknown-field', `there is no field "${name}"`, hint)
  } else if (field) {
    const message = `a region is a word of an enum; ${name} is of type ${field.type}`
    source.report(region.node, 'wrong-type', message, `declare ${name}: {type: enum, words: […]}`)
  }
  return null
}

/** Refuses questions that take more SMS than a message of the trigger may. */
export function checkQuestions(
  { replies }: LoopSpec,
  reading: ContactReading,
  channel: string,
  { policy, source }: TriggerContext,
): void {
  if (policy.channels.get(channel)?.spec.isSms !== true) return
  const limit = reading.values.maxSegments?.value ?? SEGMENTS_DEFAULT
  for (const { word, confirm } of replies) {
    const segments = confirm === null ? 0 : smsLength(confirm.message).segments
    if (segments <= limit) continue
    const text = `the question of "${word}" takes ${segments} SMS, and may take ${limit}`
    const hint = `shorten it, or say maxSegments: ${segments}`
    source.report(reading.at('replies'), 'too-many-segments', text, hint)
  }
}

function buildReplies(
  replies: LoopReading['values']['replies'],
  source: YamlSource,
): readonly ReplySpec[] {
  const specs: ReplySpec[] = []
  const spellings = new Map<string, string>()
  for (const [word, { key, value }] of replies ?? []) {
    if (value === undefined) continue
    const normalised = normaliseReply(word)
    const other = spellings.get(normalised)
    if (other !== undefined) {
      const message = `customers cannot tell "${word}" from "${other}"`
      source.report(key, 'duplicate', message, 'case, spaces and full-width letters are forgiven')
    }
    spellings.set(normalised, word)
    const confirm = readConfirm(value, source)
    const { means } = value
    if (means !== undefined) {
      specs.push(Object.freeze({ word, normalised, means, confirm }))
    }
  }
  return specs
}

function readConfirm({ means, steps }: ReplyReading, source: YamlSource): ConfirmSpec | null {
  if (steps === null) return null
  const { confirm, word, within } = steps.values
  const given = (['confirm', 'word', 'within'] as const).find((key) => steps.at(key) !== steps.node)
  if (given === undefined) return null
  if (means !== undefined && means !== 'order') {
    const message = `only an order is confirmed, and this keyword means ${means}`
    source.report(steps.at(given), 'contradiction', message, 'means: order')
    return null
  }
  for (const key of ['confirm', 'word'] as const) {
    if (steps.at(key) !== steps.node) continue
    const message = `an order in two steps needs the key "${key}"`
    const hint = "{ means: order, confirm: 'Reply Y to order.', word: Y, within: 24h }"
    source.report(steps.node, 'missing-key', message, hint)
  }
  if (confirm === undefined || word === undefined) return null
  return Object.freeze({
    message: confirm,
    word: word.value,
    normalised: normaliseReply(word.value),
    withinMs: within ?? CONFIRM_DEFAULT_MS,
  })
}

function readTag(
  tag: Located<string> | undefined,
  names: NameTable,
  source: YamlSource,
): string | null {
  if (tag === undefined) return null
  const spec = names.tags.get(tag.value)
  if (spec && !spec.versioned) return spec.name
  if (spec === undefined && names.isComplete) {
    const declared = [...names.tags.keys()].slice(0, 12).join(', ') || 'none'
    const hint = suggestWord(tag.value, names.tags.keys()) ?? `declared in tags: ${declared}`
    source.report(tag.node, 'unknown-tag', `there is no tag "${tag.value}"`, hint)
  } else if (spec) {
    const message = `the tag "${tag.value}" has versions, and an order has none`
    source.report(tag.node, 'versioned', message, 'name a tag without versions')
  }
  return null
}
