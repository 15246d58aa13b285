/**
 * The shell around one partition's machine: reads IN, applies, lets decisions out, checkpoints,
 * watches the streams, asks for ticks while timers are due. All waiting, all clocks and all
 * failures are here; the machine knows none of them.
 *
 *   recovering → live → draining → stopped, and from anywhere → halted
 *   recovering → standby → (promoted) recovering → live
 */

import { assert, type HighwaterError, PartitionHaltedError } from '../errors.ts'
import type {
  ControlWriter,
  ErrandWriter,
  OutputStream,
  PageStore,
  RejectStream,
  Source,
  StreamState,
  WaitingClock,
} from '../model/ports.ts'
import type { PartitionStatistics, PartitionView, SubscriberView } from '../model/view.ts'
import { Checkpointer, type CheckpointSettings } from './checkpointer.ts'
import type { PartitionCore } from './core.ts'
import type { EngineIdentity } from './image.ts'
import { type DrainLimits, endsInTime, haltOf } from './ending.ts'
import { inspectSubscriber } from './inspect.ts'
import type { PartitionMachine } from './machine.ts'
import { type GroupCommitLimits, OutputWriter } from './output-writer.ts'
import type { OutputProgress } from './output-chain.ts'
import { type DutySettings, OwnerDuties } from './owner-duties.ts'
import { type LoadedPartition, type Ownership, patiently, recoverPartition } from './recovery.ts'
import { PendingInputs } from './pending-inputs.ts'
import { RejectWriter } from './reject-writer.ts'
import { Standby, type StandbySettings, untilPromoted } from './standby.ts'
import { type StandingPlace, StreamWatch } from './stream-watch.ts'
import { viewOfPartition } from './partition-view.ts'

/** Time after which the loop gives others a turn: who asks over HTTP waits for two at worst. */
const TURN_MS = 2
const IDLE_WAIT_MS = 20
const UNSEEN: StreamState = { created: '', firstSequence: 0, lastSequence: 0 }

/** Adapters of one partition. */
export interface WorkerPorts {
  readonly source: Source
  readonly output: OutputStream
  readonly rejects: RejectStream
  readonly control: ControlWriter
  readonly errands?: ErrandWriter | undefined
  readonly store: PageStore
  readonly clock: WaitingClock
}

/** Settings of one partition's worker. */
export interface WorkerSettings extends DrainLimits, DutySettings {
  readonly partition: number
  /** Name of this worker in claims. */
  readonly worker: string
  readonly engine: EngineIdentity
  readonly checkpoint: CheckpointSettings
  readonly outbox: GroupCommitLimits
  /** Decisions that may wait for OUT; beyond, inputs are held back. */
  readonly pendingDecisionsMax: number
  /** Present: starts as a standby, which follows the owner until it is promoted. */
  readonly standby?: StandbySettings | undefined
}

/** Runs one partition until stopped or halted. */
export class PartitionWorker {
  readonly #ports: WorkerPorts
  readonly #settings: WorkerSettings
  #status: PartitionView['status'] = 'recovering'
  #halt: HighwaterError | null = null
  #recovered: LoadedPartition | null = null
  /** An owner has a writer, a standby has not; neither is there before recovery. */
  #writer: OutputWriter | null = null
  #standby: Standby | null = null
  #isPromotionAsked = false
  #replayTarget = 0
  #rejectWriter: RejectWriter | null = null
  #checkpointer: Checkpointer | null = null
  #duties: OwnerDuties | null = null
  #watch: StreamWatch | null = null
  readonly #pending = new PendingInputs()
  #lastCheckpointAtMs = 0
  #isStopping = false
  #failure: unknown = null
  /** What failed beside the loop ends the loop. */
  readonly #fail = (error: unknown): void => {
    this.#failure ??= error
  }
  #isClosed = false
  #done: Promise<void> = Promise.resolve()

  constructor(ports: WorkerPorts, settings: WorkerSettings) {
    this.#ports = ports
    this.#settings = settings
  }

  get status(): PartitionView['status'] {
    return this.#status
  }

  get halt(): HighwaterError | null {
    return this.#halt
  }

  /** The machine, once recovered; for views and tests. */
  get machine(): PartitionMachine | null {
    return this.#recovered?.machine ?? null
  }

  /** Recovers and runs. Resolves when stopped or halted; never rejects. */
  start(): Promise<void> {
    this.#done = this.#run().catch((error: unknown) => this.#stopHard(error))
    return this.#done
  }

  /** Takes no more inputs, lets everything out, writes a last checkpoint; in `drainTimeoutMs`. */
  async stop(): Promise<void> {
    this.#isStopping = true
    if (this.#status !== 'halted') this.#status = 'draining'
    await this.#done
  }

  /** Resolves once replay is over; rejects when the partition halts before. */
  async untilLive(): Promise<void> {
    while (this.#status === 'recovering') await this.#ports.clock.pause(5)
    if (this.#halt !== null) throw this.#halt
  }

  /** Whether this is a standby that has not been promoted. */
  get isStandby(): boolean {
    return this.#settings.standby !== undefined && this.#writer === null
  }

  /**
   * Claims the partition for this standby; resolves once OUT holds the claim. Rejects when the
   * standby halts or stops before, or when the broker does not answer; it goes on trying then.
   */
  promote(): Promise<void> {
    this.#isPromotionAsked = true
    return untilPromoted(this, this.#ports.clock)
  }

  /** Writes a checkpoint now; resolves when its manifest is on disk. */
  async checkpoint(): Promise<void> {
    await this.#beginCheckpoint()
  }

  view(): PartitionView {
    return viewOfPartition({
      partition: this.#settings.partition,
      status: this.#status,
      halt: this.#halt,
      core: this.#core,
      writer: this.#writer,
      follower: this.#standby?.follower ?? null,
      checkpointer: this.#checkpointer,
      ticker: this.#duties?.ticker ?? null,
      streams: this.#watch?.input ?? UNSEEN,
      nowMs: this.#ports.clock.nowMs(),
      storeBytes: this.#isClosed ? 0 : this.#ports.store.diskSize(),
    })
  }

  inspect(subscriber: number): SubscriberView | null {
    return this.#core === null ? null : inspectSubscriber(this.#core, subscriber)
  }

  get statistics(): PartitionStatistics | null {
    return this.#core?.statistics ?? null
  }

  get #core(): PartitionCore | null {
    return this.#recovered?.machine.core ?? null
  }

  get #progress(): OutputProgress | null {
    return this.#writer ?? this.#standby?.follower ?? null
  }

  async #run(): Promise<void> {
    const { source, clock } = this.#ports
    if (!(await this.#recover())) return
    this.#lastCheckpointAtMs = clock.steadyMs()
    const isStopping = (): boolean => this.#isStopping
    const place = (): StandingPlace => this.#standingPlace()
    await patiently(clock, isStopping, () => source.open(this.machine!.sequence + 1))
    this.#noteLive()
    while (!this.#isStopping && !this.#isSettled) {
      if (this.#failure !== null) throw this.#failure
      if (!(await this.#promoteIfDue())) break
      if (!(await this.#watch!.look(place))) {
        await clock.pause(IDLE_WAIT_MS)
        continue
      }
      this.#checkpointIfDue()
      if (this.#isHeldBack()) {
        await clock.pause(1)
        continue
      }
      const applied = this.#applyTurn()
      this.#writer?.kick()
      this.#rejectWriter!.kick()
      this.#noteLive()
      if (!this.isStandby) this.#duties!.run(applied === 0, this.#status === 'live')
      if (applied === 0) await source.wait(IDLE_WAIT_MS)
      else await clock.turn()
    }
    await this.#drain()
  }

  async #recover(): Promise<boolean> {
    const { source, output, store, clock, rejects } = this.#ports
    const { partition, engine, checkpoint, standby } = this.#settings
    const ports = { source, output, store, clock, isStopping: () => this.#isStopping }
    const claimant = standby === undefined ? this.#settings.worker : null
    const recovered = await recoverPartition(partition, claimant, engine, ports)
    if (recovered === null) {
      await this.#close()
      this.#status = 'stopped'
      return false
    }
    const { loaded, ownership } = recovered
    const { machine } = loaded
    this.#recovered = loaded
    const created = { inputCreated: loaded.input.created, outputCreated: loaded.output.created }
    this.#watch = new StreamWatch({ source, output, clock, ...created }, loaded.input)
    this.#rejectWriter = new RejectWriter(rejects, clock, machine.rejects)
    this.#checkpointer = new Checkpointer(store, clock, engine, checkpoint, loaded)
    this.#duties = new OwnerDuties(machine, this.#ports, this.#settings)
    if (ownership !== null) this.#own(ownership)
    else this.#follow(new Standby(loaded, ports, standby!))
    return true
  }

  #follow(standby: Standby): void {
    this.#standby = standby
    standby.follower.start(this.#fail)
    if (!this.#isStopping) this.#status = 'standby'
  }

  #own({ claim, outputNumber, replayTarget }: Ownership): void {
    const { output, clock } = this.#ports
    const { outbox } = this.machine!
    const limits = this.#settings.outbox
    this.#writer = new OutputWriter(output, clock, outbox, limits, claim, outputNumber, this.#fail)
    this.#standby = null
    this.#replayTarget = replayTarget
  }

  /** From standby to owner, when it is time; false when stopped meanwhile. */
  async #promoteIfDue(): Promise<boolean> {
    const standby = this.#standby
    if (standby === null || !(this.#isPromotionAsked || standby.isOwnerMissing)) return true
    const { worker, engine } = this.#settings
    const cause = this.#isPromotionAsked ? 'asked' : 'owner silent'
    const ownership = await standby.takeOver({ worker, engine }, cause)
    if (ownership === null) return false
    this.#own(ownership)
    this.#writer!.kick()
    if (!this.#isStopping) this.#status = 'recovering'
    return true
  }

  /** Whether a settling owner has made all that OUT holds: further inputs are for its successor. */
  get #isSettled(): boolean {
    return this.#settings.isSettling === true && this.machine?.outbox.isReplaying === false
  }

  /** Applies what has arrived, for one turn; returns how many inputs. */
  #applyTurn(): number {
    const { source, clock } = this.#ports
    const machine = this.machine!
    const startedAtMs = clock.nowMs()
    // What lies behind the end of what settles is for its successor.
    const most = this.#settings.isSettling === true ? 1 : Number.POSITIVE_INFINITY
    let applied = 0
    for (;;) {
      const count = this.#pending.applyNext(source, machine, startedAtMs, most)
      if (count === 0) break
      applied += count
      if (this.#isHeldBack() || this.#isSettled) break
      if (clock.nowMs() - startedAtMs >= TURN_MS) break
    }
    return applied
  }

  /** Decisions or rejects pile up: OUT or REJ holds us back, so we hold IN back. */
  #isHeldBack(): boolean {
    const { machine } = this
    if (machine === null) return false
    // A standby may hold part of a message that OUT holds whole: only the rest lets it go.
    const isPartial = this.#standby?.follower.isAwaitingUs ?? false
    const { pendingDecisionsMax } = this.#settings
    if (machine.outbox.waitingCount > pendingDecisionsMax && !isPartial) return true
    return this.#rejectWriter!.isFull
  }

  /**
   * Replay is over when the position at the claim is reached; by then all of OUT must have been
   * made again.
   */
  #noteLive(): void {
    if (this.#status !== 'recovering') return
    const { machine } = this.#recovered!
    if (machine.sequence < this.#replayTarget) return
    if (machine.outbox.isReplaying) {
      throw new PartitionHaltedError(
        'replay-short',
        `replay made ${machine.outbox.decisionNumber} decisions, OUT holds more`,
      )
    }
    this.#status = 'live'
  }

  #checkpointIfDue(): void {
    const { clock } = this.#ports
    const { machine } = this
    if (!machine?.core || machine.outbox.isReplaying) return
    const isTime = clock.steadyMs() - this.#lastCheckpointAtMs >= this.#settings.checkpoint.everyMs
    if (!this.#checkpointer!.isDue(machine.core, isTime)) return
    this.#lastCheckpointAtMs = clock.steadyMs()
    this.#beginCheckpoint().catch(this.#fail)
  }

  async #beginCheckpoint(): Promise<void> {
    const core = this.#core
    const progress = this.#progress
    assert(core !== null && progress !== null, 'no checkpoint before recovery')
    const { input, output } = this.#recovered!
    const streams = { inputCreated: input.created, outputCreated: output.created }
    try {
      await this.#checkpointer!.begin(core, streams, progress, this.#rejectWriter!)
      core.statistics.checkpoints = this.#checkpointer!.count
    } catch (error) {
      core.statistics.checkpointFailures += 1
      throw error
    }
  }

  #standingPlace(): StandingPlace {
    const { sequence = 0, fingerprint = 0 } = this.#core ?? {}
    return { input: { sequence, fingerprint }, output: this.#progress!.place }
  }

  async #drain(): Promise<void> {
    await endsInTime(this.#ports.clock, this.#settings, this.#letOut())
    await this.#close()
    this.#status = 'stopped'
  }

  async #letOut(): Promise<void> {
    const machine = this.machine!
    this.#checkpointer!.hurry()
    this.#writer?.kick()
    await this.#writer?.acknowledged(machine.outbox.decisionNumber)
    const isComplete = this.#writer !== null || (await this.#standby!.hearOut(this.#rejectWriter!))
    if (this.#failure !== null) throw this.#failure
    if (isComplete) await this.#rejectWriter!.drained()
    // One may be running for an earlier position: the last one must be for this.
    while (isComplete && machine.core !== null) {
      if (!this.#checkpointer!.isOwed(machine.core) || machine.outbox.isReplaying) break
      await this.#beginCheckpoint()
    }
  }

  async #stopHard(error: unknown): Promise<void> {
    this.#status = 'halted'
    this.#halt = haltOf(error)
    await this.#close().catch(() => undefined)
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    this.#writer?.stop()
    this.#rejectWriter?.stop()
    void this.#standby?.follower.stop()
    const { source, output, store } = this.#ports
    // The store last, whatever became of the broker: its lock must be given up.
    await Promise.allSettled([source.close(), output.close()])
    await store.close()
  }
}
