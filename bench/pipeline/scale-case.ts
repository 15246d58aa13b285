/** One case of the scale bench, a process of its own: its argument is a `ScaleCase` as JSON. */

import type { InputMessage } from '../../src/model/ports.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import { fillMachine } from './crowd.ts'
import { scaleFiles } from './scale-files.ts'
import { BATCH_RECORDS, benchGenesis, Traffic } from './traffic.ts'

/** What a case is made of. */
export interface ScaleCase {
  readonly subscribers: number
  readonly triggers: number
  /** Numbers that a row counts, those of earlier periods included. */
  readonly counters: number
  /** Nine of ten records are of so many of a hundred subscribers; 0: all are alike. */
  readonly hotPercent: number
}

/** What it came to. */
export interface ScaleReport {
  /** One per round, of the time that passed. */
  readonly recordsPerSecond: readonly number[]
  readonly bytesPerSubscriber: number
  readonly residentSize: number
  readonly fillSeconds: number
  readonly deliveriesPerRecord: number
}

const SEED = 20261125
const ROUNDS = 7
const MESSAGES_PER_ROUND = 2_000
const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 524_288 }

const { subscribers, triggers, counters, hotPercent } = JSON.parse(
  process.argv[2] ?? '',
) as ScaleCase
const machine = new PartitionMachine(0)
const traffic = new Traffic(SEED, subscribers, hotPercent / 100)
const timestampMs = Date.now()
const genesis = benchGenesis(scaleFiles(triggers, counters))
machine.apply({ sequence: 1, timestampMs, subject: 'control.0', data: genesis })
const startedAtMs = performance.now()
fillMachine(machine, traffic, subscribers, timestampMs)
const fillSeconds = (performance.now() - startedAtMs) / 1000
const before = { ...machine.core!.statistics }
const recordsPerSecond: number[] = []
// The first round warms the code up.
for (let round = 0; round <= ROUNDS; round++) {
  const rate = runRound()
  if (round > 0) recordsPerSecond.push(rate)
}
const { deliveries, records } = machine.core!.statistics
const report: ScaleReport = {
  recordsPerSecond,
  bytesPerSubscriber: machine.core!.stateSize() / subscribers,
  residentSize: process.memoryUsage.rss(),
  fillSeconds,
  deliveriesPerRecord: (deliveries - before.deliveries) / (records - before.records),
}
await new Promise((resolve) => process.send?.(report, resolve))
process.disconnect()

function runRound(): number {
  const messages: InputMessage[] = []
  for (let i = 0; i < MESSAGES_PER_ROUND; i++) {
    const data = traffic.random(BATCH_RECORDS, timestampMs, 'kernel', 1)
    const sequence = machine.sequence + 1 + i
    messages.push({ sequence, timestampMs, subject: 'usage.0.kernel', data })
  }
  const fromMs = performance.now()
  for (const message of messages) {
    machine.apply(message)
    for (let batch = true; batch; ) batch = machine.outbox.take(1, LIMITS) !== null
  }
  return (MESSAGES_PER_ROUND * BATCH_RECORDS * 1000) / (performance.now() - fromMs)
}
