/** The log of input.ts in IN_0 of a real JetStream: profiles, usage, and ticks of its clock. */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { ProfileRow } from '../../src/model/messages.ts'
import { encodeProfile, encodeTick, encodeUsageColumns } from '../../src/probe/encode.ts'
import { type InputWriter, openInputWriter } from '../../src/sink/input-writer.ts'
import { Rig } from '../pipeline/rig.ts'
import { MESSAGE } from './engine.ts'
import {
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

/** A broker whose IN_0 grows record by record, and the answer to what it holds. */
export class StoredLog {
  readonly rig: Rig
  readonly log: InputLog
  readonly #writer: InputWriter
  readonly #reference: Reference
  readonly #underWay = new Set<Promise<void>>()
  #clockMs = START_MS
  #records = 0
  #seq = 0

  private constructor(rig: Rig, log: InputLog) {
    this.rig = rig
    this.log = log
    this.#writer = openInputWriter(rig.connection, 0, 60_000)
    this.#reference = new Reference(log.shape.subscribers)
  }

  /** Starts everything; the log holds genesis and the seeds. */
  static async start(log: InputLog): Promise<StoredLog> {
    const rig = await Rig.start(FILES, { mode: 'virtual', writer: CLOCK_WRITER, startMs: START_MS })
    const stored = new StoredLog(rig, log)
    await stored.#publishSeeds()
    return stored
  }

  get records(): number {
    return this.#records
  }

  get firings(): Firings {
    return this.#reference.firings
  }

  /** Publishes records until the log holds `records`; resolves when they are stored. */
  async append(records: number): Promise<void> {
    while (this.#records < records) {
      const block = this.log.next()
      if (block === null) break
      this.#reference.apply(block)
      await this.#publishBlock(block)
      this.#records += block.count
    }
    await Promise.all(this.#underWay)
  }

  stop(): Promise<void> {
    return this.rig.stop()
  }

  async #publishBlock(block: InputBlock): Promise<void> {
    const timeMs = block.timesMs[block.count - 1]!
    this.#seq += 1
    if (timeMs - this.#clockMs >= CLOCK_STEP_MS) {
      this.#clockMs = timeMs
      const id = `clock-${this.#seq}`
      await this.#publish('control.0', encodeTick({ id, writer: CLOCK_WRITER, timeMs }))
    }
    const stamp = { probe: 'probe', epoch: 1, seq: this.#seq }
    await this.#publish('usage.0.probe', encodeUsageColumns(stamp, block, 0, block.count))
  }

  async #publishSeeds(): Promise<void> {
    const seeds = seedSubscribers(this.log.shape.subscribers)
    const unchanged = { fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
    for (let first = 0; first < seeds.length; first += PROFILE_ROWS) {
      const rows: ProfileRow[] = []
      for (const subscriber of seeds.subarray(first, first + PROFILE_ROWS)) {
        rows.push({ subscriber, tags: { seed: true }, ...unchanged })
      }
      const stamp = { probe: 'crm', epoch: 1, seq: first }
      await this.#publish('profile.0.crm', encodeProfile({ stamp, rows }))
    }
    await Promise.all(this.#underWay)
  }

  async #publish(subject: string, data: Uint8Array): Promise<void> {
    const stored = this.#writer.publish(subject, data).then(() => {
      this.#underWay.delete(stored)
    })
    this.#underWay.add(stored)
    if (this.#underWay.size >= IN_FLIGHT_MAX) await Promise.race(this.#underWay)
  }
}
