import { Encoder } from '@msgpack/msgpack'
import { assert } from '../errors.ts'
import type { ControlMessage } from '../model/messages.ts'
import type { ControlWriter, ErrandWriter } from '../model/ports.ts'
import { WIRE_VERSION } from '../model/wire.ts'
import { encodeAccept, encodeShown } from './encode.ts'

/*
 * Control messages that partitions send one another. Layouts: decode/control-selection.ts and
 * decode/control-capacity.ts.
 */

/** An errand writer over the control writers of partitions. */
export function createErrandWriter(controlOf: (partition: number) => ControlWriter): ErrandWriter {
  return {
    publish: (partition, message) => controlOf(partition).publish(encodeErrand(message), null),
  }
}

/** Encodes a message that a machine owes, for `control.<p>`. The result is the caller's. */
export function encodeErrand(message: ControlMessage): Uint8Array {
  const { kind, id } = message
  if (kind === 'shown') return encodeShown(message)
  if (kind === 'accept') return encodeAccept(message)
  return encoder.encode({ v: WIRE_VERSION, kind, id, ...bodyOf(message) })
}

const encoder = new Encoder({ ignoreUndefined: true })

function bodyOf(message: ControlMessage): Record<string, unknown> {
  switch (message.kind) {
    case 'select': {
      const { segment, version, atMs, order } = message
      const copied = order && { run: order.run, generation: order.generation, start: order.startMs }
      return { segment, version, at: atMs ?? undefined, ...copied }
    }
    case 'tally': {
      const { run, round, partition, tally } = message
      const { kind: _, ...rest } = tally
      const counts = tally.kind === 'counts' ? { counts: bytesOf(tally.counts) } : rest
      return { run, round, partition, ...counts }
    }
    case 'cut': {
      const { run, round, cut } = message
      const next = cut.next && { digits: cut.next.digits, prefix: bytesOf(cut.next.prefix) }
      return { run, round, thresholds: bytesOf(cut.thresholds), ...next }
    }
    case 'ask': {
      const { partition, channel, period, class: className, total } = message
      return { partition, channel, period, class: className ?? undefined, total }
    }
    case 'grant': {
      const { channel, period, class: className, total, asked, left } = message
      return { channel, period, class: className ?? undefined, total, asked, left }
    }
    default:
      assert(false, 'no partition owes such a message')
  }
}

/** Words in little-endian bytes. */
function bytesOf(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(4 * words.length)
  const view = new DataView(bytes.buffer)
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word, true)
  return bytes
}
