/** Sentences on what a valid catalog declares but nothing uses: allowed, and usually a mistake. */

import type { Catalog } from '../model/catalog.ts'
import type { Expression } from '../model/expression.ts'
import { placeholdersOf } from '../model/message.ts'
import { isPreviousTag } from '../model/segment.ts'
import { referencesOf } from './references.ts'

/** Notes on unread counters, tags and fields, and on deliveries without a contact window. */
export function catalogNotes(catalog: Catalog): readonly string[] {
  const counters = new Set<string>()
  const tags = new Set<string>()
  const fields = new Set<string>()
  const read = (expressions: readonly (Expression | null)[]): void => {
    for (const expression of expressions) {
      if (expression === null) continue
      const references = referencesOf(expression)
      for (const { counter } of references.counters) counters.add(counter)
      for (const tag of references.tags) tags.add(tag)
      for (const field of references.fields) fields.add(field)
    }
  }
  for (const { when, cancelWhen, value, audience, message, oncePerTag } of catalog.triggers) {
    read([when, cancelWhen, value, audience])
    read(placeholdersOf(message).map(({ expression }) => expression))
    if (message.languageField !== null) fields.add(message.languageField)
    if (oncePerTag !== null) tags.add(oncePerTag)
  }
  for (const { enter, goal, exit, steps } of catalog.journeys) {
    read([enter, goal, exit, ...steps.map(({ when }) => when)])
  }
  for (const { where, score, quotas } of catalog.segments) {
    read([where, score, ...quotas.map((quota) => quota.where)])
  }
  for (const { interest } of catalog.counters) {
    if (interest !== null && interest.startField !== null) fields.add(interest.startField)
  }
  if (catalog.regionField !== null) fields.add(catalog.regionField)
  const notes: string[] = []
  const note = (
    what: string,
    declared: readonly { readonly name: string }[],
    known: Set<string>,
  ) => {
    for (const { name } of declared) {
      if (!known.has(name)) notes.push(`${what} ${name} is kept, but no trigger reads it`)
    }
  }
  note('counter', catalog.counters, counters)
  note(
    'tag',
    catalog.tags.filter(({ name }) => !isPreviousTag(name)),
    tags,
  )
  note('field', catalog.fields, fields)
  for (const trigger of catalog.triggers) {
    if (trigger.contactWindow !== null || trigger.action?.kind === 'tag') continue
    notes.push(`trigger ${trigger.id} has no contact window: it may speak to customers at night`)
  }
  return notes
}
