import { Encoder } from '@msgpack/msgpack'
import { assert } from '../errors.ts'
import type { ControlMessage, FeedbackMessage, ProfileMessage } from '../model/messages.ts'
import type { ProducerStamp } from '../model/usage.ts'
import { MESSAGE_SIZE_MAX, WIRE_VERSION } from '../model/wire.ts'

/*
 * Messages for IN_<p>, as a producer makes them. What a producer gets wrong is refused by the
 * decoder and not looked for here, but for what cannot be encoded at all.
 */

/**
 * Usage records as columns; a UsageBatch is one. Absent columns read as zeros on the other side.
 */
export interface UsageColumns {
  readonly subscribers: Float64Array
  readonly usageBytes: Float64Array
  readonly timesMs: Float64Array
  readonly rats?: Uint8Array
  readonly apps?: Uint16Array
  readonly cells?: Uint32Array
  readonly kinds?: Uint8Array
}

/**
 * One record of the row form: sub, bytes, time, then optionally rat, app, cell, kind (null:
 * default).
 */
export type UsageRow = readonly [
  sub: number,
  bytes: number,
  time: number,
  rat?: number | null,
  app?: number | null,
  cell?: number | null,
  kind?: number | null,
]

/** Bytes of one record in a columnar message with all columns. */
export const COLUMNAR_RECORD_SIZE = 32

/** Most records that fit a message with all columns. */
export const COLUMNAR_RECORDS_MAX = Math.floor((MESSAGE_SIZE_MAX - 256) / COLUMNAR_RECORD_SIZE)

/**
 * Encodes records [start, end) of the columns as a columnar usage batch for
 * `usage.<p>.<stamp.probe>`. The result is a fresh array that the caller owns. Bench:
 * kernels/decode.
 */
export function encodeUsageColumns(
  stamp: ProducerStamp,
  columns: UsageColumns,
  start: number,
  end: number,
): Uint8Array {
  assert(start >= 0 && start <= end && end <= columns.subscribers.length, 'range of records')
  const present = COLUMN_KEYS.filter(([name]) => columns[name] !== undefined)
  const head = encode({
    v: WIRE_VERSION,
    probe: stamp.probe,
    epoch: stamp.epoch,
    seq: stamp.seq,
    n: end - start,
  })
  let size = head.length
  for (const [name, key] of present) {
    size += 1 + key.length + binHeadSize((end - start) * columns[name]!.BYTES_PER_ELEMENT)
    size += (end - start) * columns[name]!.BYTES_PER_ELEMENT
  }
  const message = new Uint8Array(size)
  message.set(head)
  // The head was encoded as a map of five entries; the columns are entries of the same map.
  message[0] = 0x80 | (5 + present.length)
  let offset = head.length
  for (const [name, key] of present) {
    const column = columns[name]!
    const elementSize = column.BYTES_PER_ELEMENT
    offset = writeKey(message, offset, key)
    offset = writeBinHead(message, offset, (end - start) * elementSize)
    const from = column.byteOffset + start * elementSize
    message.set(new Uint8Array(column.buffer, from, (end - start) * elementSize), offset)
    offset += (end - start) * elementSize
  }
  return message
}

/** Encodes records as a usage batch of rows: easier to read, and ten times slower, than columns. */
export function encodeUsageRows(stamp: ProducerStamp, rows: readonly UsageRow[]): Uint8Array {
  const { probe, epoch, seq } = stamp
  return encode({ v: WIRE_VERSION, probe, epoch, seq, rows })
}

/** Encodes profile changes for `profile.<p>.<stamp.probe>`. */
export function encodeProfile(message: ProfileMessage): Uint8Array {
  const { probe, epoch, seq } = message.stamp
  const rows = message.rows.map((row) => ({
    sub: row.subscriber,
    tags: isEmpty(row.tags) ? undefined : row.tags,
    fields: isEmpty(row.fields) ? undefined : row.fields,
    lists: isEmpty(row.lists) ? undefined : row.lists,
    zone: row.zone,
    cycle_day: row.cycleDay,
    delete: row.isDeletion === true ? true : undefined,
  }))
  return encode({ v: WIRE_VERSION, source: probe, epoch, seq, rows })
}

/** Encodes what became of deliveries for `feedback.<p>.<stamp.probe>`. */
export function encodeFeedback(message: FeedbackMessage): Uint8Array {
  const { probe, epoch, seq } = message.stamp
  const rows = message.rows.map((row) => ({
    sub: row.subscriber,
    id: row.deliveryId,
    kind: row.kind,
    time: row.timeMs,
    trigger: row.trigger,
    channel: row.channel,
    text: row.text,
    word: row.word,
  }))
  return encode({ v: WIRE_VERSION, source: probe, epoch, seq, rows })
}

/** Encodes a tick for `control.<p>`; writer and time count for a virtual clock only. */
export function encodeTick(tick: {
  readonly id: string
  readonly writer?: string | null
  readonly timeMs?: number | null
}): Uint8Array {
  const { id, writer, timeMs } = tick
  return encode({
    v: WIRE_VERSION,
    kind: 'tick',
    id,
    writer: writer ?? undefined,
    time: timeMs ?? undefined,
  })
}

/** Encodes the first message of a partition's log, for `control.<p>`. */
export function encodeGenesis(
  genesis: Omit<Extract<ControlMessage, { kind: 'genesis' }>, 'kind'>,
): Uint8Array {
  const { id, partitionCount, partition, zone, clock, generation, files } = genesis
  const wireClock =
    clock.mode === 'virtual'
      ? { mode: clock.mode, writer: clock.writer, start: clock.startMs }
      : { mode: clock.mode }
  return encode({
    v: WIRE_VERSION,
    kind: 'genesis',
    id,
    partitions: partitionCount,
    partition,
    zone,
    clock: wireClock,
    generation,
    files,
  })
}

/** Encodes a whole configuration with its generation, for `control.<p>`. */
export function encodeConfig(
  config: Omit<Extract<ControlMessage, { kind: 'config' }>, 'kind'>,
): Uint8Array {
  const { id, generation, files } = config
  return encode({ v: WIRE_VERSION, kind: 'config', id, generation, files })
}

/** Encodes an erasure for `control.<p>`: of one subscriber (`sub`) or of several (`subs`). */
export function encodeErase(
  erase: Omit<Extract<ControlMessage, { kind: 'erase' }>, 'kind'>,
): Uint8Array {
  const { id, subscribers } = erase
  const who = subscribers.length === 1 ? { sub: subscribers[0] } : { subs: subscribers }
  return encode({ v: WIRE_VERSION, kind: 'erase', id, ...who })
}

/** A test send, for `control.<p>` of the subscriber's partition. */
export function encodeTest(
  test: Omit<Extract<ControlMessage, { kind: 'test' }>, 'kind'>,
): Uint8Array {
  const { id, trigger, subscriber } = test
  return encode({ v: WIRE_VERSION, kind: 'test', id, trigger, sub: subscriber })
}

/** A notice, for `control.<p>` of the number's partition. */
export function encodeNotice(
  notice: Omit<Extract<ControlMessage, { kind: 'notice' }>, 'kind'>,
): Uint8Array {
  const { id, subscriber, channel, message, class: className } = notice
  const body = { sub: subscriber, channel, message, class: className }
  return encode({ v: WIRE_VERSION, kind: 'notice', id, ...body })
}

/** A cancellation, for `control.<p>` of every partition that it may concern. */
export function encodeCancel(
  cancel: Omit<Extract<ControlMessage, { kind: 'cancel' }>, 'kind'>,
): Uint8Array {
  const { id, trigger, channel, subscriber } = cancel
  return encode({
    v: WIRE_VERSION,
    kind: 'cancel',
    id,
    ...(trigger === null ? {} : { trigger }),
    ...(channel === null ? {} : { channel }),
    ...(subscriber === null ? {} : { sub: subscriber }),
  })
}

/** Offers that were answered with, for `control.<p>` of their subscribers' partition. */
export function encodeShown(
  shown: Omit<Extract<ControlMessage, { kind: 'shown' }>, 'kind'>,
): Uint8Array {
  const rows = shown.rows.map(({ subscriber, trigger, channel, place }) => {
    return { sub: subscriber, trigger, channel, place }
  })
  return encode({ v: WIRE_VERSION, kind: 'shown', id: shown.id, rows })
}

/** An offer that a customer takes, for `control.<p>` of the subscriber's partition. */
export function encodeAccept(
  accept: Omit<Extract<ControlMessage, { kind: 'accept' }>, 'kind'>,
): Uint8Array {
  const { id, subscriber, trigger, channel } = accept
  return encode({ v: WIRE_VERSION, kind: 'accept', id, sub: subscriber, trigger, channel })
}

const COLUMN_KEYS: readonly (readonly [keyof UsageColumns, string])[] = [
  ['subscribers', 'sub'],
  ['usageBytes', 'bytes'],
  ['timesMs', 'time'],
  ['rats', 'rat'],
  ['apps', 'app'],
  ['cells', 'cell'],
  ['kinds', 'kind'],
]

const encoder = new Encoder({ ignoreUndefined: true })

/** A copy: the encoder reuses its buffer. */
function encode(value: unknown): Uint8Array {
  return encoder.encode(value)
}

function isEmpty(map: Readonly<Record<string, unknown>>): boolean {
  for (const _ in map) return false
  return true
}

function binHeadSize(size: number): number {
  return size <= 0xff ? 2 : size <= 0xffff ? 3 : 5
}

function writeBinHead(target: Uint8Array, offset: number, size: number): number {
  if (size <= 0xff) {
    target[offset++] = 0xc4
  } else if (size <= 0xffff) {
    target[offset++] = 0xc5
    target[offset++] = size >>> 8
  } else {
    target[offset++] = 0xc6
    target[offset++] = size >>> 24
    target[offset++] = size >>> 16
    target[offset++] = size >>> 8
  }
  target[offset++] = size
  return offset
}

function writeKey(target: Uint8Array, offset: number, key: string): number {
  target[offset++] = 0xa0 | key.length
  for (let i = 0; i < key.length; i++) target[offset++] = key.charCodeAt(i)
  return offset
}
