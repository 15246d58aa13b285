/**
 * Everything a partition knows at one position of its log: the parts that judging, deciding and the
 * image share. All of it is in the image, or derived from it (index, heap, zone clocks, compiled
 * code).
 */

import { crc32 } from 'node:zlib'
import { assert } from '../errors.ts'
import type { ConfigFiles } from '../model/catalog.ts'
import { SUPPRESSION_REASONS } from '../model/decision.ts'
import type { ListName } from '../model/expression.ts'
import { LIST_NAMES } from '../model/expression.ts'
import type { JourneyCounts } from '../model/journey.ts'
import { type ClockMode, FEEDBACK_KINDS } from '../model/messages.ts'
import type { InputMessage } from '../model/ports.ts'
import { REJECT_REASONS } from '../model/reject.ts'
import type { PartitionStatistics } from '../model/view.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Rejects } from '../outbox/rejects.ts'
import { DueHeap } from '../state/due-heap.ts'
import {
  emptyLayout,
  type LayoutImage,
  META_CYCLE_MASK,
  META_CYCLE_SHIFT,
  META_LISTS_SHIFT,
  META_OFFSET,
  META_ZONE_MASK,
} from '../state/layout.ts'
import { placeKeys } from '../state/place-keys.ts'
import { Ledger, ROW_JOURNEY, ROW_PENDING, ROW_REOPEN } from '../state/ledger.ts'
import { MemberCounts } from '../state/member.ts'
import { PagedTable } from '../state/paged-table.ts'
import { PERIOD_KEYS, writePeriodKeys } from '../state/periods.ts'
import { Producers } from '../state/producers.ts'
import { SubscriberIndex } from '../state/subscriber-index.ts'
import { isZoneKnown, ZoneClock } from '../state/zone.ts'
import type { Cancellation } from './cancelling.ts'
import { Capacity, dueRank } from './capacity.ts'
import type { CompiledCatalog } from './compile.ts'
import { type Errand, type ErrandSource, JoinedErrands } from './errands.ts'
import { Incarnations } from './incarnations.ts'
import { Rulings } from './rulings.ts'
import { emptySelections, type SelectionState } from './selection-state.ts'

/** What genesis fixed for good. */
export interface Genesis {
  readonly partition: number
  readonly partitionCount: number
  readonly zone: string
  readonly clock: ClockMode
}

/** Counts per trigger since the process started. */
export interface TriggerCounts {
  candidates: number
  deliveries: number
  holdouts: number
  canaries: number
  suppressed: number
  /** Offers shown on request. */
  shown: number
}

/** Zones that one partition can tell apart. */
const ZONES_MAX = META_ZONE_MASK + 1

/** The shared state of one partition. Fields are written by the machine and its parts only. */
export class PartitionCore {
  readonly genesis: Genesis
  readonly outbox: Outbox
  readonly rejects: Rejects
  readonly layout: LayoutImage
  readonly tables: PagedTable[] = []
  readonly heap = new DueHeap()
  readonly producers = new Producers()
  readonly incarnations: Incarnations
  readonly capacity: Capacity
  readonly statistics: PartitionStatistics
  readonly journeyCounts = new Map<string, JourneyCounts>()
  readonly triggerCounts = new Map<string, TriggerCounts>()
  index!: SubscriberIndex
  ledger!: Ledger
  compiled!: CompiledCatalog
  generation = 0
  files: ConfigFiles = {}
  /** Sequence of the last input applied, and of the one being applied. */
  sequence = 0
  inputSequence = 0
  /** Baselines that lie behind: sequences of IN count anew in each era. */
  era = 0
  /** Baselines of OUT that lie behind. */
  outputEra = 0
  /** What persons ruled on this log, as far as it may lie ahead. */
  rulings: Rulings = new Rulings()
  clockMs: number
  nextCandidateId = 1
  /** Next ledger row that the slow clean-up looks at. */
  cleanupRow = 0
  /** Sequence of the last input that erased a subscriber; 0: none did. */
  erasureSequence = 0
  /** Ids of the control messages applied last, oldest first. */
  controlIds: string[] = []
  /** Ids of what was shown and accepted on request lately, oldest first. */
  offerIds = new Set<string>()
  /** Cancellations under way, oldest first. */
  cancellations: Cancellation[] = []
  /** How many members stand where; derived from the ledger. */
  readonly members = new MemberCounts()
  /** Next ledger row of the pass that follows edits of journeys; -1: there is none. */
  journeySweep = -1
  /** Selections of segments; see selecting.ts. */
  selections: SelectionState = emptySelections()
  /** Parts that owe control messages to logs; set where the machine is wired. */
  readonly errandSources: ErrandSource[] = []
  readonly #errands = new JoinedErrands(this.errandSources)
  #lastInput: InputMessage | null = null
  #fingerprint = 0
  readonly #clocks: ZoneClock[] = []
  readonly #keys = new Int32Array(PERIOD_KEYS)

  constructor(genesis: Genesis, outbox: Outbox, rejects: Rejects, layout?: LayoutImage) {
    this.genesis = genesis
    this.outbox = outbox
    this.rejects = rejects
    this.layout = layout ?? emptyLayout(genesis.zone)
    this.incarnations = new Incarnations(genesis.partitionCount)
    this.capacity = new Capacity(this)
    this.statistics = emptyStatistics()
    this.clockMs = genesis.clock.mode === 'virtual' ? genesis.clock.startMs : 0
    for (const zone of this.layout.zones) this.#clocks.push(new ZoneClock(zone))
  }

  /**
   * CRC-32 of subject and data of the last input applied: tells whether the message at our position
   * is still the same. Worked out when asked for, since few positions ever are; to be asked before
   * the input's bytes are given back to the source.
   */
  get fingerprint(): number {
    if (this.#lastInput !== null) this.fingerprint = fingerprintOf(this.#lastInput)
    return this.#fingerprint
  }

  set fingerprint(fingerprint: number) {
    this.#fingerprint = fingerprint
    this.#lastInput = null
  }

  /** The input stands applied. */
  noteApplied(message: InputMessage): void {
    this.sequence = message.sequence
    this.#lastInput = message
  }

  /** Makes the tables of the layout that do not exist yet, with a zeroed row per subscriber. */
  addTables(): void {
    for (let id = this.tables.length; id < this.layout.tables.length; id++) {
      const table = new PagedTable(id, this.layout.tables[id]!.strideSize)
      this.tables.push(table)
      if (id > 0) table.growTo(this.tables[0]!.rowCount)
    }
  }

  /** The hot table, index and ledger; call once, after the first `addTables`. */
  openSubscribers(subscribersExpected: number): void {
    const hot = this.tables[0]
    assert(hot !== undefined)
    this.index = new SubscriberIndex(hot, subscribersExpected)
    this.ledger = new Ledger(hot)
  }

  /** After new subscribers got rows in the hot table: rows in all others. */
  alignTables(): void {
    const { rowCount } = this.tables[0]!
    for (let id = 1; id < this.tables.length; id++) this.tables[id]!.growTo(rowCount)
  }

  /** Refills the heap and the lines from the ledger; for load. */
  rebuildHeap(): void {
    const { ledger, heap } = this
    for (let row = 0; row < ledger.table.rowCount; row++) {
      const status = ledger.status(row)
      if (status !== ROW_PENDING && status !== ROW_REOPEN && status !== ROW_JOURNEY) continue
      const waiting = ledger.read(row)
      if (status === ROW_JOURNEY) this.members.add(waiting, 1)
      heap.push(waiting.dueMs, dueRank(waiting), waiting.id, row)
    }
    this.capacity.rebuild()
  }

  /** Control messages owed to the logs of partitions, in a fixed order. */
  errands(): readonly Errand[] {
    return this.#errands.errands()
  }

  get subscriberCount(): number {
    return this.tables.length === 0 ? 0 : this.index.count
  }

  subscriberOf(slot: number): number {
    return this.tables[0]!.getF64(slot, 0)
  }

  meta(slot: number): number {
    return this.tables[0]!.getI32(slot, META_OFFSET)
  }

  setMeta(slot: number, meta: number): void {
    this.tables[0]!.setI32(slot, META_OFFSET, meta)
  }

  clockOf(slot: number): ZoneClock {
    return this.#clocks[this.meta(slot) & META_ZONE_MASK]!
  }

  defaultClock(): ZoneClock {
    return this.#clocks[0]!
  }

  zoneClock(zone: number): ZoneClock {
    return this.#clocks[zone]!
  }

  /** Day of the month on which the subscriber's billing cycle starts. */
  cycleDayOf(slot: number): number {
    return cycleDayOfMeta(this.meta(slot))
  }

  /** Whether these zones are known or can be learned, all of them. Changes nothing. */
  canLearnZones(zones: ReadonlySet<string>): boolean {
    const fresh = [...zones].filter((zone) => !this.layout.zones.includes(zone))
    return this.layout.zones.length + fresh.length <= ZONES_MAX && fresh.every(isZoneKnown)
  }

  /** Number of a zone, which is learned if new. */
  zoneNumber(zone: string): number {
    const known = this.layout.zones.indexOf(zone)
    if (known !== -1) return known
    assert(this.layout.zones.length < ZONES_MAX, 'more zones than a row can tell apart')
    this.#clocks.push(new ZoneClock(zone))
    return this.layout.zones.push(zone) - 1
  }

  /** Period keys of an instant for a subscriber; valid until the next call. */
  periodKeys(slot: number, instantMs: number): Int32Array {
    writePeriodKeys(this.clockOf(slot), this.cycleDayOf(slot), instantMs, this.#keys)
    return this.#keys
  }

  /**
   * Period keys of an instant in a calendar: zone and cycle day as in a row's meta. Valid likewise.
   */
  periodKeysOf(calendar: number, instantMs: number): Int32Array {
    const clock = this.zoneClock(calendar & META_ZONE_MASK)
    writePeriodKeys(clock, cycleDayOfMeta(calendar), instantMs, this.#keys)
    return this.#keys
  }

  isListed(slot: number, list: ListName): boolean {
    return ((this.meta(slot) >>> (META_LISTS_SHIFT + LIST_NAMES.indexOf(list))) & 1) === 1
  }

  /** 0 or 1 for a plain tag, the version for a versioned one (0: not set). */
  tagValue(slot: number, tag: string): number {
    const spec = this.compiled.catalog.tags.find(({ name }) => name === tag)
    assert(spec !== undefined)
    if (spec.versioned) {
      const place = this.compiled.place(placeKeys.tagVersion(tag))
      return this.tables[place.table]!.getI32(slot, place.offset)
    }
    return this.bit(slot, placeKeys.tag(tag))
  }

  bit(slot: number, key: string): number {
    const { table, offset, bit } = this.compiled.place(key)
    return (this.tables[table]!.getI32(slot, offset) >>> bit) & 1
  }

  setBit(slot: number, key: string, isSet: boolean): void {
    const { table, offset, bit } = this.compiled.place(key)
    const word = this.tables[table]!.getI32(slot, offset)
    this.tables[table]!.setI32(slot, offset, isSet ? word | (1 << bit) : word & ~(1 << bit))
  }

  hasField(slot: number, field: string): boolean {
    return this.bit(slot, placeKeys.fieldSet(field, this.compiled.fieldType(field))) === 1
  }

  fieldValue(slot: number, field: string): number {
    const { table, offset } = this.compiled.place(
      placeKeys.field(field, this.compiled.fieldType(field)),
    )
    return this.tables[table]!.getF64(slot, offset)
  }

  journeyCountsOf(journey: string): JourneyCounts {
    let counts = this.journeyCounts.get(journey)
    if (counts === undefined) {
      const none = { entered: 0, goal: 0, exit: 0, completed: 0, left: 0 }
      counts = { all: { ...none }, control: { ...none } }
      this.journeyCounts.set(journey, counts)
    }
    return counts
  }

  countsOf(trigger: string): TriggerCounts {
    let counts = this.triggerCounts.get(trigger)
    if (counts === undefined) {
      counts = { candidates: 0, deliveries: 0, holdouts: 0, canaries: 0, suppressed: 0, shown: 0 }
      this.triggerCounts.set(trigger, counts)
    }
    return counts
  }

  /** Bytes of memory that subscribers, ledger and index take. */
  stateSize(): number {
    const tables = this.tables.reduce((sum, table) => sum + table.size, 0)
    return tables + this.ledger.table.size + this.index.size
  }
}

/** CRC-32 of a message's subject and data. */
export function fingerprintOf(message: InputMessage): number {
  return crc32(message.data, crc32(message.subject))
}

/** Cycle day in a row's meta, 1 to 31. */
export function cycleDayOfMeta(meta: number): number {
  return (meta >>> META_CYCLE_SHIFT) & META_CYCLE_MASK || 1
}

/** Statistics of a partition that has done nothing. */
export function emptyStatistics(): PartitionStatistics {
  return {
    inputMessages: { usage: 0, profile: 0, feedback: 0, control: 0 },
    inputBytes: 0,
    records: 0,
    recordsTooLate: 0,
    recordsTooEarly: 0,
    recordsLateForWindow: 0,
    duplicateBatches: 0,
    producerGaps: 0,
    profileRows: 0,
    subscribersErased: 0,
    rejects: new Float64Array(REJECT_REASONS.length),
    feedbackRepeats: 0,
    outcomes: new Float64Array(FEEDBACK_KINDS.length),
    questions: 0,
    candidates: 0,
    deliveries: 0,
    holdouts: 0,
    canaries: 0,
    testSends: 0,
    notices: 0,
    shown: 0,
    suppressed: new Float64Array(SUPPRESSION_REASONS.length),
    timersFired: 0,
    ticksRefused: 0,
    decisions: 0,
    outputMessages: 0,
    outputRefusals: 0,
    outputBytes: 0,
    checkpoints: 0,
    checkpointFailures: 0,
    compactionFailures: 0,
  }
}
