/** Rulings on seeded logs: an input left out, a clock not followed, a log that lost a stretch. */

import { decode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import type { InputMessage } from '../../src/model/ports.ts'
import type { SaidDecision } from '../../src/partition/adoption.ts'
import { readManifestHead } from '../../src/partition/image.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import { type Baseline, type Ruling, Rulings } from '../../src/partition/rulings.ts'
import { encodeGenesis } from '../../src/probe/encode.ts'
import { runBesideNaive } from '../support/beside-naive.ts'
import { encodeInput, genesisMessage } from '../support/machine-harness.ts'
import { ImageWriter, loadMachine, stateOf } from '../support/machine-image.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { scenarioFiles } from '../support/scenario-files.ts'
import { generateWorkload } from '../support/workload/generate.ts'
import { Random } from '../support/workload/random.ts'

const FILES = scenarioFiles('data-pack')
const SEEDS = [1, 2, 3, 4]
const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 1e6 }
const COMMON = { v: 1, kind: 'ruling', era: 0, by: 'somebody', reason: 'a test', time: 0 } as const

function skip(input: number): Ruling {
  return { ...COMMON, halt: 'engine-failure', choice: 'skip-input', input }
}

function rebase(baseline: Partial<Baseline>, next: number): Ruling {
  const none = { output: null, isCompared: true, genesis: null, carried: [] }
  const said = { number: 0, digest: '0'.repeat(16) }
  const input = { created: 'in', next, from: null, isForward: true }
  const whole = { ...none, said, input, ...baseline }
  return { ...COMMON, halt: 'input-gap', choice: 'new-baseline', input: next, baseline: whole }
}

/** Decisions that wait in the outbox, as OUT would hold them, and the digest after the last. */
function take(machine: PartitionMachine): { decisions: SaidDecision[]; digest: string } {
  const batch = machine.outbox.take(1, LIMITS)
  if (batch === null) return { decisions: [], digest: machine.outbox.digest.text() }
  const { decisions, digest } = decode(batch.bytes) as {
    decisions: SaidDecision[]
    digest: string
  }
  return { decisions, digest }
}

/** The log of a workload, and what a partition that reads all of it says, with each digest. */
function makeHistory(seed: number) {
  const { inputs, parameters } = generateWorkload({ seed, subscribers: 25, days: 25 })
  const log = [genesisMessage(parameters, FILES), ...inputs.map((each) => encodeInput(each, 0))]
  log.forEach((message, index) => {
    log[index] = { ...message, sequence: index + 1 }
  })
  return log
}

function loadMachineWithHead(store: MemoryStore) {
  const { machine } = loadMachine(store)!
  return { machine, head: readManifestHead(store)! }
}

function idsOf(decisions: readonly SaidDecision[]): string[] {
  return decisions.flatMap(({ id }) => (id === undefined ? [] : [id]))
}

describe('a skipped input', () => {
  it.each(SEEDS)('is as if it were not there, seed %i', (seed) => {
    const workload = generateWorkload({ seed, subscribers: 25, days: 25 })
    const random = new Random(seed)
    const skipped = workload.inputs.filter(() => random.chance(0.03))
    expect(skipped.length).toBeGreaterThan(5)
    const sequences = new Set(skipped.map(({ sequence }) => sequence))
    const rulings = new Rulings([...sequences].map(skip))
    runBesideNaive(workload, FILES, `seed ${seed}`, { rulings, sequences })
  })

  it('and the rulings that lie ahead are part of the image', () => {
    const log = makeHistory(1)
    const rulings = [300, 600].map(skip)
    const straight = new PartitionMachine(0)
    straight.follow(new Rulings(rulings), [])
    const store = new MemoryStore()
    const writer = new ImageWriter(store)
    for (const message of log) {
      straight.apply(message)
      if (message.sequence !== 400) continue
      writer.begin(straight)
      writer.write(Number.POSITIVE_INFINITY)
      writer.commit()
    }
    const { machine, head } = loadMachineWithHead(store)
    expect(head.rulings).toEqual([rulings[1]])
    machine.follow(new Rulings(head.rulings), [])
    for (const message of log.slice(400)) machine.apply(message)
    expect(stateOf(machine)).toEqual(stateOf(straight))
  })
})

describe('stamps that are ignored', () => {
  it('count as the time of the ruling: no more, no less', () => {
    const ruledAtMs = 1_800_000_000_000
    const ruling: Ruling = {
      ...COMMON,
      ...{ halt: 'clock-ahead', choice: 'ignore-timestamp', input: 50, through: 90 },
      time: ruledAtMs,
    }
    const log = makeHistory(2).map((message, index): InputMessage => {
      const timestampMs = ruledAtMs - 200_000 + index * 1000
      const isAhead = index > 48 && index < 95
      return { ...message, timestampMs: isAhead ? timestampMs + 3_600_000 : timestampMs }
    })
    log[0] = {
      ...log[0]!,
      data: encodeGenesis({
        ...{ id: 'genesis', partition: 0, partitionCount: 1, zone: 'Asia/Shanghai' },
        ...{ clock: { mode: 'real' }, generation: 1, files: FILES },
      }),
    }
    const machine = new PartitionMachine(0)
    machine.follow(new Rulings([ruling]), [])
    const clocks = log.slice(0, 91).map((message) => {
      machine.apply(message)
      return machine.core!.clockMs
    })
    expect(clocks[48]).toBe(ruledAtMs - 200_000 + 48_000)
    expect(new Set(clocks.slice(49, 90))).toEqual(new Set([ruledAtMs]))
    expect(clocks[90]).toBe(log[90]!.timestampMs)
  })
})

describe('a log that lost a stretch goes on from a baseline', () => {
  /**
   * Loses inputs after an image, with some decisions of theirs said; `isAdopted`: as it should be.
   */
  function loseStretch(seed: number, isAdopted: boolean): { ids: string[]; saidCount: number } {
    const random = new Random(seed)
    const log = makeHistory(seed)
    const cut = random.whole(Math.floor(log.length / 4), Math.floor(log.length / 2))
    const end = cut + random.whole(100, Math.floor(log.length / 3))
    const store = new MemoryStore()
    const first = new PartitionMachine(0)
    const said: SaidDecision[] = []
    let digest = ''
    for (const message of log.slice(0, end)) {
      first.apply(message)
      const taken = take(first)
      said.push(...taken.decisions)
      digest = taken.digest
      if (message.sequence !== cut) continue
      const writer = new ImageWriter(store)
      writer.begin(first)
      writer.write(Number.POSITIVE_INFINITY)
      writer.commit()
    }
    const { machine } = loadMachineWithHead(store)
    const imageNumber = machine.outbox.decisionNumber
    const input = { created: 'in', next: end + 1, from: cut, isForward: false }
    const ruling = rebase({ input, said: { number: said.length, digest } }, end + 1)
    machine.follow(new Rulings([ruling]), isAdopted ? said.slice(imageNumber) : [])
    expect(machine.outbox.decisionNumber).toBe(said.length)
    const all = [...said]
    for (const message of log.slice(end)) {
      machine.apply(message)
      all.push(...take(machine).decisions)
    }
    expect(all.map(({ n }) => n)).toEqual(all.map((_, index) => index + 1))
    expect(machine.core!.era).toBe(1)
    return { ids: idsOf(all), saidCount: said.length - imageNumber }
  }

  it('and says nothing twice of what OUT says', () => {
    let saidCount = 0
    let twiceWithout = 0
    for (const seed of SEEDS) {
      const { ids, saidCount: count } = loseStretch(seed, true)
      expect(
        ids.filter((id, index) => ids.indexOf(id) !== index),
        `seed ${seed}`,
      ).toEqual([])
      saidCount += count
      const without = loseStretch(seed, false).ids
      twiceWithout += without.length - new Set(without).size
    }
    expect(saidCount).toBeGreaterThan(20)
    // What taking over is good for.
    expect(twiceWithout).toBeGreaterThan(0)
  })

  it.each(SEEDS)('or from a replay that nobody compares: OUT stands, seed %i', (seed) => {
    const random = new Random(seed)
    const log = makeHistory(seed)
    const end = random.whole(Math.floor(log.length / 3), Math.floor((log.length * 2) / 3))
    const first = new PartitionMachine(0)
    const said: SaidDecision[] = []
    let digest = ''
    for (const message of log.slice(0, end)) {
      first.apply(message)
      const taken = take(first)
      said.push(...taken.decisions)
      digest = taken.digest
    }
    // Another engine would decide otherwise: here it is the log that lacks every tenth batch.
    const missing = (message: InputMessage): boolean =>
      message.sequence > 1 && message.sequence <= end && message.sequence % 10 === 0
    const rulings = log.filter(missing).map(({ sequence }) => skip(sequence))
    const ruling = rebase({ isCompared: false, said: { number: said.length, digest } }, end + 1)
    const machine = new PartitionMachine(0)
    machine.follow(new Rulings([...rulings, ruling]), said)
    const all = [...said]
    for (const message of log) {
      machine.apply(message)
      expect(machine.outbox.isReplaying).toBe(message.sequence < end)
      all.push(...take(machine).decisions)
    }
    const ids = idsOf(all)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
    expect(all.map(({ n }) => n)).toEqual(all.map((_, index) => index + 1))
    expect(all.length).toBeGreaterThan(said.length)
  })

  it('and passes a hole in the middle only where it was ruled', () => {
    const log = makeHistory(3)
    const holed = log.filter(({ sequence }) => sequence < 200 || sequence > 209)
    const machine = new PartitionMachine(0)
    machine.follow(new Rulings([rebase({}, 210)]), [])
    for (const message of holed) machine.apply(message)
    expect(machine.sequence).toBe(log.length)
    const other = new PartitionMachine(0)
    other.follow(new Rulings([rebase({}, 209)]), [])
    const applyAll = (): void => {
      for (const message of holed) other.apply(message)
    }
    expect(applyAll).toThrow('sequence-jump')
  })
})
