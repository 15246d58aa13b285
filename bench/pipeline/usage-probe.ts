/**
 * A probe, a process of its own: args url, subscribers, rate, seconds, and the address of the
 * worker or nothing. Publishes batches of 1,000 records at a fixed rate; rate 0: as fast as the
 * broker stores them and, with the worker's address, as fast as the worker applies them: without, a
 * backlog grows, and what it costs to store it is missing for what applies it. Sends back how many
 * records the broker has.
 */

import { connectToNats } from '../../src/sink/connection.ts'
import { openInputWriter } from '../../src/sink/input-writer.ts'
import { BATCH_RECORDS, Traffic } from './traffic.ts'

/** Few enough that the broker, not a queue, sets the pace. */
const IN_FLIGHT_MAX = 32
/** Batches that the worker may be behind, and how often it is asked. */
const BEHIND_MAX = 400
const ASK_EVERY_MS = 50

const [url = '', subscribers = '', rate = '', seconds = '', workerUrl = ''] = process.argv.slice(2)
const batchesPerMs =
  Number(rate) === 0 ? Number.POSITIVE_INFINITY : Number(rate) / 1e3 / BATCH_RECORDS
const connection = await connectToNats({ servers: [url], name: 'usage' })
const writer = openInputWriter(connection, 0, 60_000)
const traffic = new Traffic(8, Number(subscribers))
/** A later probe's is higher, so that its batches are no repeats. */
const epoch = Date.now()
const underWay = new Set<Promise<void>>()
let appliedBefore = -1
let applied = 0
const asking = workerUrl === '' ? undefined : setInterval(() => void ask(), ASK_EVERY_MS)
const startedAtMs = performance.now()
let batches = 0
for (let ms = 0; ms < Number(seconds) * 1_000; ms = performance.now() - startedAtMs) {
  if (batches >= ms * batchesPerMs || (workerUrl !== '' && batches - applied >= BEHIND_MAX)) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    continue
  }
  const data = traffic.random(BATCH_RECORDS, Date.now(), 'usage', epoch)
  const stored = writer.publish('usage.0.usage', data).then(() => {
    underWay.delete(stored)
  })
  underWay.add(stored)
  batches += 1
  if (underWay.size >= IN_FLIGHT_MAX) await Promise.race(underWay)
}
clearInterval(asking)
await Promise.all(underWay)
await new Promise((resolve) => process.send?.(batches * BATCH_RECORDS, resolve))
await connection.close()
process.disconnect()

/** Looks how many inputs the worker has applied since the first look. */
async function ask(): Promise<void> {
  const text = await (await fetch(`${workerUrl}/metrics`)).text()
  const sequence = Number(/^highwater_applied_sequence\S* (\d+)/m.exec(text)?.[1])
  if (appliedBefore < 0) appliedBefore = sequence
  applied = sequence - appliedBefore
}
