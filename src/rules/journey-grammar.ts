/**
 * The grammar of journeys. Each key is said once, here; reading, editor schema and messages come
 * from it. What a step delivers is said like a trigger's (trigger-grammar.ts).
 */

import { CALENDAR_UNITS } from '../model/expression.ts'
import { conditionText } from './catalog-grammar.ts'
import { otherwise, WAIT_MAX_MS, wait } from './journey-shapes.ts'
import { controlGroupOf } from './policy-shapes.ts'
import { durationOf, oneOf, patternOf, textOf } from './scalar-shapes.ts'
import { listOf, located, optional, recordOf, required, type Shape } from './shape.ts'
import { contactKeys, DESCRIPTION_LENGTH_MAX, validity } from './trigger-grammar.ts'

/** Journeys in one configuration, and steps of one journey. */
export const JOURNEYS_MAX = 100
export const STEPS_MAX = 50

/** Both become parts of trigger ids, `<journey>--<step>`, with at most 63 characters in all. */
const NAME = /^[a-z](?:[a-z0-9]|-(?!-)){0,29}(?<!-)$/
const ADVICE =
  'lower-case letters, digits and single hyphens, starting with a letter, at most 30 characters'

const {
  controlGroup: _,
  validity: __,
  retry: ___,
  deliver,
  message,
  description,
  ...competing
} = contactKeys

/** One step of a journey. */
const step = recordOf('a step', {
  step: required(
    located(patternOf('the name of a step', NAME, ADVICE)),
    'The name of the step, for good: customers stand at it by name.',
  ),
  wait: optional(
    located(wait),
    'How long after the step before was due, or after entering: 0s, 30d, 1 month, next day 10:00, 7 days 10:00.',
    '0s',
  ),
  when: optional(
    conditionText,
    'Who gets it, in CEL over counters, tags, fields, lists and params; judged when the step is due.',
    'everybody',
  ),
  otherwise: optional(
    located(otherwise),
    'What follows when the condition is false: skip the step, leave the journey, or ask again: wait 1d up to 7d (then leave).',
    'skip',
  ),
  deliver: {
    ...deliver,
    isRequired: false,
    doc: `${deliver.doc} Without it the step only waits, or asks.`,
  },
  message: { ...message, isRequired: false },
  ...competing,
  description,
})

/** Everything that a journey may say. */
export const journeyFile = recordOf('a journey', {
  journey: required(
    located(patternOf('the id of a journey', NAME, ADVICE)),
    'The id of the journey, for good.',
  ),
  enter: required(conditionText, 'Who enters, in CEL: tags.activated && !tags.has_pack.'),
  once: optional(
    oneOf([...CALENDAR_UNITS, 'ever']),
    'A subscriber enters at most once in this period.',
    'ever',
  ),
  late: optional(
    oneOf(['fire', 'ignore']),
    'Whether late records let enter for the past period that they belong to.',
    'ignore',
  ),
  reload: optional(
    oneOf(['fire-existing', 'ignore-existing']),
    'Whether those enter who already meet the condition when a reload brings or changes it.',
    'ignore-existing',
  ),
  goal: optional(
    conditionText,
    'Ends the journey as a success, whenever it holds. Who meets it already does not enter.',
    null,
  ),
  exit: optional(
    conditionText,
    'Ends the journey, whenever it holds. Who meets it already does not enter.',
    null,
  ),
  stay: optional(
    durationOf(0, WAIT_MAX_MS),
    'How long after the last step the goal is still waited for. Left out: 7d where there is a goal, else 0s.',
  ),
  onEdit: optional(
    oneOf(['continue', 'restart', 'leave']),
    'What a reload that moves steps means for customers inside: go on where they stand, begin again, or leave.',
    'continue',
  ),
  controlGroup: optional(
    controlGroupOf('the id of the journey'),
    'Subscribers who walk the steps without getting anything, so that there is somebody to compare with.',
    null,
  ),
  validity: optional(validity, 'The time in which it is entered, and its steps are delivered.'),
  description: optional(textOf(DESCRIPTION_LENGTH_MAX), 'A note for colleagues.'),
  steps: required(listOf('steps', step, { min: 1, max: STEPS_MAX }), 'The steps, in their order.'),
})

type ReadingOf<S> = S extends Shape<infer T> ? T : never

export type JourneyReading = ReadingOf<typeof journeyFile>
export type StepReading = ReadingOf<typeof step>
