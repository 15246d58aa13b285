/**
 * A trigger's reading to its spec: conditions compiled, defaults filled in, contradictions found.
 */

import type { ActionSpec } from '../model/action.ts'
import type { TriggerSpec } from '../model/catalog.ts'
import { type MessageSpec, plainMessage } from '../model/message.ts'
import { NOTICE_TRIGGER } from '../model/decision.ts'
import { CALENDAR_UNITS, type Expression } from '../model/expression.ts'
import { buildAction, checkContent } from './build-action.ts'
import { buildCompetition, findClass } from './build-competition.ts'
import { compileAt } from './build-counters.ts'
import { buildDelivery } from './build-delivery.ts'
import { buildMessage } from './build-message.ts'
import { readFiredBy } from './build-offer.ts'
import { checkCaps } from './cap-checks.ts'
import { buildVerdict } from './build-verdict.ts'
import type { CompiledCondition } from './condition.ts'
import { buildLoop, checkQuestions } from './build-loop.ts'
import { canonicalJson } from './identity.ts'
import { checkSegments } from './message-length.ts'
import type { NameTable } from './names.ts'
import { referencesOf } from './references.ts'
import type { Located } from './shape.ts'
import type { TriggerContext } from './trigger-context.ts'
import { PRIORITY_DEFAULT, type TriggerReading } from './trigger-grammar.ts'
import type { YamlSource } from './yaml-source.ts'

/** Beyond this lateness a latch per hour does not fit the bits that a latch has. */
export const HOURLY_LATENESS_MAX_MS = 30 * 3_600_000

/** What a trigger says beside its id and what fires it. */
export type ContactPart = Omit<
  TriggerSpec,
  | 'id'
  | 'file'
  | 'firedBy'
  | 'when'
  | 'once'
  | 'oncePerTag'
  | 'isLateFiring'
  | 'isFiringExisting'
  | 'identity'
>

/** A trigger from its reading, or null when something is wrong with it (reported). */
export function buildTrigger(reading: TriggerReading, context: TriggerContext): TriggerSpec | null {
  const { source, names } = context
  const { values } = reading
  const countBefore = source.problems.length
  const id = values.trigger?.value
  if (values.trigger?.value === NOTICE_TRIGGER) {
    const message = `"${NOTICE_TRIGGER}" is what messages to the operator's own people are called`
    source.report(values.trigger.node, 'bad-name', message, 'choose another id')
  }
  const when = readWhen(reading, context)
  const once = when === null ? null : readOnce(reading, when, context)
  const oncePerTag = readOncePerTag(values.oncePerTag, names, source)
  const contact = buildContact(reading, context)
  if (id === undefined || when === null || once === null || contact === null) return null
  const firedBy = readFiredBy(reading, contact.channel, context)
  if (source.problems.length > countBefore) return null
  const isLateFiring = values.late === 'fire'
  const identity = canonicalJson({
    ...{ when: when.expression, once, oncePerTag, late: isLateFiring },
    // Who turns from one into the other does not fire for all who are above the line.
    ...(firedBy === 'request' ? { firedBy } : {}),
  })
  noteConstant(id, when.expression, context)
  return Object.freeze({
    id,
    file: source.file,
    firedBy,
    when: when.expression,
    once,
    oncePerTag,
    isLateFiring,
    isFiringExisting: values.reload === 'fire-existing',
    ...contact,
    identity,
  })
}

/** Everything but what fires it, or null when something is wrong with that (reported). */
export function buildContact(reading: TriggerReading, context: TriggerContext): ContactPart | null {
  const { source, names } = context
  const { values } = reading
  const id = values.trigger?.value
  const cancelWhen =
    values.cancelWhen === undefined ? null : readCancel(values.cancelWhen, names, source)
  const messageClass = findClass(reading, context)
  const delivery =
    values.deliver === undefined ? null : buildDelivery(values.deliver, id, messageClass, context)
  const competition =
    messageClass === null ? null : buildCompetition(reading, messageClass.spec, context)
  const caps = values.cap === undefined ? [] : checkCaps(values.cap, source)
  const { validFromMs, validToMs } = readValidity(reading, source)
  const verdict = values.verdict === undefined ? null : buildVerdict(values.verdict, id, source)
  const isTold = context.isTellingReceipts || values.verdict !== undefined
  const loop = buildLoop(reading, isTold, names, source)
  if (delivery !== null) checkQuestions(loop, reading, delivery.channel, context)
  const message = readMessage(reading, delivery?.channel, context)
  if (!checkContent(reading, context)) return null
  const action = values.action === undefined ? null : buildAction(values.action, context)
  if (id !== undefined && values.action !== undefined) {
    context.actionPlaces.set(id, { source, node: reading.at('action') })
  }
  if (message === null || (message === undefined && action === null)) return null
  if (messageClass === null || competition === null || delivery === null) return null
  return {
    isRetrying: values.retry ?? false,
    class: messageClass.spec.name,
    priority: values.priority ?? PRIORITY_DEFAULT,
    ...competition,
    ...delivery,
    caps: Object.freeze(caps),
    cancelWhen,
    validFromMs,
    validToMs,
    message: message ?? plainMessage(''),
    ...(action === null ? {} : { action, ...capsOf(action, reading) }),
    loop,
    ...(verdict === null ? {} : { verdict }),
  }
}

/** Nobody is spoken to by a change of a tag: it takes nobody's place, unless it says so. */
function capsOf(
  action: ActionSpec,
  { values }: TriggerReading,
): Partial<Pick<TriggerSpec, 'isIgnoringCaps' | 'isCounted'>> {
  if (action.kind !== 'tag') return {}
  return {
    isIgnoringCaps: values.ignoresCaps ?? true,
    isCounted: values.countsTowardCaps ?? false,
  }
}

/** The message, undefined where there is none; null: something is wrong with it (reported). */
function readMessage(
  reading: TriggerReading,
  channel: string | undefined,
  context: TriggerContext,
): MessageSpec | null | undefined {
  const { message, trigger } = reading.values
  if (message === undefined) return undefined
  const { names, source } = context
  const spec = buildMessage(message, { names, source })
  if (spec !== null && channel !== undefined) {
    checkSegments(spec, reading, channel, trigger?.value, context)
  }
  return spec
}

function readWhen(reading: TriggerReading, context: TriggerContext): CompiledCondition | null {
  const text = reading.values.when
  if (text === undefined) return null
  const { source } = context
  const compiled = compileAt(text, 'when', context.names, source)
  if (compiled === null) return null
  const { expression } = compiled
  const isAlwaysTrue = expression.kind === 'bool' && expression.value
  if (compiled.isReading && !isAlwaysTrue) return compiled
  const message = compiled.isReading
    ? 'the condition is always true'
    : 'the condition reads nothing of the subscriber'
  source.report(text.node, 'condition-constant', message, 'read a counter, tag, field or list')
  return null
}

function readOnce(
  reading: TriggerReading,
  when: CompiledCondition,
  context: TriggerContext,
): TriggerSpec['once'] | null {
  const { source, latenessMs } = context
  const isGiven = reading.at('once') !== reading.node
  const once = reading.values.once ?? (isGiven ? null : shortestUnit(when))
  if (once === null) {
    if (!isGiven) {
      const message =
        'the condition reads no calendar period, so "once" must say how often it fires'
      const hint = `once: ${CALENDAR_UNITS.join(', ')} or ever`
      source.report(reading.at('trigger'), 'missing-key', message, hint)
    }
    return null
  }
  if (once === 'hour' && latenessMs > HOURLY_LATENESS_MAX_MS) {
    const message = 'once: hour needs a lateness of at most 30h'
    const hint = 'set lateness: 30h, or once: day'
    source.report(reading.at(isGiven ? 'once' : 'when'), 'out-of-range', message, hint)
    return null
  }
  return once
}

/**
 * The shortest calendar period that the condition reads after folding, else that its text reads.
 */
function shortestUnit(when: CompiledCondition): TriggerSpec['once'] | null {
  const { counters } = referencesOf(when.expression)
  const read = new Set<string>(counters.map((reference) => reference.counterWindow))
  const units = CALENDAR_UNITS.filter((unit) => read.has(unit))
  return units[0] ?? CALENDAR_UNITS.find((unit) => when.calendarUnits.has(unit)) ?? null
}

function readCancel(
  text: Located<string>,
  names: NameTable,
  source: YamlSource,
): Expression | null {
  const compiled = compileAt(text, 'cancelWhen', names, source)
  if (compiled === null) return null
  if (!compiled.isReading) {
    const message = 'the condition reads nothing of the subscriber'
    source.report(text.node, 'condition-constant', message, 'read a tag, field or list')
  }
  return compiled.expression
}

function readOncePerTag(
  name: Located<string> | undefined,
  names: NameTable,
  source: YamlSource,
): string | null {
  if (name === undefined) return null
  const tag = names.tags.get(name.value)
  if (tag?.versioned) return tag.name
  if (tag === undefined && names.isComplete) {
    const declared = [...names.tags.keys()].slice(0, 12).join(', ') || 'none'
    const message = `there is no tag "${name.value}"`
    source.report(name.node, 'unknown-tag', message, `declared in tags: ${declared}`)
  } else if (tag) {
    const message = `the tag "${tag.name}" has no versions, so one tagging is like another`
    source.report(name.node, 'not-versioned', message, `declare ${tag.name}: {versioned: true}`)
  }
  return null
}

/** The time in which a trigger or journey is in force, in ms; null: unbounded on that side. */
export function readValidity(
  reading: { readonly values: Pick<TriggerReading['values'], 'validity'> },
  source: YamlSource,
): { readonly validFromMs: number | null; readonly validToMs: number | null } {
  const { validity } = reading.values
  const validFromMs = validity?.values.from ?? null
  const validToMs = validity?.values.to ?? null
  if (
    validity !== undefined &&
    validFromMs !== null &&
    validToMs !== null &&
    validFromMs >= validToMs
  ) {
    source.report(validity.at('to'), 'out-of-range', 'the validity ends before it begins')
  }
  return { validFromMs, validToMs }
}

function noteConstant(id: string, when: Expression, context: TriggerContext): void {
  if (when.kind === 'bool') {
    context.notes.push(`trigger ${id}: with these parameters its condition is never true`)
  }
}
