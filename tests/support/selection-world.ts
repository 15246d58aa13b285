/**
 * The machines of all partitions of one installation, driven directly on a virtual clock; the test
 * carries their errands from one log to the other. And who a selection should take, by sorting.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { ControlMessage, ProfileRow } from '../../src/model/messages.ts'
import type { SubscriberView } from '../../src/model/view.ts'
import { partitionOf } from '../../src/model/wire.ts'
import type { Errand } from '../../src/partition/errands.ts'
import { inspectSubscriber } from '../../src/partition/inspect.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import { type Ruling, Rulings } from '../../src/partition/rulings.ts'
import {
  encodeConfig,
  encodeErase,
  encodeProfile,
  encodeTick,
  encodeUsageColumns,
} from '../../src/probe/encode.ts'
import { encodeErrand } from '../../src/probe/encode-errand.ts'
import { selectionSalt, writeTieBreak } from '../../src/state/selection-key.ts'
import { columnsOf, drainDecisions, type ReadDecision, startMachine } from './machine-harness.ts'
import { ImageWriter, loadMachine } from './machine-image.ts'
import { at, recordAt } from './machine-script.ts'
import { MemoryStore } from './memory-store.ts'
import { S1_PARAMETERS } from './naive/input.ts'

const TICK_WRITER = S1_PARAMETERS.tickWriter
/** More inputs than any selection of a test takes. */
const STEPS_MAX = 20_000

/** What a test may choose. */
export interface WorldChoice {
  readonly partitionCount?: number
  readonly start?: string
  readonly zone?: string
  readonly files: ConfigFiles
}

interface Store {
  readonly store: MemoryStore
  readonly writer: ImageWriter
}

/** All partitions of one installation. */
export class SelectionWorld {
  readonly machines: PartitionMachine[]
  readonly decisions: ReadDecision[] = []
  /** Every errand that was carried, as `partition id`. */
  readonly carried: string[] = []
  /** Errands are carried as soon as they are owed; false: they wait. */
  isCarrying = true
  readonly partitionCount: number
  readonly #delivered = new Set<string>()
  readonly #stores = new Map<number, Store>()
  #seq = 0
  #id = 0

  constructor({
    partitionCount = 1,
    start = '2026-11-09 12:00',
    zone = 'Asia/Shanghai',
    files,
  }: WorldChoice) {
    this.partitionCount = partitionCount
    this.machines = Array.from({ length: partitionCount }, (_, partition) => {
      const offset = zone === 'Asia/Shanghai' ? '+08:00' : 'Z'
      const startMs = at(start, offset)
      const parameters = { ...S1_PARAMETERS, startMs, zone, partition, partitionCount }
      return startMachine(parameters, files)
    })
  }

  /** One input of one partition. */
  apply(partition: number, subject: string, data: Uint8Array): void {
    const machine = this.machines[partition]!
    const sequence = machine.sequence + 1
    machine.apply({ sequence, timestampMs: 0, subject, data })
    this.decisions.push(...drainDecisions(machine))
  }

  control(partition: number, data: Uint8Array): void {
    this.apply(partition, `control.${partition}`, data)
  }

  /** Moves the clock of all partitions; nothing that this brings is done yet but one slice. */
  tick(timeMs: number): void {
    for (const partition of this.machines.keys()) {
      this.control(partition, encodeTick({ id: this.newId(), writer: TICK_WRITER, timeMs }))
    }
  }

  profiles(rows: readonly (Partial<ProfileRow> & { subscriber: number })[]): void {
    const none = { tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
    for (const partition of this.machines.keys()) {
      const own = rows.filter(
        (row) => partitionOf(row.subscriber, this.partitionCount) === partition,
      )
      for (let first = 0; first < own.length; first += 5_000) {
        const stamp = { probe: 'bi', epoch: 1, seq: ++this.#seq }
        const some = own.slice(first, first + 5_000).map((row) => ({ ...none, ...row }))
        this.apply(partition, `profile.${partition}.bi`, encodeProfile({ stamp, rows: some }))
      }
    }
  }

  /** One record of each of these subscribers. */
  usage(subscribers: readonly number[], timeMs: number, usageBytes = 1): void {
    for (const partition of this.machines.keys()) {
      const records = subscribers
        .filter((subscriber) => partitionOf(subscriber, this.partitionCount) === partition)
        .map((subscriber) => recordAt(timeMs, usageBytes, { subscriber }))
      if (records.length === 0) continue
      const stamp = { probe: 'p1', epoch: 1, seq: ++this.#seq }
      const data = encodeUsageColumns(stamp, columnsOf(records), 0, records.length)
      this.apply(partition, `usage.${partition}.p1`, data)
    }
  }

  erase(subscriber: number): void {
    const partition = partitionOf(subscriber, this.partitionCount)
    this.control(partition, encodeErase({ id: this.newId(), subscribers: [subscriber] }))
  }

  config(files: ConfigFiles, partitions: readonly number[] = [...this.machines.keys()]): void {
    for (const partition of partitions) {
      const generation = this.machines[partition]!.core!.generation + 1
      this.control(partition, encodeConfig({ id: this.newId(), generation, files }))
    }
  }

  /** Asks for a selection, as a person does. */
  select(segment: string, version: number): void {
    const id = this.newId()
    this.control(0, encodeErrand({ kind: 'select', id, segment, version, atMs: null, order: null }))
  }

  /** One content-free tick where work is left; false when there is none. */
  work(partition: number): boolean {
    const machine = this.machines[partition]!
    if (!machine.hasDueAt(machine.core!.clockMs)) return false
    this.control(partition, encodeTick({ id: this.newId() }))
    return true
  }

  /** Errands that are owed now and were not carried yet. */
  owed(): { from: number; errand: Errand }[] {
    const found: { from: number; errand: Errand }[] = []
    const listed = new Set<string>()
    for (const [from, { core }] of this.machines.entries()) {
      for (const errand of core!.errands()) {
        const key = `${from} ${errand.partition} ${errand.message.id}`
        listed.add(key)
        if (!this.#delivered.has(key)) found.push({ from, errand })
      }
    }
    for (const key of this.#delivered) if (!listed.has(key)) this.#delivered.delete(key)
    return found
  }

  carry({ from, errand }: { from: number; errand: Errand }): void {
    const { partition, message } = errand
    this.#delivered.add(`${from} ${partition} ${message.id}`)
    this.carried.push(`${partition} ${message.id}`)
    this.control(partition, encodeErrand(message))
  }

  /** One round of work and errands; false when nothing was left. */
  step(): boolean {
    let isBusy = false
    for (const partition of this.machines.keys()) isBusy = this.work(partition) || isBusy
    if (!this.isCarrying) return isBusy
    for (const owed of this.owed()) {
      this.carry(owed)
      isBusy = true
    }
    return isBusy
  }

  /** Until nothing is left to do. */
  settle(between: () => void = () => undefined): void {
    for (let step = 0; this.step(); step++) {
      if (step > STEPS_MAX) throw new Error('a selection does not come to an end')
      between()
    }
  }

  /** Replaces a machine by one that was loaded from its image; the clock of errands starts anew. */
  reload(partition: number): void {
    const fresh = (): Store => {
      const store = new MemoryStore()
      return { store, writer: new ImageWriter(store) }
    }
    const { store, writer } = this.#stores.get(partition) ?? fresh()
    writer.begin(this.machines[partition]!)
    while (!writer.write(1_000));
    writer.commit()
    const loaded = loadMachine(store, partition)!
    this.machines[partition] = loaded.machine
    this.#stores.set(partition, { store, writer: loaded.writer })
    this.#delivered.clear()
  }

  /** The machine of the last `reload`, which goes on from there under a ruling. */
  goBack(partition: number, ruling: Ruling): void {
    const { store } = this.#stores.get(partition)!
    const { machine } = loadMachine(store, partition)!
    machine.follow(new Rulings([ruling]), [])
    this.machines[partition] = machine
    this.#delivered.clear()
  }

  /** As if a minute had passed: what is owed is said again. */
  forgetSaid(): void {
    this.#delivered.clear()
  }

  view(subscriber: number): SubscriberView | null {
    const partition = partitionOf(subscriber, this.partitionCount)
    return inspectSubscriber(this.machines[partition]!.core!, subscriber)
  }

  /** Who has a version of the tag, ascending. */
  members(subscribers: Iterable<number>, tag: string, version: number): number[] {
    return [...subscribers].filter((subscriber) => {
      const core = this.machines[partitionOf(subscriber, this.partitionCount)]!.core!
      const slot = core.index.find(subscriber)
      return slot !== -1 && core.tagValue(slot, tag) === version
    })
  }

  newId(): string {
    return `test-${++this.#id}`
  }
}

/** A candidate as a naive selection sees it. */
export interface NaiveCandidate {
  readonly subscriber: number
  readonly score: number
}

/** The first `count` of the candidates: by score, then by lot, then by number; ascending. */
export function naiveTop(
  candidates: readonly NaiveCandidate[],
  count: number,
  segment: string,
  version: number,
): number[] {
  const salt = selectionSalt(segment, version)
  const keyed = candidates.map((candidate) => {
    const key = new Uint32Array(5)
    writeTieBreak(candidate.subscriber, salt, key)
    return { ...candidate, lot: key[2]! }
  })
  keyed.sort((a, b) => b.score - a.score || b.lot - a.lot || b.subscriber - a.subscriber)
  return keyed
    .slice(0, count)
    .map(({ subscriber }) => subscriber)
    .sort((a, b) => a - b)
}

/** A control message as a partition would receive it; for what machines owe and tests repeat. */
export function encoded(message: ControlMessage): Uint8Array {
  return encodeErrand(message)
}
