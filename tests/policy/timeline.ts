/** What was in force and known of each subscriber when an input's decisions were made. */

import type { PlainInput, PlainList, PlainPolicy, PolicyCase } from './plain.ts'

/** One subscriber at one input, after it was applied. */
export interface PersonAt {
  readonly zone: string
  readonly cycleDay: number
  readonly lists: ReadonlySet<PlainList>
  /** Grows with each erasure of the number. */
  readonly era: number
}

/** One input with all that bears on its decisions. Clock in ms. */
export interface Moment {
  readonly input: PlainInput
  readonly policy: PlainPolicy
  readonly clockMs: number
  personOf(subscriber: number): PersonAt
}

/** The moments of a case, by the sequence of the input. */
export function timelineOf(policyCase: PolicyCase): Map<number, Moment> {
  const { zone, startMs, inputs } = policyCase
  const moments = new Map<number, Moment>()
  let policy = policyCase.policy
  let clockMs = startMs
  let people: ReadonlyMap<number, PersonAt> = new Map()
  for (const input of inputs) {
    if (input.kind === 'config') policy = input.policy
    if (input.kind === 'tick') clockMs = Math.max(clockMs, input.timeMs ?? 0)
    people = peopleAfter(people, input, zone)
    const known = people
    moments.set(input.sequence, {
      input,
      policy,
      clockMs,
      personOf: (subscriber) => known.get(subscriber) ?? nobody(zone, 0),
    })
  }
  return moments
}

function nobody(zone: string, era: number): PersonAt {
  return { zone, cycleDay: 1, lists: new Set(), era }
}

function peopleAfter(
  before: ReadonlyMap<number, PersonAt>,
  input: PlainInput,
  zone: string,
): ReadonlyMap<number, PersonAt> {
  if (input.kind !== 'profile' && input.kind !== 'erase') return before
  const people = new Map(before)
  if (input.kind === 'erase') {
    for (const number of input.subscribers) {
      people.set(number, nobody(zone, (people.get(number)?.era ?? 0) + 1))
    }
    return people
  }
  for (const row of input.rows) {
    const person = people.get(row.subscriber) ?? nobody(zone, 0)
    const lists = new Set(person.lists)
    for (const [list, isOn] of Object.entries(row.lists)) {
      if (isOn) lists.add(list as PlainList)
      else lists.delete(list as PlainList)
    }
    const moved = row.zone === undefined ? person.zone : (row.zone ?? zone)
    const cycleDay = row.cycleDay ?? person.cycleDay
    people.set(row.subscriber, { ...person, zone: moved, cycleDay, lists })
  }
  return people
}
