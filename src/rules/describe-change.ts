/** What a reload does, in sentences for the person who asked for it. */

import {
  type Catalog,
  type CounterSpec,
  isContinuation,
  type TagSpec,
  type TriggerSpec,
} from '../model/catalog.ts'
import { isPreviousTag } from '../model/segment.ts'
import { describeJourneys } from './describe-journeys.ts'
import { describePolicy } from './describe-policy.ts'
import { canonicalJson } from './identity.ts'

/**
 * Compares the catalog in force with the one about to be. Empty when nothing changes that anybody
 * could notice. Sentences come in a fixed order: counters, tags, fields, policy, triggers,
 * journeys, segments, bounds of time.
 */
export function describeChange(previous: Catalog, next: Catalog): string[] {
  return [
    ...describeCounters(previous, next),
    ...describeNames('tag', declaredTags(previous), declaredTags(next)),
    ...describeNames('field', previous.fields, next.fields),
    ...describePolicy(previous.policy, next.policy),
    ...describeTriggers(previous, next),
    ...describeJourneys(previous, next),
    ...describeSegments(previous, next),
    ...describeTimes(previous, next),
  ]
}

function describeCounters(previous: Catalog, next: Catalog): string[] {
  const old = byName(previous.counters)
  const sentences: string[] = []
  let keptCount = 0
  for (const counter of next.counters) {
    const before = old.get(counter.name)
    old.delete(counter.name)
    if (before === undefined) {
      sentences.push(`counter ${counter.name} is new: ${startOf(counter)}`)
    } else if (!isContinuation(before, counter)) {
      const what = `counter ${counter.name} counts something else now, so it is a new counter`
      sentences.push(`${what}: ${startOf(counter)}`)
    } else {
      const changes = describeWindows(before, counter)
      if (changes.length === 0) keptCount++
      else sentences.push(`counter ${counter.name} keeps its values; ${changes.join('; ')}`)
    }
  }
  for (const name of old.keys()) {
    sentences.push(`counter ${name} is removed, and its values with it`)
  }
  const isWorthSaying = sentences.length > 0 && keptCount > 0
  return isWorthSaying
    ? [...sentences, `${countOf(keptCount, 'counter')} unchanged: values kept`]
    : sentences
}

/** Which of the three ways applies; nothing can be filled in backwards from usage that is gone. */
function startOf(counter: CounterSpec): string {
  const ways = counter.counterWindows.map((window) =>
    window.kind === 'calendar'
      ? `per ${window.unit} wait-for-period (the running ${window.unit} counts from now on only)`
      : `${window.key} start-empty`,
  )
  return ways.join(', ')
}

function describeWindows(before: CounterSpec, after: CounterSpec): string[] {
  const old = new Map(before.counterWindows.map((window) => [window.key, window]))
  const added = after.counterWindows.filter((window) => !old.delete(window.key))
  const changes: string[] = []
  if (added.length > 0) changes.push(`new: ${startOf({ ...after, counterWindows: added })}`)
  if (old.size > 0) changes.push(`no longer kept: ${[...old.keys()].join(', ')}`)
  const appCount = after.apps.length - before.apps.length
  if (appCount > 0) changes.push(`${countOf(appCount, 'app')} more told apart`)
  if (canonicalJson(before.interest) !== canonicalJson(after.interest)) {
    changes.push('it moves and fades differently from now on')
  }
  if (before.keep !== after.keep) {
    const more = after.keep > before.keep ? ', which fill up as periods end' : ''
    changes.push(`${countOf(after.keep, 'past period')} kept instead of ${before.keep}${more}`)
  }
  return changes
}

function declaredTags({ tags }: Catalog): readonly TagSpec[] {
  return tags.filter(({ name }) => !isPreviousTag(name))
}

type Named = { readonly name: string }

function describeNames(what: string, previous: readonly Named[], next: readonly Named[]): string[] {
  const old = byName(previous)
  const sentences: string[] = []
  for (const declared of next) {
    const before = old.get(declared.name)
    old.delete(declared.name)
    if (before === undefined) sentences.push(`${what} ${declared.name} is new: nobody has it yet`)
    else if (canonicalJson(before) !== canonicalJson(declared)) {
      sentences.push(`${what} ${declared.name} is declared differently now`)
    }
  }
  for (const name of old.keys())
    sentences.push(`${what} ${name} is removed, and its values with it`)
  return sentences
}

/** Triggers with the same edit that get a sentence each. */
const EDITS_LISTED_MAX = 5

function describeTriggers(previous: Catalog, next: Catalog): string[] {
  const old = new Map(previous.triggers.map((trigger) => [trigger.id, trigger]))
  const sentences: string[] = []
  const edited = new Map<string, string[]>()
  for (const trigger of next.triggers) {
    const before = old.get(trigger.id)
    old.delete(trigger.id)
    // Who gets it, and when, is said of the journey.
    if (trigger.journey !== undefined && before?.identity !== trigger.identity) continue
    if (before === undefined) sentences.push(`trigger ${trigger.id} is new${existing(trigger)}`)
    else if (before.identity !== trigger.identity) {
      sentences.push(`trigger ${trigger.id} fires on something else now${existing(trigger)}`)
    } else {
      const parts = editedParts(before, trigger).join(', ')
      if (parts !== '') edited.set(parts, [...(edited.get(parts) ?? []), trigger.id])
    }
  }
  for (const [parts, ids] of edited) sentences.push(...describeEdits(ids, parts))
  for (const [id, { journey }] of old) {
    const isLeft = next.journeys.every((each) => each.id !== journey?.journey)
    if (journey !== undefined && isLeft) continue
    sentences.push(`trigger ${id} is removed: what it has pending is not sent`)
  }
  return sentences
}

function describeSegments(previous: Catalog, next: Catalog): string[] {
  const old = byName(previous.segments)
  const sentences: string[] = []
  for (const segment of next.segments) {
    const before = old.get(segment.name)
    old.delete(segment.name)
    if (before === undefined) {
      sentences.push(`segment ${segment.name} is new: selected when its schedule comes next`)
      continue
    }
    if (before.identity !== segment.identity) {
      const what = `segment ${segment.name} selects others now`
      sentences.push(`${what}: a selection under way begins again`)
    }
    if (canonicalJson(before.schedule) !== canonicalJson(segment.schedule)) {
      sentences.push(`segment ${segment.name} is selected at other times now`)
    }
  }
  for (const name of old.keys()) {
    sentences.push(`segment ${name} is removed: its tag stays as it was selected last`)
  }
  return sentences
}

/** Triggers with the same edit; many of them, as when a channel's window moves, in one sentence. */
function describeEdits(ids: readonly string[], parts: string): string[] {
  if (ids.length <= EDITS_LISTED_MAX) return ids.map((id) => `trigger ${id} is edited: ${parts}`)
  const shown = ids.slice(0, EDITS_LISTED_MAX).join(', ')
  return [`${ids.length} triggers are edited: ${parts} (${shown}, …)`]
}

function existing(trigger: TriggerSpec): string {
  return trigger.isFiringExisting
    ? '; it also fires for those who are already above the line'
    : '; those who are already above the line do not fire until the next period'
}

/** Parts of a trigger that may change without moving its line, as people call them. */
const TRIGGER_PARTS: readonly (readonly [keyof TriggerSpec, string])[] = [
  ['message', 'message'],
  ['action', 'action'],
  ['loop', 'what comes back'],
  ['channel', 'channel'],
  ['schedule', 'moment of delivery'],
  ['contactWindow', 'contact window'],
  ['caps', 'cap'],
  ['cancelWhen', 'cancel condition'],
  ['class', 'class'],
  ['layer', 'layer'],
  ['priority', 'priority'],
  ['value', 'value'],
  ['audience', 'audience'],
  ['controlGroup', 'control group'],
  ['isIgnoringCaps', 'whether it ignores caps'],
  ['isCounted', 'whether it counts toward caps'],
  ['overCapacity', 'what happens over capacity'],
  ['validFromMs', 'start of validity'],
  ['validToMs', 'end of validity'],
  ['onExpired', 'what follows when it came too late'],
  ['attemptsMax', 'attempts'],
  ['isRetrying', 'retry'],
  ['isFiringExisting', 'what a reload does'],
]

function editedParts(before: TriggerSpec, after: TriggerSpec): string[] {
  return TRIGGER_PARTS.filter(
    ([key]) => canonicalJson(before[key]) !== canonicalJson(after[key]),
  ).map(([, words]) => words)
}

function describeTimes(previous: Catalog, next: Catalog): string[] {
  const sentences: string[] = []
  if (previous.latenessMs !== next.latenessMs) sentences.push('the lateness is changed')
  if (previous.earlinessMs !== next.earlinessMs) sentences.push('the earliness is changed')
  if (previous.regionField !== next.regionField) {
    const field = next.regionField === null ? 'none' : `fields.${next.regionField}`
    sentences.push(`the region of what goes out is ${field} now`)
  }
  return sentences
}

function byName<T extends Named>(items: readonly T[]): Map<string, T> {
  return new Map(items.map((item) => [item.name, item]))
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
