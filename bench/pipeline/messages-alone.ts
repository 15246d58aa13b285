/**
 * The machine alone on messages of one record, a process of its own: args store directory, seed,
 * messages, form. Loads the image that the pipeline starts from; no broker, no store, decisions
 * encoded and dropped. Messages lie in chunks and are handed over as many at a time as the source
 * does both.
 */

import type { InputMessage } from '../../src/model/ports.ts'
import { loadImage, readManifestHead } from '../../src/partition/image.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { Singles } from './singles.ts'

const RUNS = 5
/** What a socket is read by, what stands around a message there, what a worker takes at once. */
const CHUNK_SIZE = 65_536
const FRAME_SIZE = 100
const TAKE_MAX = 256
const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 524_288 }

const [directory = '', seed = '', messageCount = '', form = ''] = process.argv.slice(2)
const messagesPerRun = Math.floor(Number(messageCount) / RUNS)
const store = await openStore(directory)
const head = readManifestHead(store)
if (head === null) throw new Error('the pipeline left no image')
const machine = new PartitionMachine(0)
const image = loadImage(store, head, machine.outbox, machine.rejects)
machine.adopt(image.core, parseCatalog(image.files).catalog)
await store.close()
// An epoch of its own: the same probes wrote the backlog.
const singles = new Singles(
  Number(seed),
  machine.core!.subscriberCount,
  form === 'rows' ? 'rows' : 'columns',
  2,
)
const rates: number[] = []
for (let run = 0; run < RUNS; run++) {
  const taken = takes(messagesPerRun)
  const startedAtMs = performance.now()
  for (const messages of taken) {
    for (let at = 0; at < messages.length; ) {
      at += machine.applySome(messages, at, messages.length)
      if (machine.outbox.waitingCount >= LIMITS.batchDecisionsMax) machine.outbox.take(1, LIMITS)
    }
  }
  rates.push((messagesPerRun * 1000) / (performance.now() - startedAtMs))
}
await new Promise((resolve) => process.send?.(rates, resolve))
process.disconnect()

/** The next messages as the source would give them. */
function takes(count: number): InputMessage[][] {
  const all: InputMessage[][] = []
  let chunk = new Uint8Array(CHUNK_SIZE)
  let end = 0
  for (let i = 0; i < count; i++) {
    const timestampMs = Date.now()
    const { subject, data } = singles.next(timestampMs)
    if (end + FRAME_SIZE + data.length > CHUNK_SIZE) {
      chunk = new Uint8Array(CHUNK_SIZE)
      end = 0
    }
    const start = end + FRAME_SIZE
    end = start + data.length
    chunk.set(data, start)
    if (i % TAKE_MAX === 0) all.push([])
    const sequence = machine.sequence + 1 + i
    all.at(-1)!.push({ sequence, timestampMs, subject, data: chunk.subarray(start, end) })
  }
  return all
}
