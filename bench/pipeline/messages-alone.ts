/**
 * The machine alone on messages of one record, a process of its own: args store directory, seed,
 * messages, form. Loads the image that the pipeline starts from; no broker, no store, decisions
 * encoded and dropped.
 */

import type { InputMessage } from '../../src/model/ports.ts'
import { loadImage, readManifestHead } from '../../src/partition/image.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { Singles } from './singles.ts'

const RUNS = 5
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
  const messages: InputMessage[] = []
  for (let i = 0; i < messagesPerRun; i++) {
    const timestampMs = Date.now()
    messages.push({ sequence: machine.sequence + 1 + i, timestampMs, ...singles.next(timestampMs) })
  }
  const startedAtMs = performance.now()
  for (const message of messages) {
    machine.apply(message)
    if (machine.outbox.waitingCount >= LIMITS.batchDecisionsMax) machine.outbox.take(1, LIMITS)
  }
  rates.push((messagesPerRun * 1000) / (performance.now() - startedAtMs))
}
await new Promise((resolve) => process.send?.(rates, resolve))
process.disconnect()
