/**
 * The probe and reader of the latency bench, a process of its own: args url, subscribers, rate,
 * seconds.
 */

import { decode } from '@msgpack/msgpack'
import { openInputWriter } from '../../src/sink/input-writer.ts'
import { connectToNats } from '../../src/sink/connection.ts'
import type { LatencyReport } from './latency.ts'
import { Traffic } from './traffic.ts'

const BATCHES_PER_SECOND = 1_000
/** The first seconds warm the code up and create the subscribers; they are not counted. */
const WARM_UP_MS = 8_000
const SETTLE_MS = 2_000

const [url = '', subscribers = '', rate = '', seconds = '', firstSequence = ''] =
  process.argv.slice(2)
const connection = await connectToNats({ servers: [url], name: 'latency' })
const writer = openInputWriter(connection, 0, 60_000)
const traffic = new Traffic(7, Number(subscribers))
const batchRecords = Math.round(Number(rate) / BATCHES_PER_SECOND)
/** Intended instant by batch; the batches have consecutive input sequences. */
const intendedAtMs: number[] = []
const latenciesMs: number[] = []
const startedAtMs = performance.now()

connection.subscribe('out.0', {
  callback: (_error, message) => {
    const receivedAtMs = performance.now()
    const envelope = decode(message.data) as { decisions?: { in: number; kind: string }[] }
    for (const decision of envelope.decisions ?? []) {
      if (decision.kind !== 'delivery') continue
      const fromMs = intendedAtMs[decision.in - Number(firstSequence)]
      if (fromMs === undefined || fromMs < startedAtMs + WARM_UP_MS) continue
      latenciesMs.push(receivedAtMs - fromMs)
    }
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
      intendedAtMs.push(intendedMs)
      sent += 1
      const data = traffic.random(batchRecords, Date.now(), 'probe', 1)
      writer.publish('usage.0.probe', data).catch(() => {
        failures += 1
      })
    }
    if (nowMs - startedAtMs >= totalMs) resolve()
    else setTimeout(turn, 1)
  }
  turn()
})
await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
const counted = sent - Math.floor((WARM_UP_MS / 1000) * BATCHES_PER_SECOND)
const report: LatencyReport = {
  latenciesMs,
  records: counted * batchRecords,
  lateBatches: failures,
}
await new Promise((resolve) => process.send?.(report, resolve))
await connection.close()
process.disconnect()
