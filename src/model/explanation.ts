/** Why a subscriber got a message of a trigger, did not, or did not yet; for `explain`. */

/** The checks of a candidate, in the order in which they are made. */
export const EXPLAIN_STEPS = [
  'condition',
  'latch',
  'journey',
  'tagging',
  'lists',
  'audience',
  'validity',
  'control-group',
  'schedule',
  'caps',
  'arbitration',
  'cancel',
  'message',
  'capacity',
] as const

export type ExplainStep = (typeof EXPLAIN_STEPS)[number]

/** What was seen at a check: numbers, words, whether something holds; null: not set. */
export type ExplainValues = Readonly<Record<string, number | string | boolean | null>>

/** One check, as it would come out now. */
export interface ExplainCheck {
  readonly step: ExplainStep
  /** `passes`; `stops`: this is why not; `waits`: not before something else happens. */
  readonly verdict: 'passes' | 'stops' | 'waits'
  /** What was asked, in the words of the configuration. */
  readonly text: string
  readonly values: ExplainValues
}

/** What the partition last decided about the trigger and subscriber, and still remembers. */
export interface ExplainedDecision {
  /** `sent` and `held-out` are out; `pending` waits for its time, `waiting` for its channel. */
  readonly status: 'pending' | 'waiting' | 'sent' | 'held-out' | 'refused'
  readonly period: string
  readonly attempt: number
  readonly generation: number
  /** Event time of what made it fire. */
  readonly firedAtMs: number
  /** When it is due, went out or was refused. */
  readonly atMs: number
  /** Counter values that made it fire. */
  readonly values: Readonly<Record<string, number>>
  /** The checks that it passed, up to the one that stopped it. */
  readonly passed: readonly ExplainStep[]
  readonly reason: string | null
  /** Of a cap: which one. */
  readonly detail: string | null
  /** Of `outranked`: the trigger that won. */
  readonly winner: string | null
  /** Of `held-out`: the experiment. */
  readonly experiment: string | null
}

/** The whole answer. Times are ms since the epoch on the partition's clock. */
export interface Explanation {
  readonly subscriber: number
  readonly trigger: string
  readonly partition: number
  readonly clockMs: number
  readonly generation: number
  /** `yes`: sent, or held out in its place; `not-yet`: it may still come; `no`: it was refused. */
  readonly answer: 'yes' | 'no' | 'not-yet'
  /** The answer in one sentence. */
  readonly summary: string
  readonly decision: ExplainedDecision | null
  /** What a record that came now would meet, check by check. */
  readonly checks: readonly ExplainCheck[]
}
