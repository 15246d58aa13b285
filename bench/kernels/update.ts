/**
 * The machine alone, from memory: decode, look-up, periods, masks, update, conditions, decisions
 * encoded and dropped. One core, no broker, no store.
 */

import type { InputMessage } from '../../src/model/ports.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import { BATCH_RECORDS, benchGenesis, SEED_EVERY, Traffic } from '../pipeline/traffic.ts'
import { type BenchOptions, type BenchResult, figure, median, say } from '../report.ts'

const MESSAGES_PER_ROUND = 4_000
const ROUNDS = 5
const FILL_BATCH_RECORDS = 5_000
const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 524_288 }

/** Runs the bench over `subscribers` that all have a row. */
export function runUpdate(options: BenchOptions): BenchResult[] {
  const machine = new PartitionMachine(0)
  const traffic = new Traffic(1, options.subscribers)
  const nowMs = Date.now()
  const apply = (subject: string, data: Uint8Array): void => {
    machine.apply({ sequence: machine.sequence + 1, timestampMs: nowMs, subject, data })
  }
  apply('control.0', benchGenesis())
  for (let first = 0; first < options.subscribers; first += FILL_BATCH_RECORDS) {
    const count = Math.min(FILL_BATCH_RECORDS, options.subscribers - first)
    apply('usage.0.fill', traffic.ascending(first, count, nowMs, 'fill', 1))
    apply('profile.0.fill', traffic.seeds(first, Math.ceil(count / SEED_EVERY)))
  }
  const rates: number[] = []
  for (let round = 0; round < ROUNDS; round++) rates.push(runRound(machine, traffic, nowMs))
  say(`rounds: ${rates.map((rate) => (rate / 1e6).toFixed(2)).join(', ')} million records/s of CPU`)
  const { deliveries, records } = machine.core!.statistics
  return [
    figure('update', 'update.records_per_cpu_second', median(rates), 'records/s'),
    figure('update', 'update.deliveries_per_record', deliveries / records, 'deliveries'),
    figure(
      'update',
      'memory.bytes_per_subscriber',
      machine.core!.stateSize() / options.subscribers,
      'bytes',
    ),
  ]
}

function runRound(machine: PartitionMachine, traffic: Traffic, timestampMs: number): number {
  const messages: InputMessage[] = []
  for (let i = 0; i < MESSAGES_PER_ROUND; i++) {
    const data = traffic.random(BATCH_RECORDS, timestampMs, 'kernel', 1)
    const sequence = machine.sequence + 1 + i
    messages.push({ sequence, timestampMs, subject: 'usage.0.kernel', data })
  }
  const before = process.cpuUsage()
  for (const message of messages) {
    machine.apply(message)
    for (let batch = true; batch; ) batch = machine.outbox.take(1, LIMITS) !== null
  }
  const { user, system } = process.cpuUsage(before)
  return (MESSAGES_PER_ROUND * BATCH_RECORDS * 1e6) / (user + system)
}
