/**
 * A life maps segments of 16 MiB of which it touches some pages, and a seed has many lives. To make
 * them anew each time costs more than all the rest of a seed: the collector runs after every few of
 * them. So large buffers are kept, cleared as far as rows reached, and handed out again.
 */

import type { PartitionMachine } from '../../src/partition/machine.ts'
import type { PagedTable } from '../../src/state/paged-table.ts'

const LARGE_SIZE_MIN = 1024 * 1024
const KEPT_MAX = 24

const kept = new Map<number, ArrayBuffer[]>()

/** Makes `new ArrayBuffer` of this thread hand out kept buffers, all zeros, where it can. */
export function reuseSegments(): void {
  const Plain = ArrayBuffer
  if (Reflect.get(Plain, IS_REUSING) === true) return
  const reusing = new Proxy(Plain, {
    construct(target, args: [number?, object?], newTarget): ArrayBuffer {
      const size = args[0] ?? 0
      const isPlain = typeof size === 'number' && size >= LARGE_SIZE_MIN && args.length === 1
      const buffer = isPlain ? kept.get(size)?.pop() : undefined
      return buffer ?? (Reflect.construct(target, args, newTarget) as ArrayBuffer)
    },
    get: (target, key) => (key === IS_REUSING ? true : Reflect.get(target, key)),
  })
  globalThis.ArrayBuffer = reusing
}

const IS_REUSING = Symbol('reuses segments')

/** Takes back the segments of a machine that nobody will use any more. */
export function takeBackSegments(machine: PartitionMachine): void {
  const { core } = machine
  if (core === null) return
  for (const table of [...core.tables, core.ledger.table]) takeBack(table)
}

function takeBack(table: PagedTable): void {
  const [first] = table.bytes
  // More than one segment: too large to be worth it.
  if (first === undefined || table.bytes.length > 1) return
  const { buffer } = first
  const free = kept.get(buffer.byteLength) ?? []
  kept.set(buffer.byteLength, free)
  if (!(buffer instanceof ArrayBuffer) || free.length >= KEPT_MAX) return
  new Uint8Array(buffer).fill(0, 0, table.pageCount * table.pageSize)
  free.push(buffer)
}
