/** What a reload does to journeys and to those inside, in sentences. */

import type { Catalog } from '../model/catalog.ts'
import type { JourneySpec } from '../model/journey.ts'
import { canonicalJson } from './identity.ts'

/** Compares the journeys in force with those about to be, in the order of the configuration. */
export function describeJourneys(previous: Catalog, next: Catalog): string[] {
  const old = new Map(previous.journeys.map((journey) => [journey.id, journey]))
  const sentences: string[] = []
  for (const journey of next.journeys) {
    const before = old.get(journey.id)
    old.delete(journey.id)
    if (before === undefined) sentences.push(`journey ${journey.id} is new${existing(journey)}`)
    else sentences.push(...describeEdit(before, journey))
  }
  for (const id of old.keys()) sentences.push(`journey ${id} is removed: who is inside leaves it`)
  return sentences
}

function describeEdit(before: JourneySpec, after: JourneySpec): string[] {
  const { id } = after
  const sentences: string[] = []
  if (before.identity !== after.identity) {
    sentences.push(`journey ${id} is entered by others now${existing(after)}`)
  }
  if (before.shape !== after.shape) sentences.push(describeSteps(before, after))
  const parts = PARTS.filter(
    ([key]) => canonicalJson(before[key]) !== canonicalJson(after[key]),
  ).map(([, words]) => words)
  if (parts.length > 0) sentences.push(`journey ${id} is edited: ${parts.join(', ')}`)
  return sentences
}

const PARTS: readonly (readonly [keyof JourneySpec, string])[] = [
  ['goal', 'goal'],
  ['exit', 'exit'],
  ['stayMs', 'stay'],
  ['onEdit', 'what an edit means'],
  ['controlGroup', 'control group'],
  ['validFromMs', 'start of validity'],
  ['validToMs', 'end of validity'],
  ['isFiringExisting', 'what a reload does'],
]

function describeSteps(before: JourneySpec, after: JourneySpec): string {
  const names = (journey: JourneySpec) => journey.steps.map(({ name }) => name)
  const removed = names(before).filter((name) => !names(after).includes(name))
  const added = names(after).filter((name) => !names(before).includes(name))
  const changes = [
    ...(added.length > 0 ? [`new: ${added.join(', ')}`] : []),
    ...(removed.length > 0 ? [`removed: ${removed.join(', ')}`] : []),
  ]
  const what = changes.length > 0 ? ` (${changes.join('; ')})` : ''
  const ways = {
    continue:
      removed.length > 0
        ? 'who stands at a removed one goes on with the one that followed it'
        : 'who is inside goes on where they stand',
    restart: 'who is inside begins again, without what they had',
    leave: 'who is inside leaves it',
  }
  return `journey ${after.id} has its steps edited${what}: ${ways[after.onEdit]}`
}

function existing(journey: JourneySpec): string {
  return journey.isFiringExisting
    ? '; it is also entered by those who meet its condition already'
    : '; those who meet its condition already do not enter until it is false in between'
}
