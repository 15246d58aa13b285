import type { ControlMessage, ShownRow } from '../model/messages.ts'
import { OFFER_PLACES_MAX, SHOWN_ROWS_MAX } from '../model/wire.ts'
import type { Cursor } from './cursor.ts'
import {
  readMap,
  readProducerName,
  readSubscriberNumber,
  readWhole,
  requireKeys,
} from './fields.ts'

/*
 * The control messages of offers on request. shown: rows [{sub, trigger, channel, place}, …], what
 * a worker answered on an inbound channel; accept: sub, trigger, channel, what a customer took.
 */

/** Keys of these messages that no kind before them has, in the order of the message's bits. */
export const OFFER_KEYS = ['rows'] as const

/** Keys that each kind must have, and may have, beside v, kind and id. */
export const OFFER_KEYS_OF_KIND = {
  shown: { required: ['rows'], allowed: [] },
  accept: { required: ['sub', 'trigger', 'channel'], allowed: [] },
} as const

const ROW_KEYS = ['sub', 'trigger', 'channel', 'place'] as const

/** Reads the value of `rows`; to whom the subscribers belong is judged elsewhere. */
export function readShownRows(cursor: Cursor): readonly ShownRow[] {
  const count = cursor.readArraySize()
  if (count < 1 || count > SHOWN_ROWS_MAX) {
    const reason = count < 1 ? 'out-of-range' : 'oversized'
    throw cursor.reject(reason, `${count} rows, 1 to ${SHOWN_ROWS_MAX}`)
  }
  const rows: ShownRow[] = []
  for (let row = 0; row < count; row++) {
    cursor.row = row
    rows.push(readShownRow(cursor))
  }
  cursor.row = -1
  return rows
}

function readShownRow(cursor: Cursor): ShownRow {
  let subscriber = 0
  let trigger = ''
  let channel = ''
  let place = 0
  const seen = readMap(cursor, ROW_KEYS, (key) => {
    if (key === 'sub') subscriber = readSubscriberNumber(cursor)
    else if (key === 'trigger') trigger = readProducerName(cursor)
    else if (key === 'channel') channel = readProducerName(cursor)
    else place = readWhole(cursor, 1, OFFER_PLACES_MAX)
  })
  requireKeys(cursor, ROW_KEYS, ROW_KEYS.length, seen)
  return { subscriber, trigger, channel, place }
}

/** What the keys of an acceptance say, as read. */
export interface AcceptDraft {
  readonly sub: number | null
  readonly trigger: string | null
}

/** The message from what was read; its keys have been checked. */
export function finishAccept(
  id: string,
  { sub, trigger }: AcceptDraft,
  channel: string,
): ControlMessage {
  return { kind: 'accept', id, subscriber: sub!, trigger: trigger!, channel }
}
