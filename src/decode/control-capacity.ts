import type { ControlMessage } from '../model/messages.ts'
import type { Cursor } from './cursor.ts'
import { readProducerName, readWhole } from './fields.ts'

/*
 * The control messages of channels' capacity. ask: partition, channel, period, class?, total;
 * grant: channel, period, class?, total, asked, left. period is an hour or a day: `2026-11-20T13`,
 * `2026-11-20`. Both speak of everybody's share, or of a class's, of one period's limit.
 */

/** Keys of these messages that no kind before them has, in the order of the message's bits. */
export const CAPACITY_KEYS = ['channel', 'period', 'class', 'total', 'asked', 'left'] as const

/** Keys that each kind must have, and may have, beside v, kind and id. */
export const CAPACITY_KEYS_OF_KIND = {
  ask: { required: ['partition', 'channel', 'period', 'total'], allowed: ['class'] },
  grant: { required: ['channel', 'period', 'total', 'asked', 'left'], allowed: ['class'] },
} as const

type CapacityKind = keyof typeof CAPACITY_KEYS_OF_KIND

const TOTAL_MAX = Number.MAX_SAFE_INTEGER
const PERIOD_SIZE_MAX = 16
const PERIOD = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:T(?:[01]\d|2[0-3]))?$/

/** Values as read, before it is known which kind they belong to. */
export interface CapacityDraft {
  channel: string
  period: string
  className: string | null
  total: number
  asked: number
  left: number
}

/** A draft with nothing in it. */
export function emptyCapacityDraft(): CapacityDraft {
  return { channel: '', period: '', className: null, total: 0, asked: 0, left: 0 }
}

/** Reads the value of one of CAPACITY_KEYS. */
export function readCapacityValue(
  cursor: Cursor,
  draft: CapacityDraft,
  key: (typeof CAPACITY_KEYS)[number],
): void {
  switch (key) {
    case 'channel':
      draft.channel = readProducerName(cursor)
      break
    case 'period':
      draft.period = readPeriod(cursor)
      break
    case 'class':
      draft.className = readProducerName(cursor)
      break
    case 'total':
      draft.total = readWhole(cursor, 0, TOTAL_MAX)
      break
    case 'asked':
      draft.asked = readWhole(cursor, 0, TOTAL_MAX)
      break
    case 'left':
      draft.left = readWhole(cursor, 0, TOTAL_MAX)
  }
}

/** What partitions say to each other of capacity, from the values of one message. */
export function finishCapacity(
  kind: CapacityKind,
  id: string,
  { channel, period, className, total, asked, left }: CapacityDraft,
  { partition }: { readonly partition: number },
): Extract<ControlMessage, { kind: CapacityKind }> {
  if (kind === 'ask') return { kind, id, partition, channel, period, class: className, total }
  return { kind, id, channel, period, class: className, total, asked, left }
}

function readPeriod(cursor: Cursor): string {
  const at = cursor.offset
  const period = cursor.readString(PERIOD_SIZE_MAX)
  if (PERIOD.test(period)) return period
  throw cursor.reject('malformed', `neither an hour nor a day at offset ${at}`)
}
