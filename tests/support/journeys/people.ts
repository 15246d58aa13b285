/** What the naive model of journeys keeps of people. */

import type { PlainJourney, PlainStep, Tag } from './plain.ts'

/** Somebody inside a journey. */
export interface Member {
  readonly journey: string
  readonly period: string
  id: number
  /** Name of the step; null: behind the last. */
  step: string | null
  dueMs: number
  firstDueMs: number
  readonly done: Set<string>
}

/** A delivery of a step that waits for its time. */
export interface Pending {
  readonly step: string
  readonly journey: string
  readonly period: string
  readonly id: number
  readonly dueMs: number
  /** The trigger went and came back: it is another one then. */
  readonly trigger: object
}

/** A subscriber. */
export interface Person {
  readonly subscriber: number
  readonly tags: Set<Tag>
  isOptedOut: boolean
  sums: Map<string, number>
  readonly fired: Set<string>
  readonly members: Map<string, Member>
  pending: Pending[]
}

/** What waits for its turn in an input. */
export type Call =
  | {
      readonly what: 'enter'
      readonly person: Person
      readonly journey: string
      readonly period: string
      id: number
    }
  | {
      readonly what: 'goal' | 'exit'
      readonly person: Person
      readonly journey: string
      id: number
    }
  | {
      readonly what: 'step'
      readonly person: Person
      readonly member: Member
      readonly step: PlainStep
      id: number
    }

/** By file name, as the configuration is read. */
export function sorted(journeys: readonly PlainJourney[]): PlainJourney[] {
  return [...journeys].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** What an edit is one of. */
export function shapeOf({ steps }: PlainJourney): string {
  return JSON.stringify(
    steps.map(({ name, wait, when, otherwise }) => [
      name,
      wait.text,
      when?.text,
      when === null ? 'skip' : otherwise,
    ]),
  )
}
