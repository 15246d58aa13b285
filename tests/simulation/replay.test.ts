import { decode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import { PartitionHaltedError } from '../../src/errors.ts'
import type { InputMessage } from '../../src/model/ports.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import { encodeConfig, encodeErase, encodeUsageColumns } from '../../src/probe/encode.ts'
import { ImageWriter, loadMachine, stateOf } from '../support/machine-image.ts'
import { columnsOf, encodeInput, genesisMessage } from '../support/machine-harness.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { RICH_FILES, RICHER_FILES } from '../support/rich-files.ts'
import { generateWorkload } from '../support/workload/generate.ts'
import { Random } from '../support/workload/random.ts'

const SEEDS = [1, 2, 3, 4]

/** A log of people, strangers that appear all the time, erasures of both, and three reloads. */
function makeLog(seed: number): InputMessage[] {
  const { inputs, parameters } = generateWorkload({ seed, subscribers: 25, days: 25 })
  const random = new Random(seed)
  const log = [genesisMessage(parameters, RICH_FILES)]
  const push = (subject: string, data: Uint8Array): void => {
    log.push({ sequence: log.length + 1, timestampMs: 0, subject, data })
  }
  const reloads = [RICHER_FILES, RICH_FILES, RICHER_FILES]
  let stranger = 0
  let timeMs = parameters.startMs
  for (const [index, input] of inputs.entries()) {
    if (input.kind === 'tick' && input.writer === parameters.tickWriter) {
      timeMs = Math.max(timeMs, input.timeMs ?? 0)
    }
    const { subject, data } = encodeInput(input, 0)
    push(subject, data)
    if (stranger > 30 && random.chance(0.01)) {
      const subscribers = Array.from({ length: 5 }, () => 5_000_000 + random.whole(0, stranger))
      push('control.0', encodeErase({ id: `strangers-${index}`, subscribers }))
    }
    if (random.chance(0.1)) {
      const records = Array.from({ length: random.whole(1, 30) }, () => ({
        subscriber: 5_000_000 + stranger++,
        usageBytes: random.whole(1, 600_000),
        timeMs: timeMs - random.whole(0, 30 * 3_600_000),
        ...{ rat: 6, app: random.whole(0, 4), cell: 0, kind: 0 },
      }))
      const stamp = { probe: 'strange', epoch: 1, seq: stranger }
      push('usage.0.strange', encodeUsageColumns(stamp, columnsOf(records), 0, records.length))
    }
    const reload = Math.floor(((index + 1) * 4) / inputs.length) - 1
    const before = Math.floor((index * 4) / inputs.length) - 1
    if (reload !== before && reloads[reload] !== undefined) {
      const files = reloads[reload]
      push('control.0', encodeConfig({ id: `c${index}`, generation: reload + 2, files }))
    }
  }
  return log
}

/** What OUT would hold: the bytes of each decision's message by its last number, and its digest. */
class Out {
  last = 0
  readonly batches: Uint8Array[] = []
  readonly digests = new Map<number, string>()

  take(machine: PartitionMachine, batchDecisionsMax: number): void {
    for (;;) {
      const batch = machine.outbox.take(1, { batchDecisionsMax, batchSizeMax: 100_000 })
      if (batch === null) return
      expect(batch.first).toBe(this.last + 1)
      this.last = batch.last
      this.batches.push(batch.bytes)
      this.digests.set(batch.last, (decode(batch.bytes) as { digest: string }).digest)
    }
  }
}

function applyAll(log: readonly InputMessage[]): { machine: PartitionMachine; out: Out } {
  const machine = new PartitionMachine(0)
  const out = new Out()
  for (const input of log) {
    machine.apply(input)
    out.take(machine, 3)
  }
  return { machine, out }
}

/**
 * Applies the log with checkpoints swept slowly beside it, attempts given up, and deaths at any
 * moment after which the machine starts from the last image, if there is one.
 */
function applyCut(
  log: readonly InputMessage[],
  seed: number,
): PartitionMachine & { deaths: number } {
  const random = new Random(seed)
  const store = new MemoryStore()
  const out = new Out()
  let machine = new PartitionMachine(0)
  let writer = new ImageWriter(store)
  let deaths = 0
  while (machine.sequence < log.length) {
    machine.apply(log[machine.sequence]!)
    out.take(machine, random.whole(1, 4))
    if (!writer.isRunning) {
      if (random.chance(0.05)) writer.begin(machine)
    } else if (writer.write(random.whole(0, 2))) {
      if (random.chance(0.7)) writer.commit()
      else writer.abandon()
    } else if (random.chance(0.002)) {
      writer.abandon()
    }
    if (!random.chance(0.004)) continue
    deaths += 1
    const loaded = loadMachine(store)
    machine = loaded?.machine ?? new PartitionMachine(0)
    writer = loaded?.writer ?? new ImageWriter(store)
    machine.outbox.expectReplay(out.last, out.digests)
  }
  return Object.assign(machine, { deaths })
}

describe('a log is decided alike, however it was cut', () => {
  it.each(SEEDS)('seed %i', (seed) => {
    const log = makeLog(seed)
    const straight = applyAll(log)
    expect(straight.machine.core!.generation).toBe(4)
    expect(straight.out.last).toBeGreaterThan(100)
    expect(straight.machine.core!.statistics.subscribersErased).toBeGreaterThan(15)
    const expected = stateOf(straight.machine)
    let deaths = 0
    for (const cut of [1, 2]) {
      const machine = applyCut(log, seed * 100 + cut)
      deaths += machine.deaths
      expect(machine.outbox.isReplaying).toBe(false)
      const state = stateOf(machine)
      for (const part in expected) expect(state[part], part).toEqual(expected[part])
    }
    expect(deaths).toBeGreaterThan(3)
  })

  it('decisions in the replayed part are compared, and a wrong digest halts', () => {
    const log = makeLog(1)
    const { machine, out } = applyAll(log)
    const wrong = new Map(out.digests)
    const last = [...wrong.keys()].at(-1)!
    wrong.set(
      last,
      machine.outbox.digest.text().replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    )
    const replay = (digests: ReadonlyMap<number, string>): PartitionMachine => {
      const again = new PartitionMachine(0)
      again.outbox.expectReplay(out.last, digests)
      for (const input of log) {
        again.apply(input)
        expect(again.outbox.waitingCount).toBe(0)
      }
      return again
    }
    expect(replay(out.digests).outbox.digest.text()).toBe(machine.outbox.digest.text())
    expect(() => replay(wrong)).toThrow(
      expect.objectContaining({ code: 'HW_PARTITION_HALTED', reason: 'digest-mismatch' }),
    )
  })

  it('an input left out of the log changes the digest', () => {
    const log = makeLog(2)
    const { out } = applyAll(log)
    const again = new PartitionMachine(0)
    again.outbox.expectReplay(out.last, out.digests)
    // A usage message that reaches the line: gone, and all after it renumbered.
    const gone = log.findIndex(
      ({ sequence, subject }) => sequence > 300 && subject.startsWith('usage'),
    )
    const replay = (): void => {
      for (const input of log.filter((_, index) => index !== gone)) {
        again.apply({ ...input, sequence: again.sequence + 1 })
      }
    }
    expect(replay).toThrow(PartitionHaltedError)
  })
})
