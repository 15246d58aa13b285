/**
 * The grammar of what comes back of deliveries: replies, attribution, orders of a trigger, and the
 * keys beside all triggers. Each key is said once, here.
 */

import { isScalar } from 'yaml'
import { REPLY_MEANINGS, type ReplyMeaning } from '../model/reply.ts'
import { durationOf, oneOf, patternOf, textOf } from './scalar-shapes.ts'
import {
  dictionaryOf,
  located,
  type Naming,
  optional,
  type RecordReading,
  recordOf,
  required,
  type Shape,
} from './shape.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Keywords of one trigger, and their length in UTF-16 units. */
export const REPLIES_MAX = 32
export const KEYWORD_LENGTH_MAX = 32
/** How long what a subscriber does may be put down to a delivery. */
export const ATTRIBUTION_MIN_MS = HOUR_MS
export const ATTRIBUTION_MAX_MS = 92 * DAY_MS
/** How long the word that confirms an order may take. */
export const CONFIRM_MIN_MS = 60_000
export const CONFIRM_MAX_MS = 7 * DAY_MS
export const CONFIRM_DEFAULT_MS = DAY_MS
/** Longest question, UTF-16 units. */
export const QUESTION_LENGTH_MAX = 1000

/** How keywords look: anything that can be typed, and at least one letter or digit of it. */
const KEYWORD: Naming = {
  pattern: new RegExp(`^(?=.*[\\p{L}\\p{N}])[^\\p{C}]{1,${KEYWORD_LENGTH_MAX}}$`, 'u'),
  advice: `a keyword has a letter or a digit, and at most ${KEYWORD_LENGTH_MAX} characters; quote numbers and words like "yes"`,
}

const keyword = patternOf('a keyword', KEYWORD.pattern, KEYWORD.advice)
const meaning = oneOf(REPLY_MEANINGS)

const twoSteps = recordOf('a reply', {
  means: required(meaning, 'What the keyword stands for: order, opt-out or response.'),
  confirm: optional(
    textOf(QUESTION_LENGTH_MAX),
    'Of an order: the question that is sent back; only the word confirms the order.',
  ),
  word: optional(located(keyword), 'The word that confirms it.'),
  within: optional(
    durationOf(CONFIRM_MIN_MS, CONFIRM_MAX_MS),
    'How long after the question the word still counts.',
    '24h',
  ),
})

type TwoStepsReading = NonNullable<ReturnType<typeof twoSteps.read>>

/** What one keyword stands for: a word, or a mapping for an order in two steps. */
export type ReplyReading =
  | { readonly means: ReplyMeaning; readonly steps: null }
  | { readonly means: ReplyMeaning | undefined; readonly steps: TwoStepsReading }

const reply: Shape<ReplyReading> = {
  schema: { anyOf: [meaning.schema, twoSteps.schema] },
  read(node, source) {
    if (isScalar(node)) {
      const means = meaning.read(node, source)
      return means === undefined ? undefined : { means, steps: null }
    }
    const steps = twoSteps.read(node, source)
    return steps === undefined ? undefined : { means: steps.values.means, steps }
  },
}

const declaredTag = patternOf(
  'the name of a tag',
  /^[a-z][a-z0-9_]{0,62}$/,
  'a tag of the catalog, like has_pack',
)

/** What a trigger may say of what comes back. */
export const loopKeys = {
  replies: optional(
    dictionaryOf('replies', reply, REPLIES_MAX, KEYWORD),
    'What replies mean, by keyword: { VIP: order, TD: opt-out, INFO: response }; spaces, case and full-width letters are forgiven.',
  ),
  attribution: optional(
    durationOf(ATTRIBUTION_MIN_MS, ATTRIBUTION_MAX_MS),
    'How long after a delivery what its subscriber does is put down to it, where nobody says the id.',
    '7d',
  ),
  onOrder: optional(
    recordOf('onOrder', {
      set: required(located(declaredTag), 'The tag that an order sets: has_pack.'),
    }),
    'What an order does, however it came.',
  ),
}

/** What is said beside all triggers. */
export const loopCatalogKeys = {
  region: optional(
    located(
      patternOf(
        'a field of the profile',
        /^fields\.[a-z][a-z0-9_]{0,62}$/,
        'an enum field, like fields.province',
      ),
    ),
    'The enum field that says where a subscriber belongs: deliveries, holdouts and outcomes carry its word.',
  ),
  outcomes: optional(
    oneOf(['reactions', 'all']),
    'What of feedback is told in OUT. reactions: what customers do (replied, clicked, ordered, opted-out, complained), and receipts of triggers with replies, attribution, onOrder or verdict; all: receipts (sent, delivered, failed, expired) of every trigger, too.',
    'reactions',
  ),
}

/** The keys of `loopKeys`, read. */
export type LoopReading = Pick<RecordReading<typeof loopKeys>, 'values' | 'at' | 'node'>
