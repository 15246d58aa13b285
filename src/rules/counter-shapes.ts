/**
 * Shapes of what counters and their dictionaries say beyond single words: groups of words, the
 * cells of a place, what feedback does to an interest.
 */

import { isScalar, isSeq, type Node } from 'yaml'
import { decimal, oneOf, patternOf } from './scalar-shapes.ts'
import {
  listOf,
  located,
  type Located,
  NAME_PATTERN,
  optional,
  recordOf,
  refuse,
  required,
  type Shape,
  textScalar,
} from './shape.ts'

/** Words of one group at most. */
export const GROUP_WORDS_MAX = 1024
/** Different apps that one counter can tell apart: a bit each, per counter window. */
export const DISTINCT_APPS_MAX = 256
/** Cells of all places together; ranges count with each of their cells. */
export const CELLS_MAX = 200_000
/** Largest cell code; 0 stands for records without a cell. */
export const CELL_MAX = 0xffff_ffff
/** Largest weight of a record or of a report in an interest. */
export const WEIGHT_MAX = 1_000_000

const word = patternOf('a word', NAME_PATTERN, 'words are lower-case letters, digits and _')

/** Words of a dictionary: a list, each with its place in the text. */
export const wordList = listOf('a group', word, { min: 1, max: GROUP_WORDS_MAX })

const amongList = listOf('among', word, { min: 1, max: DISTINCT_APPS_MAX })

/** The apps that `distinct: apps` tells apart: a list of words, or the name of a group. */
export const among: Shape<readonly Located<string>[] | Located<string>> = {
  schema: { anyOf: [amongList.schema, word.schema] },
  read(node, source) {
    return isSeq(node) ? amongList.read(node, source) : located(word).read(node, source)
  },
}

/** Cells from one code to another, both inclusive. */
export interface CellRange {
  readonly from: number
  readonly to: number
}

const RANGE_ADVICE = 'like 101 or 1000 to 1099'

/** One cell code, or `1000 to 1099`. */
export const cellRange: Shape<CellRange> = {
  schema: {
    anyOf: [
      { type: 'integer', minimum: 1, maximum: CELL_MAX },
      { type: 'string', pattern: '^[1-9][0-9]* to [1-9][0-9]*$' },
    ],
  },
  read(node, source) {
    const range = parseRange(node)
    if (range === null) return refuse(node, source, 'cells are expected', RANGE_ADVICE)
    const { from, to } = range
    if (from < 1 || to > CELL_MAX || !Number.isInteger(from)) {
      source.report(node, 'out-of-range', `cells are whole numbers from 1 to ${CELL_MAX}`)
      return undefined
    }
    if (from > to) {
      source.report(node, 'out-of-range', 'the cells run backwards', `write ${to} to ${from}`)
      return undefined
    }
    return range
  },
}

function parseRange(node: Node): CellRange | null {
  if (isScalar(node) && typeof node.value === 'number') {
    return { from: node.value, to: node.value }
  }
  const match = /^(\d{1,10}) to (\d{1,10})$/.exec(textScalar(node)?.value ?? '')
  return match === null ? null : { from: Number(match[1]), to: Number(match[2]) }
}

/** A place: the cells that cover it. */
export const place = recordOf('a place', {
  cells: required(
    listOf('cells', cellRange, { min: 1, max: CELLS_MAX }),
    'The cells that cover it: [101, 102], or ranges: [1000 to 1099].',
  ),
})

const feedbackWeight = decimal(-WEIGHT_MAX, WEIGHT_MAX)

/** What the reports on one trigger's deliveries add to an interest. */
export const interestFeedback = recordOf('feedback', {
  trigger: required(
    located(patternOf('the id of a trigger', /^[a-z][a-z0-9-]{0,62}$/, 'like sport-news')),
    'The trigger whose deliveries speak about this interest.',
  ),
  sent: optional(feedbackWeight, 'Added when a delivery is reported sent.', 0),
  delivered: optional(feedbackWeight, 'Added when it is reported delivered.', 0),
  failed: optional(feedbackWeight, 'Added when it is reported failed.', 0),
  expired: optional(feedbackWeight, 'Added when it is reported expired.', 0),
  replied: optional(feedbackWeight, 'Added when its subscriber replies.', 0),
  clicked: optional(feedbackWeight, 'Added when its subscriber follows its link.', 0),
  ordered: optional(feedbackWeight, 'Added when its subscriber orders.', 0),
  'opted-out': optional(feedbackWeight, 'Added when its subscriber opts out.', 0),
  complained: optional(feedbackWeight, 'Added when its subscriber complains.', 0),
})

/** Where an interest starts: a number field of the profile. */
export const startField = located(
  patternOf('a field of the profile', /^fields\.[a-z][a-z0-9_]{0,62}$/, 'like fields.interest'),
)

/** What `distinct` counts. */
export const distinctThing = oneOf(['days', 'apps'])

type ReadingOf<S> = S extends Shape<infer T> ? T : never

export type PlaceReading = ReadingOf<typeof place>
export type InterestFeedbackReading = ReadingOf<typeof interestFeedback>
