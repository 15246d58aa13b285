/**
 * A trigger's reading to its spec: conditions compiled, defaults filled in, contradictions found.
 */

import type { ScheduleSpec, TriggerSpec } from '../model/catalog.ts'
import { CALENDAR_UNITS, type Expression } from '../model/expression.ts'
import { CLASS_DEFAULT, type ContactWindowSpec, everyDay } from '../model/policy.ts'
import { compileAt } from './build-counters.ts'
import type { CompiledCondition } from './condition.ts'
import { canonicalJson } from './identity.ts'
import type { NameTable } from './names.ts'
import { referencesOf } from './references.ts'
import type { Located } from './shape.ts'
import {
  ATTEMPTS_DEFAULT,
  type ContactWindowReading,
  type DeliverReading,
  EXPIRES_DEFAULT_MS,
  PRIORITY_DEFAULT,
  type TriggerReading,
} from './trigger-grammar.ts'
import type { YamlSource } from './yaml-source.ts'

const NO_DAYS: ReadonlySet<number> = new Set()

/** Beyond this lateness a latch per hour does not fit the bits that a latch has. */
export const HOURLY_LATENESS_MAX_MS = 30 * 3_600_000

/** What a trigger is built with: the declared names, the lateness in force, and where notes go. */
export interface TriggerContext {
  readonly names: NameTable
  readonly latenessMs: number
  readonly source: YamlSource
  readonly notes: string[]
}

/** A trigger from its reading, or null when something is wrong with it (reported). */
export function buildTrigger(reading: TriggerReading, context: TriggerContext): TriggerSpec | null {
  const { source, names } = context
  const { values } = reading
  const countBefore = source.problems.length
  const id = values.trigger?.value
  const when = readWhen(reading, context)
  const once = when === null ? null : readOnce(reading, when, context)
  const cancelWhen =
    values.cancelWhen === undefined ? null : readCancel(values.cancelWhen, names, source)
  const oncePerTag = readOncePerTag(values.oncePerTag, names, source)
  const delivery = values.deliver === undefined ? null : readDelivery(values.deliver, id, context)
  const { validFromMs, validToMs } = readValidity(reading, source)
  const { message } = values
  const isWhole = id !== undefined && message !== undefined && delivery !== null
  if (!isWhole || when === null || once === null || source.problems.length > countBefore)
    return null
  const isLateFiring = values.late === 'fire'
  const identity = canonicalJson({ when: when.expression, once, oncePerTag, late: isLateFiring })
  noteConstant(id, when.expression, context)
  return Object.freeze({
    id,
    file: source.file,
    when: when.expression,
    once,
    oncePerTag,
    isLateFiring,
    isFiringExisting: values.reload === 'fire-existing',
    isRetrying: values.retry ?? false,
    class: CLASS_DEFAULT,
    layer: 0,
    priority: values.priority ?? PRIORITY_DEFAULT,
    value: null,
    audience: null,
    controlGroup: null,
    isIgnoringCaps: false,
    isCounted: true,
    overCapacity: 'defer',
    ...delivery,
    caps: Object.freeze(values.cap ?? []),
    cancelWhen,
    validFromMs,
    validToMs,
    message,
    identity,
  })
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

type DeliveryPart = Pick<
  TriggerSpec,
  'channel' | 'schedule' | 'contactWindow' | 'onExpired' | 'attemptsMax'
>

function readDelivery(
  reading: DeliverReading,
  id: string | undefined,
  context: TriggerContext,
): DeliveryPart | null {
  const { values } = reading
  const schedule = values.at?.value ?? { kind: 'now' }
  const contactWindow =
    values.contactWindow === undefined ? null : readContactWindow(values.contactWindow, context)
  if (contactWindow !== null && values.at !== undefined) {
    checkSchedule(schedule, contactWindow, values.at, id, context)
  }
  if (values.channel === undefined) return null
  return {
    channel: values.channel,
    schedule: Object.freeze(schedule),
    contactWindow,
    onExpired: values.onExpired ?? 'reschedule',
    attemptsMax: values.attempts ?? ATTEMPTS_DEFAULT,
  }
}

function readContactWindow(
  reading: ContactWindowReading,
  context: TriggerContext,
): ContactWindowSpec | null {
  const { source } = context
  const { from, to, outside, spread, expires } = reading.values
  if (from === undefined || to === undefined || outside === undefined) return null
  if (from >= to) {
    const message =
      from === to ? 'the contact window never opens' : 'the contact window runs backwards'
    const hint = from === to ? undefined : "it cannot cross midnight; to may be '24:00'"
    source.report(reading.at('to'), 'out-of-range', message, hint)
    return null
  }
  const spreadMs = spread ?? 0
  if (spreadMs > (to - from) * 60_000) {
    const message = 'the spread is longer than the contact window is open'
    source.report(reading.at('spread'), 'out-of-range', message)
  }
  const expiresMs = expires ?? EXPIRES_DEFAULT_MS
  const openings = Object.freeze(everyDay(Object.freeze({ fromMinute: from, toMinute: to })))
  return Object.freeze({ openings, holidays: NO_DAYS, outside, spreadMs, expiresMs })
}

/** A wall-clock moment outside the contact window: with drop nothing would ever be sent. */
function checkSchedule(
  schedule: ScheduleSpec,
  window: ContactWindowSpec,
  at: Located<ScheduleSpec>,
  id: string | undefined,
  context: TriggerContext,
): void {
  if (schedule.kind !== 'at') return
  const { minuteOfDay } = schedule
  const isInside = window.openings.some(
    (opening) =>
      opening !== null && minuteOfDay >= opening.fromMinute && minuteOfDay < opening.toMinute,
  )
  if (isInside) return
  if (window.outside === 'drop') {
    const message = 'this moment is always outside the contact window, so everything is dropped'
    context.source.report(at.node, 'out-of-range', message, 'move it inside, or outside: defer')
  } else if (id !== undefined) {
    context.notes.push(
      `trigger ${id}: its moment of delivery is outside its contact window, so every delivery is deferred`,
    )
  }
}

function readValidity(
  reading: TriggerReading,
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
