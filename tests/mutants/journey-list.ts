/** What keeps journeys from saying twice, too late, or to somebody who has gone. */

import type { Mutant } from './mutant.ts'

const JOURNEYS = 'src/partition/journeys.ts'
const WALKING = ['unit/partition/journeys.test.ts']
const RELOADS = ['unit/partition/journey-reloads.test.ts']
const ACTIONS = ['unit/partition/actions.test.ts']

/** Protections of journeys and actions. */
export const JOURNEY_MUTANTS: readonly Mutant[] = [
  {
    name: 'journey-once-inside',
    protection: 'a subscriber is in a journey once at a time',
    file: JOURNEYS,
    before: 'if (number === -1) this.#enter(journey, row)',
    after: 'if (number < row.slot + 1) this.#enter(journey, row)',
    suites: [...WALKING, 'unit/partition/journeys-model.test.ts'],
  },
  {
    name: 'journey-goal-before-sending',
    protection: 'the goal is asked for again before a deferred delivery of a step goes out',
    file: 'src/partition/deciding.ts',
    before: "return this.journeys.isOut(trigger, slot) ? 'journey-left' : null",
    after: 'return null',
    suites: WALKING,
  },
  {
    name: 'journey-pending-taken-back',
    protection: 'who meets the goal gets nothing more that the steps have pending',
    file: JOURNEYS,
    before: "this.#tools.places.withdraw(other, pending, { reason: 'journey-left' })",
    after: 'continue',
    suites: WALKING,
  },
  {
    name: 'journey-nothing-twice',
    protection: 'a step that was delivered is passed over by who begins again',
    file: JOURNEYS,
    before: '!isStepDone(row, step.number)) {',
    after: 'step.number >= 0) {',
    suites: RELOADS,
  },
  {
    name: 'journey-timer-number',
    protection:
      'who begins again gets a number of their own: the old timer may still lie in the heap',
    file: JOURNEYS,
    before: 'row.id = this.#core.nextCandidateId++',
    after: 'row.plannedMs = 0',
    suites: ['unit/partition/journeys-model.test.ts'],
  },
  {
    name: 'journey-removed-members',
    protection: 'a removed journey ends for who is inside, and its timers with it',
    file: 'src/partition/journey-edits.ts',
    before: 'if (isAsked) core.journeySweep = 0',
    after: 'if (isAsked) core.journeySweep = -1',
    suites: RELOADS,
  },
  {
    name: 'action-held-out',
    protection: 'an action on a tag does nothing to who is held out',
    file: 'src/partition/emitting.ts',
    before: 'if (row.experiment !== 0) {',
    after: "if (row.experiment !== 0 && spec.action?.kind !== 'tag') {",
    suites: ACTIONS,
  },
]
