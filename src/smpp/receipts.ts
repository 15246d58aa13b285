/**
 * What an SMSC says of a message that it took over: in optional parameters, or in a text that
 * appendix B of SMPP 3.4 shows as an example and everybody writes a little differently.
 */

/** Kinds of esm_class (bits 2 to 5) of a deliver_sm. */
const KIND_MASK = 0x3c
const KIND_RECEIPT = 0x04
const KIND_INTERMEDIATE = 0x20

/** Final states; others say that it is still under way. */
const STATES: Readonly<Record<number, 'delivered' | 'failed'>> = {
  2: 'delivered',
  3: 'failed',
  4: 'failed',
  5: 'failed',
  8: 'failed',
}
const STATE_WORDS: Readonly<Record<string, 'delivered' | 'failed'>> = {
  DELIVRD: 'delivered',
  EXPIRED: 'failed',
  DELETED: 'failed',
  UNDELIV: 'failed',
  REJECTD: 'failed',
}
const RECEIPT_TEXT = /\bid:\s*(\S+)[\s\S]*?\bstat:\s*([A-Za-z]+)/i

/** A receipt; `state` null: it is not final. */
export interface Receipt {
  readonly id: string
  readonly state: 'delivered' | 'failed' | null
}

/** What of a deliver_sm matters here. */
export interface Delivered {
  readonly esmClass: number
  /** `receipted_message_id` and `message_state`; undefined: not there. */
  readonly receiptedId: unknown
  readonly messageState: unknown
  readonly text: string
}

/** Whether a deliver_sm is about a message of ours instead of being one. */
export function isReceipt({ esmClass }: Delivered): boolean {
  const kind = esmClass & KIND_MASK
  return kind === KIND_RECEIPT || kind === KIND_INTERMEDIATE
}

/** The receipt in a deliver_sm; null: it cannot be understood. */
export function readReceipt({ receiptedId, messageState, text }: Delivered): Receipt | null {
  const match = RECEIPT_TEXT.exec(text)
  const id = idOf(receiptedId) ?? match?.[1] ?? null
  if (id === null) return null
  if (typeof messageState === 'number') return { id, state: STATES[messageState] ?? null }
  const word = match?.[2]?.toUpperCase()
  return word === undefined ? null : { id, state: STATE_WORDS[word] ?? null }
}

/** How an SMSC writes the same id in its answer and in its receipt. */
export type ReceiptIds = 'same' | 'answer-hex' | 'receipt-hex'

/**
 * Both spellings as one: some write the answer's id in hex and the receipt's in decimal, or the
 * other way round; leading zeros do not count where they are numbers.
 */
export function normaliseId(id: string, side: 'answer' | 'receipt', ids: ReceiptIds): string {
  if (ids === 'same') return id
  const isHex = (ids === 'answer-hex') === (side === 'answer')
  const pattern = isHex ? /^[0-9a-f]{1,32}$/i : /^[0-9]{1,38}$/
  if (!pattern.test(id)) return id
  return BigInt(isHex ? `0x${id}` : id).toString()
}

function idOf(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const id = value.replace(/\0+$/, '')
  return id === '' ? null : id
}
