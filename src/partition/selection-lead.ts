/**
 * What partition 0 does for selections in addition: it knows when a schedule has come, lets one
 * selection run at a time, adds up the tallies of all partitions and says where the cut lies.
 */

import { assert } from '../errors.ts'
import type { ControlMessage, SelectionCut } from '../model/messages.ts'
import { RejectError } from '../model/reject.ts'
import {
  type QuotaSpec,
  type SegmentSpec,
  TAKE_SHARE_PARTS,
  type TakeSpec,
} from '../model/segment.ts'
import { SELECTION_BUCKETS, SELECTION_KEY_WORDS, TAG_VERSION_MAX } from '../model/wire.ts'
import { cutHistogram, KEY_DIGITS, setDigit } from '../state/selection-key.ts'
import { lastDue, nextDue, versionOfDay } from '../state/selection-schedule.ts'
import type { PartitionCore } from './core.ts'
import type { Errand } from './errands.ts'
import {
  noPrefix,
  type SegmentRecord,
  type SelectionLead,
  type SelectionState,
} from './selection-state.ts'

type Select = Extract<ControlMessage, { kind: 'select' }>
type Tally = Extract<ControlMessage, { kind: 'tally' }>

/** Errands as of a lead, until the next instant of a schedule, ms. */
interface Owed {
  readonly lead: SelectionLead | null
  readonly nextMs: number
  readonly errands: readonly Errand[]
}

/** Leads the selections of all partitions; of partition 0 only. */
export class SelectionLeader {
  readonly #core: PartitionCore
  /** What is owed, for which lead, and when a schedule adds to it; null: to be worked out. */
  #owed: Owed | null = null

  constructor(core: PartitionCore) {
    this.#core = core
  }

  /** When a schedule comes next, ms; what has come and waits for its message is not counted. */
  get nextDueMs(): number {
    return this.#look().nextMs
  }

  /** Takes a request from the log. Throws RejectError for one that makes no sense. */
  request({ segment, version, atMs }: Select): void {
    this.#owed = null
    const spec = this.#segment(segment)
    if (spec === undefined) throw new RejectError('unknown-name', 'segment', 'no such segment')
    const { selections, clockMs } = this.#core
    const record = this.#recordOf(spec)
    const queued = selections.queue.find((each) => each.segment === segment)
    const highest = Math.max(record.version, queued?.version ?? 0)
    if (atMs === null) {
      if (version <= highest) {
        const detail = `version ${version} does not follow ${highest}`
        throw new RejectError('out-of-range', 'version', detail)
      }
    } else {
      if (atMs > clockMs) throw new RejectError('out-of-range', 'at', 'this is still to come')
      // The owner says it again where it does not know whether it was heard.
      if (atMs <= record.handledMs) return
      record.missedCount += this.#countDue(spec, record.handledMs, atMs) - 1
      record.handledMs = atMs
    }
    const next = Math.min(Math.max(version, highest + 1), TAG_VERSION_MAX)
    const request = { segment, version: next, atMs }
    selections.queue = [...selections.queue.filter((each) => each !== queued), request]
    this.startNext()
  }

  /** Takes the tally of a partition; one of another run or round changes nothing. */
  hear({ run, round, partition, tally }: Omit<Tally, 'id' | 'kind'>): void {
    const { selections, genesis } = this.#core
    const { lead } = selections
    if (lead === null || lead.run !== run || lead.round !== round) return
    if (partition >= genesis.partitionCount || lead.heard.includes(partition)) return
    if ((tally.kind === 'taken') !== lead.isCut) return
    this.#owed = null
    lead.heard = [...lead.heard, partition].sort((a, b) => a - b)
    if (tally.kind === 'taken') {
      lead.candidates += tally.candidates
      lead.taken += tally.taken
    } else {
      for (const [digit, count] of tally.counts.entries()) lead.counts[digit]! += count
    }
    if (lead.heard.length < genesis.partitionCount) return
    if (lead.isCut) this.#finish(lead)
    else this.#cut(lead)
  }

  /** The cut that the partitions are to follow in the running round; null in the first one. */
  cutOf(lead: SelectionLead): SelectionCut | null {
    if (lead.round === 0) return null
    const { thresholds, digits, prefix, isCut } = lead
    return { thresholds, next: isCut ? null : { digits, prefix } }
  }

  /**
   * Another configuration is in force: a selection whose segment selects others now begins again,
   * one whose segment is gone is given up.
   */
  useCatalog(brokenOff: string | null): void {
    this.#owed = null
    const { selections, clockMs } = this.#core
    const { segments } = this.#core.compiled.catalog
    for (const segment of segments) {
      const record = this.#recordOf(segment)
      const schedule = JSON.stringify(segment.schedule)
      if (record.schedule === schedule) continue
      // What was due before anybody had declared it is not due.
      record.schedule = schedule
      record.handledMs = Math.max(record.handledMs, clockMs)
    }
    const { lead } = selections
    if (lead !== null && brokenOff === lead.segment) {
      queueAgain(selections, lead)
    }
    const isKnown = (name: string): boolean => segments.some((each) => each.name === name)
    selections.queue = selections.queue.filter(({ segment }) => isKnown(segment))
    this.startNext()
  }

  /**
   * What partition 0 owes: schedules that have come to itself, orders and cuts to the others. With
   * a cut goes the order: a new baseline may have made a partition forget that it got one.
   */
  errands(): readonly Errand[] {
    return this.#look().errands
  }

  /** Schedules come with time, everything else changes by messages. */
  #look(): Owed {
    const { clockMs, selections } = this.#core
    const known = this.#owed
    if (known !== null && known.lead === selections.lead && clockMs < known.nextMs) return known
    const { lead } = selections
    this.#owed = { lead, nextMs: this.#nextInstantMs(), errands: this.#listErrands() }
    return this.#owed
  }

  #nextInstantMs(): number {
    const { clockMs } = this.#core
    let nextMs = Number.POSITIVE_INFINITY
    for (const segment of this.#core.compiled.catalog.segments) {
      const fromMs = Math.max(this.#recordOf(segment).handledMs, clockMs)
      const due = nextDue(segment.schedule, this.#core.defaultClock(), fromMs)
      if (due !== null && due.instantMs < nextMs) nextMs = due.instantMs
    }
    return nextMs
  }

  #listErrands(): readonly Errand[] {
    const owed: Errand[] = []
    for (const segment of this.#core.compiled.catalog.segments) {
      const message = this.#dueMessage(segment)
      if (message !== null) owed.push({ partition: 0, message })
    }
    const { lead } = this.#core.selections
    if (lead === null) return owed
    const order = this.#orderOf(lead)
    const cut = this.#cutMessageOf(lead)
    for (let partition = 1; partition < this.#core.genesis.partitionCount; partition++) {
      if (lead.heard.includes(partition)) continue
      owed.push({ partition, message: order })
      if (cut !== null) owed.push({ partition, message: cut })
    }
    return owed
  }

  #dueMessage({ name, schedule }: SegmentSpec): Select | null {
    const { clockMs, selections } = this.#core
    const record = selections.records[name]
    if (record === undefined) return null
    const due = lastDue(schedule, this.#core.defaultClock(), record.handledMs, clockMs)
    if (due === null) return null
    const version = versionOfDay(due.day)
    const id = `select-${name}-${due.instantMs}`
    return { kind: 'select', id, segment: name, version, atMs: due.instantMs, order: null }
  }

  #orderOf({ run, segment, version, generation, startMs }: SelectionLead): ControlMessage {
    const order = { run, generation, startMs }
    return { kind: 'select', id: `select-${run}`, segment, version, atMs: null, order }
  }

  #cutMessageOf(lead: SelectionLead): ControlMessage | null {
    const { run, round } = lead
    const cut = this.cutOf(lead)
    return cut && { kind: 'cut', id: `cut-${run}-${round}`, run, round, cut }
  }

  /** Leads the next selection of the queue, unless one runs. */
  startNext(): void {
    const core = this.#core
    const { selections } = core
    const [next, ...rest] = selections.queue
    if (selections.lead !== null || next === undefined) return
    selections.queue = rest
    this.#recordOf(this.#segment(next.segment)!).version = next.version
    selections.lead = {
      ...next,
      run: selections.lastRun + 1,
      generation: core.generation,
      startMs: core.clockMs,
      round: 0,
      heard: [],
      counts: new Float64Array(SELECTION_BUCKETS),
      thresholds: new Uint32Array(0),
      digits: 0,
      prefix: noPrefix(),
      remaining: -1,
      isCut: false,
      candidates: 0,
      taken: 0,
    }
  }

  /** All partitions have counted: settles a digit, or a threshold and with it a quota. */
  #cut(lead: SelectionLead): void {
    const { quotas } = this.#segment(lead.segment)!
    const quota = lead.thresholds.length / SELECTION_KEY_WORDS
    const total = lead.counts.reduce((sum, count) => sum + count, 0)
    if (lead.remaining === -1) lead.remaining = takenOf(quotas[quota]!.take, total)
    if (lead.remaining >= total) this.#settle(lead, quotas, total === 0 && lead.digits === 0)
    else {
      const { digit, above, isWhole } = cutHistogram(lead.counts, lead.remaining)
      lead.remaining -= above
      setDigit(lead.prefix, lead.digits, digit)
      lead.digits += 1
      if (isWhole || lead.digits === KEY_DIGITS) this.#settle(lead, quotas, false)
    }
    lead.round += 1
    lead.heard = []
    lead.counts.fill(0)
  }

  /** The prefix, followed by zeros, is the threshold of the quota; for nobody it is the highest. */
  #settle(lead: SelectionLead, quotas: readonly QuotaSpec[], isNobody: boolean): void {
    if (isNobody) lead.prefix.fill(0xffff_ffff)
    lead.thresholds = Uint32Array.of(...lead.thresholds, ...lead.prefix)
    lead.digits = 0
    lead.prefix = noPrefix()
    lead.remaining = -1
    lead.isCut = lead.thresholds.length === quotas.length * SELECTION_KEY_WORDS
  }

  #finish(lead: SelectionLead): void {
    const { selections, clockMs } = this.#core
    assert(selections.lead === lead)
    const { segment, version, candidates, taken } = lead
    const total = { version, endMs: clockMs, candidates, taken }
    this.#recordOf(this.#segment(segment)!).total = total
    selections.lead = null
    this.startNext()
  }

  #countDue({ schedule }: SegmentSpec, afterMs: number, untilMs: number): number {
    return lastDue(schedule, this.#core.defaultClock(), afterMs, untilMs)?.count ?? 1
  }

  #segment(name: string): SegmentSpec | undefined {
    return this.#core.compiled.catalog.segments.find((each) => each.name === name)
  }

  #recordOf({ name, schedule }: SegmentSpec): SegmentRecord {
    return recordOf(this.#core, name, JSON.stringify(schedule))
  }
}

/**
 * Partition 0 goes on from a new baseline, so it may have forgotten runs that the other partitions
 * know, and take no lower number: runs go on from `ruledAtMs`, since nobody asks for a thousand of
 * them in a second. The one that it leads begins again under its version; see `Selecting.advance`.
 */
export function leaveRuns(core: PartitionCore, ruledAtMs: number): void {
  const { selections } = core
  const { lead, run } = selections
  selections.lastRun = Math.max(selections.lastRun, ruledAtMs)
  if (run !== null && (run.phase !== 'done' || lead?.run === run.run)) {
    selections.run = null
    recordOf(core, run.segment, '').abortedCount += 1
  }
  if (lead !== null) queueAgain(selections, lead)
}

/** Gives up what runs, for the next turn; nothing where the segment is asked for again already. */
function queueAgain(selections: SelectionState, lead: SelectionLead): void {
  const { segment, version, atMs } = lead
  selections.lead = null
  if (selections.queue.some((each) => each.segment === segment)) return
  selections.queue = [{ segment, version, atMs }, ...selections.queue]
}

/** The record of a segment; a new one takes what was due until now for dealt with. */
export function recordOf(core: PartitionCore, name: string, schedule: string): SegmentRecord {
  const { records } = core.selections
  const known = Object.hasOwn(records, name) ? records[name] : undefined
  if (known !== undefined) return known
  const fresh: SegmentRecord = {
    version: 0,
    handledMs: core.clockMs,
    schedule,
    selectedCount: 0,
    abortedCount: 0,
    missedCount: 0,
    last: null,
    total: null,
  }
  records[name] = fresh
  return fresh
}

/** How many of the candidates a quota takes. */
function takenOf(take: TakeSpec, candidates: number): number {
  if (take.kind === 'all') return candidates
  if (take.kind === 'count') return take.count
  return candidates === 0
    ? 0
    : Math.max(1, Math.floor((candidates * take.parts) / TAKE_SHARE_PARTS))
}
