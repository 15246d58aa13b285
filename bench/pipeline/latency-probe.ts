/**
 * The probe and reader of the latency bench, a process of its own: args url, subscribers, rate,
 * seconds. Which batch made a decision shows from the sequence that the broker gave the batch,
 * since others may publish meanwhile.
 */

import { decode } from '@msgpack/msgpack'
import { connectToNats } from '../../src/sink/connection.ts'
import { createPublisher } from '../../src/sink/publish.ts'
import type { LatencyReport } from './latency.ts'
import { Traffic } from './traffic.ts'

const BATCHES_PER_SECOND = 1_000
/** The first seconds warm the code up and create the subscribers; they are not counted. */
const WARM_UP_MS = 8_000
const SETTLE_MS = 2_000

const [url = '', subscribers = '', rate = '', seconds = ''] = process.argv.slice(2)
const connection = await connectToNats({ servers: [url], name: 'latency' })
const publisher = createPublisher(connection, 60_000)
const traffic = new Traffic(7, Number(subscribers))
const batchRecords = Math.round(Number(rate) / BATCHES_PER_SECOND)
/** Instant at which the batch with an input sequence was meant to leave. */
const intendedAtMs = new Map<number, number>()
/** Messages of OUT and when they were here: read at the end, so that reading delays nothing. */
const received: { readonly data: Uint8Array; readonly atMs: number }[] = []
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
await new Promise<void>((resolve) => {
  const turn = (): void => {
    const nowMs = performance.now()
    const dueCount = Math.floor(((nowMs - startedAtMs) / 1000) * BATCHES_PER_SECOND)
    while (sent < dueCount) {
      const intendedMs = startedAtMs + (sent / BATCHES_PER_SECOND) * 1000
      sent += 1
      const data = traffic.random(batchRecords, Date.now(), 'probe', 1)
      const request = { stream: 'IN_0', subject: 'usage.0.probe', data }
      publisher.publish({ ...request, expectedLastSequence: null, messageId: null }).then(
        (outcome) => {
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
await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
const counted = sent - Math.floor((WARM_UP_MS / 1000) * BATCHES_PER_SECOND)
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
  records: counted * batchRecords,
  lateBatches: failures,
}
await new Promise((resolve) => process.send?.(report, resolve))
await connection.close()
process.disconnect()
