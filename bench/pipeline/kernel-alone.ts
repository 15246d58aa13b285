/**
 * The kernel alone, a process of its own: args store directory, seed, records, partitions (the
 * image is that of the first of them). Loads the image that the pipeline starts from and applies
 * as many records of the same traffic to it, from memory: no broker, no store, decisions encoded
 * and dropped.
 */

import type { InputMessage } from '../../src/model/ports.ts'
import { loadImage, readManifestHead } from '../../src/partition/image.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { BATCH_RECORDS, Traffic } from './traffic.ts'

const RUNS = 5
const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 524_288 }

const [directory = '', seed = '', records = '', partitions = '1'] = process.argv.slice(2)
const messagesPerRun = Math.floor(Number(records) / BATCH_RECORDS / RUNS)
const store = await openStore(directory)
const head = readManifestHead(store)
if (head === null) throw new Error('the pipeline left no image')
const machine = new PartitionMachine(0)
const image = loadImage(store, head, machine.outbox, machine.rejects)
machine.adopt(image.core, parseCatalog(image.files).catalog)
await store.close()
const part = { index: 0, count: Number(partitions) }
const traffic = new Traffic(Number(seed), machine.core!.subscriberCount, 0, part)
const rates: number[] = []
for (let run = 0; run < RUNS; run++) {
  const messages: InputMessage[] = []
  for (let i = 0; i < messagesPerRun; i++) {
    const timestampMs = Date.now()
    const data = traffic.random(BATCH_RECORDS, timestampMs, 'kernel', 1)
    const sequence = machine.sequence + 1 + i
    messages.push({ sequence, timestampMs, subject: 'usage.0.kernel', data })
  }
  const startedAtMs = performance.now()
  for (const message of messages) {
    machine.apply(message)
    for (let batch = true; batch; ) batch = machine.outbox.take(1, LIMITS) !== null
  }
  rates.push((messagesPerRun * BATCH_RECORDS * 1000) / (performance.now() - startedAtMs))
}
await new Promise((resolve) => process.send?.(rates, resolve))
process.disconnect()
