/**
 * Selections of one partition: takes orders, does a slice of the running one with every input, and
 * tells partition 0 what it found. The same messages and steps whether there is one partition or
 * many; what partition 0 says to itself it does at once, and not through its log.
 *
 *   select → scoring → waiting ⇄ counting → … → applying → done
 *
 * Every phase and cursor is in the image, so that a selection goes on after a load where it stood.
 */

import { assert } from '../errors.ts'
import type { ControlMessage, SelectionCut, SelectionTally } from '../model/messages.ts'
import { RejectError } from '../model/reject.ts'
import type { SegmentSpec } from '../model/segment.ts'
import { SELECTION_BUCKETS } from '../model/wire.ts'
import type { PartitionCore } from './core.ts'
import { type Errand, type ErrandSource, NO_ERRANDS } from './errands.ts'
import type { Judge } from './judging.ts'
import type { Profiles } from './profiles.ts'
import { recordOf, SelectionLeader } from './selection-lead.ts'
import { SelectionPass } from './selection-pass.ts'
import { noPrefix, type SelectionRun, type SelectionState } from './selection-state.ts'

/** The control messages of selections. */
export type SelectionMessage = Extract<ControlMessage, { kind: 'select' | 'tally' | 'cut' }>

/** Whether a control message is one of selections. */
export function isSelection(message: ControlMessage): message is SelectionMessage {
  const { kind } = message
  return kind === 'select' || kind === 'tally' || kind === 'cut'
}

/** Runs the selections of one partition. */
export class Selecting implements ErrandSource {
  readonly #core: PartitionCore
  readonly #judge: Judge
  readonly #profiles: Profiles
  readonly #leader: SelectionLeader | null
  /** The tally that is owed now, by what it is of; derived. */
  #owed: { readonly name: string; readonly errands: readonly Errand[] } | null = null
  /** Code of the running selection; derived. */
  #pass: SelectionPass | null = null

  constructor(core: PartitionCore, judge: Judge, profiles: Profiles) {
    this.#core = core
    this.#judge = judge
    this.#profiles = profiles
    this.#leader = core.genesis.partition === 0 ? new SelectionLeader(core) : null
  }

  /** When the next input is wanted at the latest, ms: at once while slices of work are left. */
  get nextDueMs(): number {
    // Whatever the asker's own clock says, which may be behind the log's.
    if (this.#isWorking || this.#isNextOwed) return Number.NEGATIVE_INFINITY
    return this.#leader?.nextDueMs ?? Number.POSITIVE_INFINITY
  }

  /** Another configuration is in force, or the same one after a load. */
  useCatalog(): void {
    const { selections } = this.#core
    this.#pass = null
    let brokenOff: string | null = null
    const { run, lead } = selections
    if (run !== null && (run.phase !== 'done' || lead?.run === run.run)) {
      const segment = this.#segment(run.segment)
      if (segment === undefined || segment.identity !== run.identity) {
        brokenOff = run.segment
        selections.run = null
        recordOf(this.#core, run.segment, '').abortedCount += 1
      }
    }
    this.#leader?.useCatalog(brokenOff)
    const { held } = selections
    if (held !== null && held.generation <= this.#core.generation) {
      selections.held = null
      this.#begin(held)
    }
    this.#follow()
  }

  /** Takes a control message of selections. Throws RejectError for what makes no sense here. */
  take(message: SelectionMessage): void {
    if (message.kind === 'tally') this.#leader?.hear(message)
    else if (message.kind === 'cut') {
      // Partition 0 makes the cuts: one in its log is nobody's, and it would wait for itself.
      if (this.#leader === null) this.#hearCut(message.run, message.round, message.cut)
    } else if (message.order !== null) this.#hearOrder({ ...message, ...message.order })
    else if (this.#leader !== null) this.#leader.request(message)
    else throw new RejectError('unknown-kind', 'kind', 'selections are asked for at partition 0')
    this.#follow()
  }

  /** Whether `advance` would do nothing. */
  get isIdle(): boolean {
    return !this.#isNextOwed && !this.#isWorking
  }

  /** Does a slice of what is to be done; after every input. */
  advance(): void {
    if (this.#isNextOwed) {
      this.#leader!.startNext()
      this.#follow()
    }
    const { run } = this.#core.selections
    if (run === null || !this.#isWorking) return
    const pass = this.#passOf(run)
    run.inputs += 1
    if (run.phase === 'scoring' || run.phase === 'counting') {
      const isOver = run.phase === 'scoring' ? pass.score() : pass.count()
      if (!isOver) return
      run.phase = 'waiting'
      this.#tell(run, { kind: 'counts', counts: run.counts })
    } else if (pass.apply(this.#profiles, this.#judge)) {
      this.#end(run)
      this.#tell(run, { kind: 'taken', candidates: run.candidates, taken: run.taken })
    }
    this.#follow()
  }

  errands(): readonly Errand[] {
    if (this.#leader !== null) return this.#leader.errands()
    const { run } = this.#core.selections
    if (run === null || this.#isWorking) return NO_ERRANDS
    const { run: number, round, phase } = run
    const name = `${number} ${round} ${phase}`
    if (this.#owed?.name !== name) this.#owed = { name, errands: this.#tallyOf(run) }
    return this.#owed.errands
  }

  #tallyOf(run: SelectionRun): readonly Errand[] {
    const { partition } = this.#core.genesis
    const { run: number, round, phase, counts, candidates, taken } = run
    const tally: SelectionTally =
      phase === 'done' ? { kind: 'taken', candidates, taken } : { kind: 'counts', counts }
    const id = `tally-${number}-${round}-${partition}`
    return [{ partition: 0, message: { kind: 'tally', id, run: number, round, partition, tally } }]
  }

  get #isWorking(): boolean {
    const { run } = this.#core.selections
    return run !== null && run.phase !== 'waiting' && run.phase !== 'done'
  }

  /** Whether a new baseline made partition 0 give up what it led: it begins again. */
  get #isNextOwed(): boolean {
    const { lead, queue } = this.#core.selections
    return this.#leader !== null && lead === null && queue.length > 0
  }

  /** Partition 0 does what it says to all others. */
  #follow(): void {
    if (this.#leader === null) return
    for (;;) {
      const { lead, lastRun, run } = this.#core.selections
      if (lead === null) return
      if (lead.run > lastRun) {
        this.#begin(lead)
        continue
      }
      const cut = this.#leader.cutOf(lead)
      const isBehind = run !== null && run.run === lead.run && run.round < lead.round
      if (cut === null || !isBehind) return
      this.#hearCut(lead.run, lead.round, cut)
    }
  }

  /** Tells partition 0 at once where that is here; elsewhere it stays owed. */
  #tell({ run, round }: SelectionRun, tally: SelectionTally): void {
    this.#leader?.hear({ run, round, partition: 0, tally })
  }

  /** An order of partition 0. It may know a configuration that is still on its way to us. */
  #hearOrder(order: NonNullable<SelectionState['held']>): void {
    const { selections, generation } = this.#core
    if (this.#leader !== null || order.run <= selections.lastRun) return
    const { run, segment, version, startMs } = order
    if (order.generation <= generation) {
      this.#begin(order)
      return
    }
    selections.lastRun = run
    selections.run = null
    this.#pass = null
    selections.held = {
      run,
      segment,
      version,
      startMs,
      generation: order.generation,
      atMs: null,
    }
  }

  #begin(order: { run: number; segment: string; version: number; startMs: number }): void {
    const core = this.#core
    const { selections } = core
    selections.lastRun = order.run
    selections.held = null
    selections.run = null
    this.#pass = null
    const segment = this.#segment(order.segment)
    // Ours is the newer configuration then: partition 0 has it, too, and gives this up.
    if (segment === undefined) return
    const { run, version, startMs } = order
    recordOf(core, segment.name, JSON.stringify(segment.schedule)).version = version
    selections.run = {
      run,
      segment: segment.name,
      version,
      startMs,
      identity: segment.identity,
      phase: 'scoring',
      cursor: 0,
      slotCount: core.tables[0]!.rowCount,
      round: 0,
      thresholds: new Uint32Array(0),
      digits: 0,
      prefix: noPrefix(),
      counts: new Uint32Array(SELECTION_BUCKETS),
      candidates: 0,
      taken: 0,
      lowestScore: null,
      inputs: 0,
    }
  }

  #hearCut(number: number, round: number, { thresholds, next }: SelectionCut): void {
    const { run } = this.#core.selections
    if (run === null || run.run !== number || run.phase !== 'waiting') return
    // The next round, or for one who began anew any later one: a cut tells all that is settled.
    if (round <= run.round) return
    run.round = round
    run.cursor = 0
    run.thresholds = Uint32Array.from(thresholds)
    run.counts.fill(0)
    run.phase = next === null ? 'applying' : 'counting'
    run.digits = next?.digits ?? 0
    run.prefix = next === null ? noPrefix() : Uint32Array.from(next.prefix)
  }

  /** Every row has been looked at. The thresholds may bear a subscriber's number: they go. */
  #end(run: SelectionRun): void {
    const core = this.#core
    const { lead } = core.selections
    run.phase = 'done'
    run.thresholds = new Uint32Array(0)
    const { segment, version, startMs, candidates, taken, lowestScore, inputs } = run
    const record = recordOf(core, segment, '')
    const isOurs = lead !== null && lead.run === run.run && lead.atMs !== null
    record.selectedCount += 1
    record.last = {
      version,
      startMs,
      endMs: core.clockMs,
      lateMs: isOurs ? Math.max(0, startMs - lead.atMs!) : 0,
      candidates,
      taken,
      lowestScore,
      inputs,
    }
    this.#pass = null
  }

  #passOf(run: SelectionRun): SelectionPass {
    if (this.#pass === null) {
      const segment = this.#segment(run.segment)
      assert(segment !== undefined, 'a selection runs whose segment is gone')
      this.#pass = new SelectionPass(this.#core, run, segment)
    }
    return this.#pass
  }

  #segment(name: string): SegmentSpec | undefined {
    return this.#core.compiled.catalog.segments.find((each) => each.name === name)
  }
}
