/**
 * The log of input.ts in IN_0 of a real JetStream, or in the IN of several partitions: profiles,
 * usage, and ticks of its clock.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { ProfileRow } from '../../src/model/messages.ts'
import { encodeProfile, encodeTick, encodeUsageColumns } from '../../src/probe/encode.ts'
import { type InputWriter, openInputWriter } from '../../src/sink/input-writer.ts'
import { Rig } from '../pipeline/rig.ts'
import { MESSAGE } from './engine.ts'
import {
  BATCH_RECORDS,
  DAY_BYTES_MIN,
  type InputBlock,
  type InputLog,
  MONTH_BYTES_MIN,
  START_MS,
  seedSubscribers,
} from './input.ts'
import { type Firings, Reference } from './reference.ts'

const CLOCK_WRITER = 'peers'
/** The log's clock trails its records by so much at most; `earliness` below lets it. */
const CLOCK_STEP_MS = 3_000_000
const IN_FLIGHT_MAX = 256
const PROFILE_ROWS = 5_000

/** The rule of input.ts. */
const FILES: ConfigFiles = {
  'declarations.yaml': `
earliness: 1h
tags: { seed: {} }
counters:
  data_4g: { sum: bytes, where: 'kind == data && rat == eutran', per: [day, month] }
`,
  'triggers/data-pack.yaml': `
trigger: data-pack
when: data_4g.day >= ${DAY_BYTES_MIN} && data_4g.month >= ${MONTH_BYTES_MIN} && tags.seed
once: month
deliver: { channel: sms }
message: '${MESSAGE}'
`,
}

/** What goes into one partition: its records wait here until they are a batch. */
class Part {
  readonly writer: InputWriter
  readonly partition: number
  readonly batch = {
    first: 0,
    count: 0,
    subscribers: new Float64Array(BATCH_RECORDS),
    usageBytes: new Float64Array(BATCH_RECORDS),
    timesMs: new Float64Array(BATCH_RECORDS),
    rats: new Uint8Array(BATCH_RECORDS),
    kinds: new Uint8Array(BATCH_RECORDS),
  }
  clockMs = START_MS
  seq = 0

  constructor(rig: Rig, partition: number) {
    this.writer = openInputWriter(rig.connection, partition, 60_000)
    this.partition = partition
  }

  add(block: InputBlock, i: number): void {
    const { batch } = this
    batch.subscribers[batch.count] = block.subscribers[i]!
    batch.usageBytes[batch.count] = block.usageBytes[i]!
    batch.timesMs[batch.count] = block.timesMs[i]!
    batch.rats[batch.count] = block.rats[i]!
    batch.kinds[batch.count] = block.kinds[i]!
    batch.count++
  }
}

/** A broker whose IN grows record by record, and the answer to what it holds. */
export class StoredLog {
  readonly rig: Rig
  readonly log: InputLog
  readonly #parts: readonly Part[]
  readonly #reference: Reference
  readonly #underWay = new Set<Promise<void>>()
  #records = 0

  private constructor(rig: Rig, log: InputLog, partitionCount: number) {
    this.rig = rig
    this.log = log
    this.#parts = Array.from({ length: partitionCount }, (_, i) => new Part(rig, i))
    this.#reference = new Reference(log.shape.subscribers)
  }

  /** Starts everything; the log holds genesis and the seeds. */
  static async start(log: InputLog, partitionCount = 1): Promise<StoredLog> {
    const clock = { mode: 'virtual', writer: CLOCK_WRITER, startMs: START_MS } as const
    const rig = await Rig.start(FILES, clock, partitionCount)
    const stored = new StoredLog(rig, log, partitionCount)
    await stored.#publishSeeds()
    return stored
  }

  get records(): number {
    return this.#records
  }

  /** Of several partitions, the index of a record is that in its partition. */
  get firings(): Firings {
    return this.#reference.firings
  }

  /** Records that each partition holds. */
  get partitionRecords(): readonly number[] {
    return this.#parts.map(({ batch }) => batch.first)
  }

  /** Publishes records until the log holds `records`; resolves when they are stored. */
  async append(records: number): Promise<void> {
    const parts = this.#parts
    while (this.#records < records) {
      const block = this.log.next()
      if (block === null) break
      for (let i = 0; i < block.count; i++) {
        const part = parts[parts.length === 1 ? 0 : block.subscribers[i]! % parts.length]!
        part.add(block, i)
        if (part.batch.count === BATCH_RECORDS) await this.#publishBatch(part)
      }
      this.#records += block.count
    }
    for (const part of parts) if (part.batch.count > 0) await this.#publishBatch(part)
    await Promise.all(this.#underWay)
  }

  stop(): Promise<void> {
    return this.rig.stop()
  }

  async #publishBatch(part: Part): Promise<void> {
    const { batch, partition } = part
    this.#reference.apply(batch)
    const timeMs = batch.timesMs[batch.count - 1]!
    part.seq += 1
    if (timeMs - part.clockMs >= CLOCK_STEP_MS) {
      part.clockMs = timeMs
      const tick = encodeTick({ id: `clock-${part.seq}`, writer: CLOCK_WRITER, timeMs })
      await this.#publish(part, `control.${partition}`, tick)
    }
    const stamp = { probe: 'probe', epoch: 1, seq: part.seq }
    const message = encodeUsageColumns(stamp, batch, 0, batch.count)
    batch.first += batch.count
    batch.count = 0
    await this.#publish(part, `usage.${partition}.probe`, message)
  }

  async #publishSeeds(): Promise<void> {
    const seeds = seedSubscribers(this.log.shape.subscribers)
    const unchanged = { fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
    for (const part of this.#parts) {
      const own = seeds.filter((subscriber) => subscriber % this.#parts.length === part.partition)
      for (let first = 0; first < own.length; first += PROFILE_ROWS) {
        const rows: ProfileRow[] = []
        for (const subscriber of own.subarray(first, first + PROFILE_ROWS)) {
          rows.push({ subscriber, tags: { seed: true }, ...unchanged })
        }
        const stamp = { probe: 'crm', epoch: 1, seq: first }
        const message = encodeProfile({ stamp, rows })
        await this.#publish(part, `profile.${part.partition}.crm`, message)
      }
    }
    await Promise.all(this.#underWay)
  }

  async #publish(part: Part, subject: string, data: Uint8Array): Promise<void> {
    const stored = part.writer.publish(subject, data).then(() => {
      this.#underWay.delete(stored)
    })
    this.#underWay.add(stored)
    if (this.#underWay.size >= IN_FLIGHT_MAX) await Promise.race(this.#underWay)
  }
}
