/**
 * A segment over all subscribers while usage flows: filter, score, top 20 %. How long it takes,
 * what it holds up (time per input, beside the same usage without a selection), what it costs in
 * memory, and whether it takes exactly who a sort takes.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { ProfileRow } from '../../src/model/messages.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import type { PartitionWorker } from '../../src/partition/worker.ts'
import { encodeProfile } from '../../src/probe/encode.ts'
import { encodeErrand } from '../../src/probe/encode-errand.ts'
import { scramble } from '../../src/probe/random.ts'
import { openInputWriter } from '../../src/sink/input-writer.ts'
import { selectionSalt, writeTieBreak } from '../../src/state/selection-key.ts'
import { type BenchOptions, type BenchResult, comparedWith, quantile, say } from '../report.ts'
import { Rig } from './rig.ts'
import { BATCH_RECORDS, SUBSCRIBER_FIRST, Traffic } from './traffic.ts'

const SEED = 20_261_110
const FILL_BATCH_RECORDS = 5_000
const BASELINE_SECONDS = 10
const VERSION = 20_261_110
const TAKEN_SHARE = 0.2
const NEVER_MS = 1e9

const FILES: ConfigFiles = {
  'segments.yaml': `
tags: { seed: { versioned: true }, has_pack: {} }
fields: { value: { type: number } }
counters:
  data: { sum: bytes, per: [day, month], keep: 1 }
  seen: { last: time, per: [lifetime] }
segments:
  seed:
    at: on demand
    where: 'fields.value >= 10 && !tags.has_pack && daysSince(seen.lifetime) < 30'
    score: 'fields.value * 2 + (data.month > 0 ? 1 : 0)'
    take: top 20 %
    keepPrevious: true
`,
  'triggers/offer.yaml': `
trigger: offer
when: data.day >= 100 * MB && tags.seed
once: day
deliver: { channel: sms }
message: Hello
`,
}

/** Value and pack of the subscriber at a position; most values are shared by thousands. */
function profileOf(position: number): { readonly value: number; readonly hasPack: boolean } {
  const bits = scramble(position)
  return { value: bits % 1_000, hasPack: bits >>> 30 === 0 }
}

/** Runs the bench; prints its seed. */
export async function runSegments(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, rate } = options
  say(`seed ${SEED}, ${subscribers} subscribers, ${rate} records/s beside it`)
  const rig = await Rig.start(FILES)
  try {
    const traffic = new Traffic(SEED, subscribers)
    await populate(rig, traffic, subscribers)
    const worker = await rig.worker(NEVER_MS)
    void worker.start()
    await worker.untilLive()
    const before = await measureBaseline(rig, worker, traffic, rate)
    const selection = await measureSelection(rig, worker, traffic, rate)
    const isEqual = compareWithSort(worker.machine!, subscribers)
    await worker.stop()
    return report(worker, subscribers, before, selection, isEqual)
  } finally {
    await rig.stop()
  }
}

function report(
  worker: PartitionWorker,
  subscribers: number,
  before: Stalls,
  selection: Stalls & { readonly seconds: number; readonly residentBytes: number },
  isEqual: boolean,
): BenchResult[] {
  const result = (metric: string, value: number, unit: string): BenchResult => ({
    bench: 'segments',
    metric,
    value: Number(value.toPrecision(5)),
    unit,
  })
  const { last } = worker.view().segments[0]!
  const { seconds } = selection
  return [
    result('segments.seconds', seconds, 's'),
    result('segments.subscribers_per_second', subscribers / seconds, 'subscribers/s'),
    result('segments.inputs', last!.inputs, 'inputs'),
    result('segments.candidates', last!.candidates, 'subscribers'),
    result('segments.taken', last!.taken, 'subscribers'),
    result('segments.equal_to_sort', isEqual ? 1 : 0, '1: exactly the same'),
    {
      ...result('input.ms_p99', selection.p99Ms, 'ms'),
      ...comparedWith(selection.p99Ms, 'input.ms_p99_without', before.p99Ms),
    },
    result('input.ms_max', selection.maxMs, 'ms'),
    result('input.ms_p99_without', before.p99Ms, 'ms'),
    result('input.ms_max_without', before.maxMs, 'ms'),
    result('usage.records_per_second', selection.recordsPerSecond, 'records/s'),
    result('usage.records_per_second_without', before.recordsPerSecond, 'records/s'),
    result('memory.bytes_per_subscriber', worker.view().stateBytes / subscribers, 'bytes'),
    result('memory.resident_megabytes', selection.residentBytes / 1e6, 'MB'),
  ]
}

/** Gives every subscriber usage and a profile, through the log. */
async function populate(rig: Rig, traffic: Traffic, subscribers: number): Promise<void> {
  say(`filling the partition with ${subscribers} subscribers`)
  let first = 0
  await rig.fill('usage.0.fill', () => {
    if (first >= subscribers) return null
    const count = Math.min(FILL_BATCH_RECORDS, subscribers - first)
    first += count
    return traffic.ascending(first - count, count, Date.now(), 'fill', 1)
  })
  let seq = 0
  first = 0
  await rig.fill('profile.0.bi', () => {
    if (first >= subscribers) return null
    const count = Math.min(FILL_BATCH_RECORDS, subscribers - first)
    const rows = Array.from({ length: count }, (_, i) => rowOf(first + i))
    first += count
    seq += 1
    return encodeProfile({ stamp: { probe: 'bi', epoch: 1, seq }, rows })
  })
}

function rowOf(position: number): ProfileRow {
  const { value, hasPack } = profileOf(position)
  const none = { lists: {}, zone: undefined, cycleDay: undefined }
  const subscriber = SUBSCRIBER_FIRST + position
  return { subscriber, fields: { value }, tags: { has_pack: hasPack }, ...none }
}

/** Time per input, and what came through meanwhile. */
interface Stalls {
  readonly p99Ms: number
  readonly maxMs: number
  readonly recordsPerSecond: number
}

async function measureBaseline(
  rig: Rig,
  worker: PartitionWorker,
  traffic: Traffic,
  rate: number,
): Promise<Stalls> {
  say(`usage alone for ${BASELINE_SECONDS} s`)
  return beside(rig, worker, traffic, rate, () => pause(BASELINE_SECONDS * 1000))
}

async function measureSelection(rig: Rig, worker: PartitionWorker, traffic: Traffic, rate: number) {
  say('usage and the selection')
  let seconds = 0
  let residentBytes = 0
  const stalls = await beside(rig, worker, traffic, rate, async () => {
    const startedAtMs = performance.now()
    const writer = openInputWriter(rig.connection, 0, 60_000)
    const id = 'bench-select'
    const request = { kind: 'select', id, segment: 'seed', version: VERSION } as const
    await writer.publish('control.0', encodeErrand({ ...request, atMs: null, order: null }))
    while (worker.view().segments[0]!.total === null) {
      if (worker.halt !== null) throw worker.halt
      residentBytes = Math.max(residentBytes, process.memoryUsage().rss)
      await pause(5)
    }
    seconds = (performance.now() - startedAtMs) / 1000
  })
  return { ...stalls, seconds, residentBytes }
}

/** Publishes usage at a rate while `work` goes on, and times every input that is applied. */
async function beside(
  rig: Rig,
  worker: PartitionWorker,
  traffic: Traffic,
  rate: number,
  work: () => Promise<unknown>,
): Promise<Stalls> {
  const machine = worker.machine!
  const durationsMs: number[] = []
  const apply = machine.apply.bind(machine)
  machine.apply = (message) => {
    const startedAtMs = performance.now()
    apply(message)
    durationsMs.push(performance.now() - startedAtMs)
  }
  const { statistics } = machine.core!
  const recordsBefore = statistics.records
  const startedAtMs = performance.now()
  const over = new AbortController()
  const feeding = feed(rig, traffic, rate, over.signal)
  await work()
  const seconds = (performance.now() - startedAtMs) / 1000
  over.abort()
  await feeding
  machine.apply = apply
  return {
    p99Ms: quantile(durationsMs, 0.99),
    maxMs: durationsMs.reduce((max, each) => Math.max(max, each), 0),
    recordsPerSecond: (statistics.records - recordsBefore) / seconds,
  }
}

/** Batches at even distances; what the broker cannot take in time is published late. */
async function feed(rig: Rig, traffic: Traffic, rate: number, over: AbortSignal): Promise<void> {
  const writer = openInputWriter(rig.connection, 0, 60_000)
  const startedAtMs = performance.now()
  const underWay = new Set<Promise<void>>()
  for (let batch = 0; !over.aborted; batch++) {
    const dueMs = (batch * BATCH_RECORDS * 1000) / rate
    const waitMs = dueMs - (performance.now() - startedAtMs)
    if (waitMs > 1) await pause(waitMs)
    const data = traffic.random(BATCH_RECORDS, Date.now(), 'probe', 1)
    const stored = writer.publish('usage.0.probe', data).then(() => {
      underWay.delete(stored)
    })
    underWay.add(stored)
    if (underWay.size >= 64) await Promise.race(underWay)
  }
  await Promise.all(underWay)
}

/** Sorts all candidates by score and lot, and looks whether the first fifth bear the tag. */
function compareWithSort(machine: PartitionMachine, subscribers: number): boolean {
  say('sorting')
  const core = machine.core!
  const salt = selectionSalt('seed', VERSION)
  const key = new Uint32Array(5)
  const scores = new Float64Array(subscribers)
  const lots = new Float64Array(subscribers)
  const candidates: number[] = []
  for (let position = 0; position < subscribers; position++) {
    const { value, hasPack } = profileOf(position)
    if (value < 10 || hasPack) continue
    writeTieBreak(SUBSCRIBER_FIRST + position, salt, key)
    scores[position] = value * 2 + 1
    lots[position] = key[2]!
    candidates.push(position)
  }
  const order = Uint32Array.from(candidates)
  order.sort((a, b) => scores[b]! - scores[a]! || lots[b]! - lots[a]! || b - a)
  const count = Math.floor(order.length * TAKEN_SHARE)
  const isTaken = new Uint8Array(subscribers)
  for (let i = 0; i < count; i++) isTaken[order[i]!] = 1
  for (let position = 0; position < subscribers; position++) {
    const slot = core.index.find(SUBSCRIBER_FIRST + position)
    const hasTag = core.tagValue(slot, 'seed') === VERSION
    if (hasTag !== (isTaken[position] === 1)) return false
  }
  return true
}
