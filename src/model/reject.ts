/**
 * Why an input was refused: a bounded list, each with a counter. The position in the list is the
 * code.
 */
export const REJECT_REASONS = [
  'malformed',
  'truncated',
  'oversized',
  'unsupported-version',
  'missing-field',
  'bad-type',
  'bad-length',
  'negative',
  'not-a-number',
  'not-whole',
  'out-of-range',
  'unknown-code',
  'unknown-name',
  'wrong-partition',
  'foreign-producer',
  'epoch-too-old',
  'seq-too-old',
  'too-late',
  'too-early',
  'unknown-subject',
  'stale-generation',
  'config-invalid',
  'unknown-kind',
  'unknown-delivery',
  'before-genesis',
  'skipped-by-ruling',
  'not-a-canary',
  'message-incomplete',
  'unattributed',
  'bad-time',
] as const

export type RejectReason = (typeof REJECT_REASONS)[number]

/** A refusal of a whole message: what is wrong, where. `detail` holds no subscriber number. */
export interface Reject {
  readonly reason: RejectReason
  /** Path and byte offset or row, e.g. `bytes[17]`, `rows[3][1]`, `offset 812`. */
  readonly position: string
  readonly detail: string
}

/** Thrown by decoders only, once per message, and caught by the partition at once. */
export class RejectError extends Error {
  readonly reject: Reject

  constructor(reason: RejectReason, position: string, detail: string) {
    super(`${reason} at ${position}: ${detail}`)
    this.reject = { reason, position, detail }
  }
}
