/**
 * What comes back of a delivery: the keywords that customers reply with, how long what they do is
 * put down to it, and what follows an order. Made by rules/; frozen.
 */

import type { FeedbackKind } from './messages.ts'

/** What a keyword stands for. An order and an opt-out are responses, too. */
export const REPLY_MEANINGS = ['order', 'opt-out', 'response'] as const

export type ReplyMeaning = (typeof REPLY_MEANINGS)[number]

/** One keyword of a trigger. */
export interface ReplySpec {
  /** As the configuration spells it. */
  readonly word: string
  /** What `normaliseReply` makes of it: what replies are compared with. */
  readonly normalised: string
  readonly means: ReplyMeaning
  /** Of an order in two steps: the question; null: the first reply orders. */
  readonly confirm: ConfirmSpec | null
}

/** The question that asks a customer to confirm an order, and the word that does. */
export interface ConfirmSpec {
  readonly message: string
  readonly word: string
  readonly normalised: string
  /** How long after the question the word still counts, ms. */
  readonly withinMs: number
}

/** What comes back of one trigger's deliveries. */
export interface LoopSpec {
  readonly replies: readonly ReplySpec[]
  /** How long after a delivery what its subscriber does is put down to it, ms. */
  readonly attributionMs: number
  /** Tag that an order sets; null: none. */
  readonly orderTag: string | null
  /** Whether receipts are told as outcomes. What customers do always is. */
  readonly isTellingReceipts: boolean
}

/** How long what subscribers do is put down to a delivery that does not say. */
export const ATTRIBUTION_DEFAULT_MS = 7 * 86_400_000

/** Of a trigger that says nothing, or is configured no more. */
export const NO_LOOP: LoopSpec = {
  replies: [],
  attributionMs: ATTRIBUTION_DEFAULT_MS,
  orderTag: null,
  isTellingReceipts: false,
}

/** The kind of feedback that a keyword amounts to beside `replied`; null: none. */
export function kindOfReply(means: ReplyMeaning): FeedbackKind | null {
  if (means === 'order') return 'ordered'
  return means === 'opt-out' ? 'opted-out' : null
}

/**
 * A reply as keywords are compared: full-width and other compatible forms made plain, without
 * marks that cannot be seen, spaces trimmed and collapsed, case folded the same everywhere.
 */
export function normaliseReply(text: string): string {
  const plain = text.normalize('NFKC').replaceAll(INVISIBLE, '').replaceAll(SPACES, ' ').trim()
  // Upper case first: the two forms of a final sigma and the like fall together.
  return plain.toUpperCase().toLowerCase().normalize('NFKC')
}

/** Format characters (joiners, marks of direction) and control characters that are no space. */
const INVISIBLE = /\p{Cf}|(?!\s)\p{Cc}/gu
const SPACES = /\s+/gu
