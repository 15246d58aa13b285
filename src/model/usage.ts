/**
 * A decoded batch of usage records, as columns. Owned and reused by the decoder: valid until its
 * next call. All columns have room for `USAGE_BATCH_RECORDS_MAX`; the first `count` entries are the
 * batch.
 */

/** Records in one batch at most; 1 MiB holds fewer of the smallest columnar record (24 bytes). */
export const USAGE_BATCH_RECORDS_MAX = 65_536

/** Largest subscriber number: 15 digits, exact in a double. */
export const SUBSCRIBER_MAX = 999_999_999_999_999

/** Columns of equal room; entries from `count` on are leftovers of earlier batches. */
export interface UsageBatch {
  count: number
  readonly subscribers: Float64Array
  /** Whole bytes (seconds for voice, count for messages), 0 to 2^53-1. */
  readonly usageBytes: Float64Array
  /** Event time, ms since the Unix epoch, whole. */
  readonly timesMs: Float64Array
  readonly rats: Uint8Array
  readonly apps: Uint16Array
  readonly cells: Uint32Array
  readonly kinds: Uint8Array
}

/** Columns with room for some records, all zero. */
export function createColumns(room: number): Omit<UsageBatch, 'count'> {
  return {
    subscribers: new Float64Array(room),
    usageBytes: new Float64Array(room),
    timesMs: new Float64Array(room),
    rats: new Uint8Array(room),
    apps: new Uint16Array(room),
    cells: new Uint32Array(room),
    kinds: new Uint8Array(room),
  }
}

/** Who sent a message and which one it is; the dedupe key of promise 4. */
export interface ProducerStamp {
  probe: string
  epoch: number
  seq: number
}

/** Radio access type codes of 3GPP TS 29.274, table 8.17-1, by the words that conditions use. */
export const RAT_CODES: Readonly<Record<string, number>> = {
  utran: 1,
  geran: 2,
  wlan: 3,
  gan: 4,
  hspa: 5,
  eutran: 6,
  virtual: 7,
  nbiot: 8,
  ltem: 9,
  nr: 10,
}

/** Days of the week by the words that conditions use; the position is the code. */
export const WEEKDAY_WORDS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** Usage kinds by the words that conditions use. */
export const KIND_CODES: Readonly<Record<string, number>> = {
  data: 0,
  voice: 1,
  message: 2,
  login: 3,
  install: 4,
  device: 5,
}
