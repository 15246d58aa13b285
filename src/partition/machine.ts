/**
 * One partition as a deterministic state machine: one input in, decisions out. It reads no clock,
 * no file and no random source; time is what the log says. Same log, same decisions, in the same
 * order, however the log was cut into batches.
 *
 *   apply(input)  sequence → clock → due timers → decode → dedupe → state, rules, decision → outbox
 *
 * Read on: judging.ts (records to candidates), deciding.ts (candidates to decisions), image.ts
 * (what a checkpoint holds), worker.ts (the shell with NATS, LMDB and the real clock around it).
 */

import { decodeControl } from '../decode/control.ts'
import { decodeFeedback, decodeProfile } from '../decode/messages.ts'
import { parseSubject } from '../decode/subject.ts'
import { UsageDecoder } from '../decode/usage.ts'
import { assert, PartitionHaltedError } from '../errors.ts'
import type { Catalog, ConfigFiles } from '../model/catalog.ts'
import type { ControlMessage } from '../model/messages.ts'
import type { InputMessage } from '../model/ports.ts'
import { REJECT_REASONS, type Reject, RejectError } from '../model/reject.ts'
import type { ProducerStamp } from '../model/usage.ts'
import { Outbox } from '../outbox/outbox.ts'
import { Rejects } from '../outbox/rejects.ts'
import type { SaidDecision } from './adoption.ts'
import { learnRuling, passHole, takeBaselines } from './baseline.ts'
import { CompiledCatalog } from './compile.ts'
import { findIncompatibility, parseOrReject } from './config-change.ts'
import { type Genesis, PartitionCore } from './core.ts'
import { Decider } from './deciding.ts'
import { DirectSends } from './direct-sends.ts'
import type { Emitter } from './emitting.ts'
import { Feedback } from './feedback.ts'
import { Interests } from './interests.ts'
import { beginFollowing } from './journey-edits.ts'
import { Judge } from './judging.ts'
import { refuseOutOfTime } from './out-of-time.ts'
import { Offering } from './offering.ts'
import { Profiles } from './profiles.ts'
import { type Ruling, Rulings } from './rulings.ts'
import { isSelection, Selecting } from './selecting.ts'
import { UsageRuns } from './usage-run.ts'

/** What an action on a tag leaves alone. */
const UNCHANGED = { fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
/** Control ids remembered, so that a repeat changes nothing. */
const CONTROL_IDS_MAX = 1024
/** Producers that were silent for longer may be forgotten; never within the lateness of records. */
const SILENCE_MIN_MS = 31 * 86_400_000

/** The state machine of one partition. Not reusable after an error: the partition halts. */
export class PartitionMachine {
  /** Set by genesis (the first input) or by an image. */
  core: PartitionCore | null = null
  readonly outbox = new Outbox()
  readonly rejects = new Rejects()
  /** Null before genesis. */
  offering: Offering | null = null
  readonly #partition: number
  readonly #usage = new UsageDecoder()
  #rulings = new Rulings()
  #said: readonly SaidDecision[] = []
  #decider!: Decider
  #directSends!: DirectSends
  #judge!: Judge
  #profiles!: Profiles
  #feedback!: Feedback
  #interests!: Interests
  #selecting!: Selecting
  #runs!: UsageRuns

  constructor(partition: number) {
    this.#partition = partition
  }

  /** Sequence of the last input applied; 0 before genesis. */
  get sequence(): number {
    return this.core?.sequence ?? 0
  }

  /** When timers, a schedule or work left over want the next input; Infinity: never. */
  get nextDueMs(): number {
    const { core } = this
    if (core === null) return Number.POSITIVE_INFINITY
    const isWorkLeft = core.cancellations.length > 0 || core.journeySweep !== -1
    if (isWorkLeft) return Number.NEGATIVE_INFINITY
    return Math.min(core.heap.nextDueMs, core.capacity.nextDueMs, this.#selecting.nextDueMs)
  }

  /** Whether an input is wanted at an instant of the partition's clock. */
  hasDueAt(instantMs: number): boolean {
    return this.nextDueMs <= instantMs
  }

  /** Takes over a restored core; for load. */
  adopt(core: PartitionCore, catalog: Catalog): void {
    assert(this.core === null)
    this.#wire(core)
    core.compiled = new CompiledCatalog(catalog, core.layout, false)
    assert(core.layout.tables.length === core.tables.length, 'the image lacks a table')
    this.#useCatalog()
  }

  /**
   * Takes over what was ruled on this log, and makes the jumps that are due; once, before the first
   * input. `said`: the decisions of OUT past the image, if there is a baseline.
   */
  follow(rulings: Rulings, said: readonly SaidDecision[]): void {
    this.#rulings = rulings
    this.#said = said
    const beginning = this.core === null ? rulings.baselineFrom(0, 0) : null
    if (beginning !== null && beginning.baseline.genesis !== null) {
      const subject = `control.${this.#partition}`
      const { time: timestampMs, baseline } = beginning
      this.#applyGenesis({ sequence: 0, timestampMs, subject, data: baseline.genesis! })
    }
    if (this.core === null) return
    this.core.rulings = rulings
    takeBaselines(this.core, said)
  }

  /** A standby reads of a ruling while it follows; see `learnRuling`. */
  learn(ruling: Ruling): void {
    this.#rulings = learnRuling(this.core, this.#rulings, ruling)
    if (this.core !== null) this.core.rulings = this.#rulings
  }

  /**
   * Applies one input whole. Throws PartitionHaltedError when the log cannot be right; anything a
   * producer can do wrong becomes a reject.
   */
  apply(message: InputMessage): void {
    if (message.sequence !== this.sequence + 1 && this.core !== null) {
      passHole(this.core, message.sequence, this.#said)
    }
    if (message.sequence !== this.sequence + 1) {
      const text = `input ${message.sequence} follows input ${this.sequence}`
      throw new PartitionHaltedError('sequence-jump', text)
    }
    const { core } = this
    if (core === null) {
      this.#applyGenesis(message)
    } else if (core.rulings.isSkipped(core.era, message.sequence)) {
      this.#skip(core, message)
    } else {
      core.inputSequence = message.sequence
      core.statistics.inputBytes += message.data.byteLength
      this.#applyInput(core, message)
    }
    this.core!.noteApplied(message)
    this.outbox.seal()
    if (!this.#rulings.isEmpty) takeBaselines(this.core!, this.#said)
  }

  /** As `apply`, from `messages[first]` to before `end`, as many as go together (returned). */
  applySome(messages: readonly InputMessage[], first: number, end: number): number {
    const isForRun = this.core !== null && this.#rulings.isEmpty
    const count = isForRun ? this.#runs.apply(messages, first, end) : 0
    if (count === 0) this.apply(messages[first]!)
    return count || 1
  }

  /** As if it were not there, but for the sequence; its body is kept in REJ. */
  #skip(core: PartitionCore, message: InputMessage): void {
    core.inputSequence = message.sequence
    const detail = 'skipped by a ruling in OUT'
    this.#reject(core, message, { reason: 'skipped-by-ruling', position: 'offset 0', detail })
  }

  #applyInput(core: PartitionCore, message: InputMessage): void {
    const isReal = core.genesis.clock.mode === 'real'
    if (isReal) {
      core.clockMs = Math.max(core.clockMs, core.rulings.stampOf(core.era, message))
    }
    const usageMessages = core.statistics.inputMessages.usage
    try {
      this.#applyMessage(core, message)
    } catch (error) {
      if (!(error instanceof RejectError)) throw error
      this.#reject(core, message, error.reject)
    }
    this.#selecting.advance()
    this.#decider.settle()
    const isUsage = core.statistics.inputMessages.usage > usageMessages
    this.#decider.tidy(isUsage ? message.data.byteLength : null)
    core.capacity.askForMore()
  }

  #applyMessage(core: PartitionCore, message: InputMessage): void {
    const subject = parseSubject(message.subject)
    if (subject?.kind === 'control' && subject.partition === this.#partition) {
      this.#applyControlInput(core, message)
      return
    }
    this.#decider.fireDue()
    if (subject === null || subject.kind === 'control' || subject.partition !== this.#partition) {
      throw new RejectError('unknown-subject', 'subject', 'no such subject')
    }
    core.statistics.inputMessages[subject.kind] += 1
    if (subject.kind === 'usage') this.#applyUsage(core, message, subject.producer)
    else if (subject.kind === 'profile') this.#applyProfile(core, message, subject.producer)
    else this.#applyFeedback(core, message, subject.producer)
  }

  #applyControlInput(core: PartitionCore, message: InputMessage): void {
    core.statistics.inputMessages.control += 1
    let control: ControlMessage | null = null
    try {
      control = decodeControl(message.data)
      if (control.kind === 'tick') this.#moveVirtualClock(core, control)
    } finally {
      // Due timers fire before the input's own effect, whatever the input is worth.
      this.#decider.fireDue()
    }
    this.#applyControl(core, control, message)
  }

  #applyUsage(core: PartitionCore, message: InputMessage, producer: string): void {
    const { partitionCount } = core.genesis
    this.#usage.decode(message.data, producer, this.#partition, partitionCount)
    const { batch, stamp } = this.#usage
    if (!this.#isFresh(core, 'usage', stamp)) return
    refuseOutOfTime(core, message, batch)
    if (batch.count > 0) this.#judge.applyUsage(batch)
  }

  #applyProfile(core: PartitionCore, message: InputMessage, source: string): void {
    const { partitionCount } = core.genesis
    const profile = decodeProfile(message.data, source, this.#partition, partitionCount)
    this.#profiles.check(profile)
    if (this.#isFresh(core, 'profile', profile.stamp)) this.#profiles.apply(profile)
  }

  #applyFeedback(core: PartitionCore, message: InputMessage, source: string): void {
    const { partitionCount } = core.genesis
    const feedback = decodeFeedback(message.data, source, this.#partition, partitionCount)
    if (this.#isFresh(core, 'feedback', feedback.stamp)) this.#feedback.apply(message, feedback)
  }

  /** A repeat changes nothing and is counted; what cannot be told from a repeat is rejected. */
  #isFresh(
    core: PartitionCore,
    kind: 'usage' | 'profile' | 'feedback',
    stamp: ProducerStamp,
  ): boolean {
    const { clockMs } = core
    const time = { clockMs, silentBeforeMs: clockMs - silenceOf(core) }
    const verdict = core.producers.judge(kind, stamp, time)
    if (verdict === 'fresh') {
      core.statistics.producerGaps += core.producers.accept(kind, stamp, time)
      return true
    }
    if (verdict === 'repeat') {
      core.statistics.duplicateBatches += 1
      return false
    }
    throw new RejectError(verdict, 'seq', `epoch ${stamp.epoch}, seq ${stamp.seq}`)
  }

  #moveVirtualClock(core: PartitionCore, tick: ControlMessage & { kind: 'tick' }): void {
    const { clock } = core.genesis
    if (clock.mode !== 'virtual' || tick.timeMs === null || tick.writer !== clock.writer) return
    core.clockMs = Math.max(core.clockMs, tick.timeMs)
  }

  #applyControl(core: PartitionCore, control: ControlMessage, message: InputMessage): void {
    // Asks and grants say what the sum is to be: a repeat changes nothing, whatever its id.
    if (control.kind === 'ask') core.capacity.decide(control)
    if (control.kind === 'grant') core.capacity.take(control)
    if (control.kind === 'tick' || control.kind === 'ask' || control.kind === 'grant') return
    if (control.kind === 'shown' || control.kind === 'accept') {
      // Too many to be remembered among what operators and partitions say.
      this.offering!.take(control, message)
      return
    }
    if (core.controlIds.includes(control.id)) return
    if (control.kind === 'genesis') {
      throw new RejectError('unknown-kind', 'kind', 'genesis is long past')
    }
    if (isSelection(control)) {
      this.#selecting.take(control)
      // The others are known by run and round: their ids are not worth remembering.
      if (control.kind !== 'select' || control.order !== null) return
    } else if (control.kind === 'erase') this.#decider.erase(control.subscribers)
    else if (control.kind === 'cancel') this.#decider.cancel(control)
    else if (control.kind === 'test') this.#directSends.test(control)
    else if (control.kind === 'notice') this.#directSends.notice(control)
    else if (control.kind === 'config') this.#applyNextConfig(core, control)
    else throw new RejectError('unknown-kind', 'kind', 'this is not taken here')
    core.controlIds.push(control.id)
    if (core.controlIds.length > CONTROL_IDS_MAX) core.controlIds.shift()
  }

  /**
   * Partition 0 compares and sets; the others are told what is in force, and may have missed some.
   */
  #applyNextConfig(core: PartitionCore, control: ControlMessage & { kind: 'config' }): void {
    const isNext =
      this.#partition === 0
        ? control.generation === core.generation + 1
        : control.generation > core.generation
    if (!isNext) {
      const detail = `generation ${control.generation} does not follow ${core.generation}`
      throw new RejectError('stale-generation', 'generation', detail)
    }
    this.#applyConfig(core, control.files, control.generation, false)
  }

  #applyConfig(
    core: PartitionCore,
    files: ConfigFiles,
    generation: number,
    isGenesis: boolean,
  ): void {
    const catalog = parseOrReject(files)
    const problem = findIncompatibility(core, catalog)
    if (problem !== null) throw new RejectError('config-invalid', 'files', problem)
    core.compiled = new CompiledCatalog(catalog, core.layout, isGenesis)
    core.generation = generation
    core.files = files
    this.#useCatalog()
    beginFollowing(core)
  }

  #useCatalog(): void {
    const core = this.core!
    const isFirst = core.tables.length === 0
    core.addTables()
    if (isFirst) core.openSubscribers(0)
    this.#judge.useCatalog()
    this.#profiles.useCatalog()
    core.capacity.useCatalog()
    this.#interests.useCatalog()
    this.#selecting.useCatalog()
  }

  #applyGenesis(message: InputMessage): void {
    let control: ControlMessage
    try {
      control = decodeControl(message.data)
    } catch (error) {
      throw new PartitionHaltedError('genesis-mismatch', 'the first input is no genesis', {
        cause: error,
      })
    }
    if (control.kind !== 'genesis' || control.partition !== this.#partition) {
      throw new PartitionHaltedError('genesis-mismatch', 'the first input is another genesis')
    }
    const { partition, partitionCount, zone, clock } = control
    const genesis: Genesis = { partition, partitionCount, zone, clock }
    const core = new PartitionCore(genesis, this.outbox, this.rejects)
    if (clock.mode === 'real') core.clockMs = message.timestampMs
    this.#wire(core)
    try {
      this.#applyConfig(core, control.files, control.generation, true)
    } catch (error) {
      throw new PartitionHaltedError('genesis-mismatch', 'the first config is invalid', {
        cause: error,
      })
    }
    core.controlIds.push(control.id)
    core.statistics.inputMessages.control += 1
  }

  #wire(core: PartitionCore): void {
    this.core = core
    core.rulings = this.#rulings
    this.#decider = new Decider(core)
    this.#directSends = new DirectSends(core)
    this.#judge = new Judge(core, this.#decider)
    this.#interests = new Interests(core, this.#judge)
    this.#profiles = new Profiles(core, this.#judge, this.#interests)
    this.#feedback = new Feedback(core, this.#decider, this.#profiles, this.#interests)
    this.#decider.judge = this.#judge
    this.#decider.journeys.judge = this.#judge
    const changeTag: Emitter['changeTag'] = (subscriber, tag, value) =>
      this.#profiles.change({ subscriber, tags: { [tag]: value }, ...UNCHANGED })
    this.#decider.changeTag = changeTag
    this.offering = new Offering(core, this.#judge, changeTag)
    this.#decider.capacity = core.capacity
    core.errandSources.push(core.capacity)
    this.#selecting = new Selecting(core, this.#judge, this.#profiles)
    core.errandSources.push(this.#selecting)
    this.#runs = new UsageRuns({
      ...{ core, judge: this.#judge, decider: this.#decider, selecting: this.#selecting },
      decoder: this.#usage,
      silenceMs: () => silenceOf(core),
    })
  }

  #reject(core: PartitionCore, message: InputMessage, reject: Reject): void {
    core.statistics.rejects[REJECT_REASONS.indexOf(reject.reason)]! += 1
    core.rejects.add(message.sequence, message.subject, reject, message.data)
  }
}

/** How long producers are remembered that say nothing, ms. */
function silenceOf(core: PartitionCore): number {
  return Math.max(SILENCE_MIN_MS, core.compiled.catalog.latenessMs)
}
