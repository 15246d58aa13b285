/**
 * The demo's producers, in a thread of their own: they make the traffic and publish it in order
 * over one connection, a bounded number of messages ahead of the worker. Runs as a worker thread's
 * main module; `demo-probe-thread.ts` starts it.
 */

import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { Publisher, systemHooks } from '../probe/publisher.ts'
import { connectToNats } from '../sink/connection.ts'
import { openInputWriter } from '../sink/input-writer.ts'
import { type DemoTrafficOptions, demoTraffic } from './demo-traffic.ts'

/** What the thread is started with. */
export interface DemoProbeData {
  readonly server: string
  readonly traffic: DemoTrafficOptions
}

/** What the thread says, about twenty times a second and at the end. */
export interface DemoProbeReport {
  /** Messages of usage and profiles, and records in them, published so far. */
  readonly messages: number
  readonly records: number
  /** Virtual time of the last tick, ms since the epoch. */
  readonly clockMs: number
  /** All that will ever be published is stored. */
  readonly isDone: boolean
  /** Whether the story was told to its end. */
  readonly isWhole: boolean
}

/** What the thread is told: how far the worker is, and whether to stop. */
export interface DemoProbeOrder {
  /** Messages of usage and profiles that the worker has applied. */
  readonly applied: number
  readonly isStopping: boolean
}

/** Acknowledgements outstanding; on one connection the order is kept. */
const IN_FLIGHT_MAX = 64
/** Messages that the worker may be behind: about a quarter of a second. */
const AHEAD_MAX = 128
const REPORT_MS = 50

if (parentPort !== null) await run(parentPort, workerData as DemoProbeData)

async function run(port: NonNullable<typeof parentPort>, data: DemoProbeData): Promise<void> {
  let order: DemoProbeOrder = { applied: 0, isStopping: false }
  port.on('message', (message: DemoProbeOrder) => {
    order = message
  })
  const connection = await connectToNats({ servers: [data.server], name: 'highwater-demo-probe' })
  const publisher = new Publisher(
    openInputWriter(connection, 0),
    { inFlightMax: IN_FLIGHT_MAX },
    systemHooks,
  )
  const counts = { messages: 0, records: 0, clockMs: data.traffic.startMs }
  let isWhole = true
  let reportedMs = 0
  for (const { kind, subject, data: bytes, recordCount, clockMs } of demoTraffic(data.traffic)) {
    while (!order.isStopping && counts.messages - order.applied >= AHEAD_MAX) {
      await once(port, 'message')
    }
    if (order.isStopping) {
      isWhole = false
      break
    }
    await publisher.publish(subject, bytes)
    if (kind !== 'tick') counts.messages += 1
    counts.records += recordCount
    counts.clockMs = clockMs
    const nowMs = Date.now()
    if (nowMs - reportedMs < REPORT_MS) continue
    reportedMs = nowMs
    report(port, { ...counts, isDone: false, isWhole: false })
  }
  await publisher.drain()
  report(port, { ...counts, isDone: true, isWhole })
  await connection.close()
  port.close()
}

function report(port: NonNullable<typeof parentPort>, message: DemoProbeReport): void {
  port.postMessage(message)
}
