/**
 * The probe and reader of the latency bench, a process of its own: args url, subscribers, rate,
 * seconds. Which batch made a decision shows from the sequence that the broker gave the batch,
 * since others may publish meanwhile. What it did late itself, and how long the broker took to
 * store, it tells beside the latencies: they hold both.
 */

import { decode } from '@msgpack/msgpack'
import { connectToNats } from '../../src/sink/connection.ts'
import { createPublisher } from '../../src/sink/publish.ts'
import { processorUse } from '../machine-description.ts'
import type { LatencyReport } from './latency.ts'
import { BATCH_RECORDS, Traffic } from './traffic.ts'

/** The first seconds warm the code up and create the subscribers; they are not counted. */
const WARM_UP_MS = 8_000
const SETTLE_MS = 2_000

const [url = '', subscribers = '', rate = '', seconds = ''] = process.argv.slice(2)
const connection = await connectToNats({ servers: [url], name: 'latency' })
const publisher = createPublisher(connection, 60_000)
const traffic = new Traffic(7, Number(subscribers))
/** Batches as large as those that the full load was measured with. */
const batchesPerMs = Number(rate) / BATCH_RECORDS / 1000
/** Instant at which the batch with an input sequence was meant to leave. */
const intendedAtMs = new Map<number, number>()
/** Messages of OUT and when they were here: read at the end, so that reading delays nothing. */
const received: { readonly data: Uint8Array; readonly atMs: number }[] = []
/** Of each batch that counts: how late it left, and how long the broker's answer took. */
const publishLateMs: number[] = []
const storedMs: number[] = []
const startedAtMs = performance.now()

connection.subscribe('out.0', {
  callback: (_error, { data }) => {
    const atMs = performance.now()
    // A copy: a view would keep the whole chunk that it came in.
    received.push({ data: data.slice(), atMs })
  },
})
await connection.flush()

const totalMs = Number(seconds) * 1000 + WARM_UP_MS
let sent = 0
let failures = 0
let useBefore = processorUse()
setTimeout(() => {
  useBefore = processorUse()
}, WARM_UP_MS)
await new Promise<void>((resolve) => {
  const turn = (): void => {
    const nowMs = performance.now()
    const dueCount = Math.floor((nowMs - startedAtMs) * batchesPerMs) + 1
    while (sent < dueCount) {
      const intendedMs = startedAtMs + sent / batchesPerMs
      sent += 1
      const data = traffic.random(BATCH_RECORDS, Date.now(), 'probe', 1)
      const leftAtMs = performance.now()
      const isCounted = intendedMs >= startedAtMs + WARM_UP_MS
      if (isCounted) publishLateMs.push(leftAtMs - intendedMs)
      const request = { stream: 'IN_0', subject: 'usage.0.probe', data }
      publisher.publish({ ...request, expectedLastSequence: null, messageId: null }).then(
        (outcome) => {
          if (isCounted) storedMs.push(performance.now() - leftAtMs)
          if (outcome.kind === 'stored') intendedAtMs.set(outcome.sequence, intendedMs)
          else failures += 1
        },
        () => {
          failures += 1
        },
      )
    }
    if (nowMs - startedAtMs >= totalMs) resolve()
    else setTimeout(turn, 1)
  }
  turn()
})
const useAfter = processorUse()
// Until OUT has been quiet for so long: what is late most must be counted, too.
for (let count = -1; count !== received.length; ) {
  count = received.length
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
}
const counted = sent - Math.floor(WARM_UP_MS * batchesPerMs)
const latenciesMs: number[] = []
const instantsMs: number[] = []
for (const { data, atMs } of received) {
  const envelope = decode(data) as { decisions?: { in: number; kind: string }[] }
  for (const { in: sequence, kind } of envelope.decisions ?? []) {
    const fromMs = intendedAtMs.get(sequence)
    if (kind !== 'delivery' || fromMs === undefined) continue
    if (fromMs < startedAtMs + WARM_UP_MS) continue
    latenciesMs.push(atMs - fromMs)
    instantsMs.push(performance.timeOrigin + fromMs)
  }
}
const report: LatencyReport = {
  latenciesMs,
  intendedAtMs: instantsMs,
  records: counted * BATCH_RECORDS,
  failures,
  publishLateMs,
  storedMs,
  busyShare: (useAfter.busyMs - useBefore.busyMs) / (useAfter.totalMs - useBefore.totalMs),
  stolenMs: useAfter.stolenMs - useBefore.stolenMs,
}
await new Promise((resolve) => process.send?.(report, resolve))
await connection.close()
process.disconnect()
