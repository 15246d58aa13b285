/**
 * One simulated installation: a broker, disks, processes that come and go, a producer, and the
 * judge. Faults (faults.ts) act on it; what a process says when it ends is explained by what was
 * done to it, or the seed has failed.
 */

import { HighwaterError, PartitionHaltedError } from '../../src/errors.ts'
import { type ManifestHead, readManifestHead } from '../../src/partition/image.ts'
import type { StandbySettings } from '../../src/partition/standby.ts'
import { Random } from '../support/workload/random.ts'
import { FAIR_WEATHER, SimBroker, type Weather } from './broker.ts'
import { chooseClimate, chooseSettings } from './choices.ts'
import { type DiskImage, SimDisk } from './disk.ts'
import { explainHalt } from './halts.ts'
import { Judge } from './judge.ts'
import { ENGINE, Life, type LifeSettings, type LifeWorld, type Sabotage } from './life.ts'
import { Neighbour } from './neighbour.ts'
import { Producer } from './producer.ts'
import { Scheduler, type TaskOwner } from './scheduler.ts'
import type { Tampering } from './tampers.ts'
import { makeLog, type SimLog } from './workload.ts'

/** What a run counts, for the table. */
export interface Tally {
  crashes: number
  zombies: number
  rivals: number
  standbys: number
  brokerRestarts: number
  tornPages: number
  tamperings: number
  reloads: number
  readonly halts: Record<string, number>
  /** Virtual seconds from the start of each life that follows a fault until it was live. */
  readonly recoverySeconds: number[]
}

/** How a process starts. */
export interface StartOptions {
  readonly disk: SimDisk
  readonly engine?: string
  readonly skewMs?: number
  /** Present: it follows whoever owns the partition. */
  readonly standby?: StandbySettings
}

/** How long the last owner may take after all faults have stopped, virtual ms. */
const END_MS_MAX = 120_000
const LOOK_MS = 100
/** More than these, on average, would be a flood. */
const TICKS_PER_SECOND_MAX = 5

/** One installation under one seed. */
export class World implements LifeWorld {
  readonly scheduler: Scheduler
  /** Decides about faults; the network has a stream of its own. */
  readonly random: Random
  readonly log: SimLog
  readonly broker: SimBroker
  readonly judge: Judge
  readonly producer: Producer
  /** The other partition; null: there is none. */
  readonly neighbour: Neighbour | null
  readonly lives: Life[] = []
  readonly settings: LifeSettings
  /** The network when nothing special is the matter. */
  readonly climate: Weather
  readonly tally: Tally
  /** The disk of the owner in charge; rivals bring their own. */
  disk = new SimDisk()
  /** An image from which everything that IN still holds can be replayed. */
  vault: DiskImage | null = null
  tampering: Tampering | null = null
  /** All faults are over; what is broken has been mended. */
  isHealed = false
  /** The last owner has drained and everything was compared. */
  isDone = false
  readonly director: TaskOwner = {
    id: 0,
    condition: 'running',
    hold: () => undefined,
    beginTask: () => undefined,
  }
  readonly #sabotage: Sabotage
  #startMs: number
  #isStartPlanned = false
  #endBeganMs = 0
  /** All processes are asked to drain: nobody follows them. */
  #isEnding = false

  constructor(seed: number, sabotage: Sabotage, trace: ((line: string) => void) | null) {
    this.scheduler = new Scheduler(trace)
    this.random = new Random(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995)
    this.log = makeLog(seed, this.random)
    this.#sabotage = sabotage
    this.#startMs = this.log.parameters.startMs
    this.judge = new Judge(this.log)
    this.settings = chooseSettings(this.random)
    this.climate = this.random.chance(0.4) ? FAIR_WEATHER : chooseClimate(this.random)
    const network = new Random(Math.imul(seed, 0x85ebca6b) ^ 0x27d4eb2f)
    this.broker = new SimBroker(this.scheduler, network, () => this.wallMs(), {
      input: (message) => {
        if (this.tampering?.hides !== this.broker.input) this.judge.onInput(message)
        for (const life of this.lives) if (life.isAlive) life.source.pump()
      },
      output: (message) => {
        if (this.tampering?.hides !== this.broker.output) this.judge.onOutput(message)
      },
      neighbour: ({ subject, data }) => this.neighbour?.apply(subject, data),
    })
    this.broker.weather = this.climate
    this.broker.output.isDeaf = sabotage.isBrokerDeaf === true
    this.tally = {
      ...{
        crashes: 0,
        zombies: 0,
        rivals: 0,
        standbys: 0,
        brokerRestarts: 0,
        tornPages: 0,
        tamperings: 0,
      },
      ...{ reloads: this.log.messages.filter(({ meaning }) => meaning.kind === 'config').length },
      ...{ halts: {}, recoverySeconds: [] },
    }
    const { input } = this.broker
    const genesis = { subject: 'control.0', data: this.log.genesis }
    input.publish({ ...genesis, expectedLastSequence: 0, messageId: null }, this.broker.stampMs())
    this.producer = new Producer(this)
    const neighbourGenesis = this.log.town?.neighbourGenesis ?? null
    this.neighbour = neighbourGenesis && new Neighbour(this, neighbourGenesis)
  }

  /** True time. Moved on by hours at once when the workload's world has got that far. */
  wallMs(): number {
    return this.#startMs + this.scheduler.nowMs
  }

  /** Lets it be at least `wallMs` now. */
  advanceWall(wallMs: number): void {
    this.#startMs += Math.max(0, wallMs - this.wallMs())
  }

  /** Runs until everything was compared, or something is wrong. */
  async run(): Promise<void> {
    this.planStart({ disk: this.disk }, 0)
    this.producer.start()
    await this.scheduler.run(() => this.#afterTask())
    if (!this.isDone && this.judge.failures.length === 0) {
      this.judge.fail('nothing was left to do before the end')
    }
  }

  /** Processes that could still act. */
  get alive(): Life[] {
    return this.lives.filter((life) => life.isAlive)
  }

  /** The process that claimed last among those that run; null: there is none. */
  get owner(): Life | null {
    const isOwner = (life: Life): boolean => life.isAwake && !life.isStopping && !life.isStandby
    return this.lives.findLast(isOwner) ?? null
  }

  /** Runs `action` later as the director. */
  plan(delayMs: number, label: string, action: () => void): void {
    this.scheduler.later(delayMs, this.director, label, action)
  }

  /** Starts a process after a while; meanwhile nobody else is started for want of an owner. */
  planStart(options: StartOptions, delayMs: number, before?: () => void): void {
    this.#isStartPlanned = true
    this.plan(delayMs, 'start', () => {
      this.#isStartPlanned = false
      if (this.tampering === null) before?.()
      const life = this.start(options)
      if (this.tampering === null || before === undefined) return
      if (life === null) this.tampering.undo()
      else this.tampering.watch(life)
    })
  }

  /** Starts a process now, unless its disk is in use. */
  start({ disk, engine, skewMs = 0, standby }: StartOptions): Life | null {
    if (disk.opened !== null) return null
    const id = this.lives.length + 1
    const identity = { ...ENGINE, version: engine ?? this.#engineFor(disk) }
    const life = new Life(id, this, disk, this.settings, identity, this.#sabotage, standby)
    life.skewMs = this.isHealed ? 0 : skewMs
    this.lives.push(life)
    life.start()
    return life
  }

  /** kill -9 of a process; another follows when nobody is left. */
  crash(life: Life): void {
    if (!life.isAlive) return
    this.scheduler.note(`life ${life.id} dies`)
    life.die()
    this.tally.crashes += 1
  }

  onFatalCall(life: Life): void {
    this.crash(life)
  }

  /** The manifest may never stand beyond what OUT has acknowledged. */
  onCommit(life: Life, manifest: ReadonlyMap<string, Uint8Array>): void {
    const head = readManifestHead({ readManifest: () => manifest } as Life['store'])
    if (head === null) return
    this.scheduler.note(`life ${life.id} commits`, head.generation, head.sequence)
    const { lastNumber, inputCount } = this.judge
    if (head.decisionNumber > lastNumber) {
      this.judge.fail(`an image holds decision ${head.decisionNumber}, OUT ends at ${lastNumber}`)
    }
    if (head.sequence > inputCount) this.judge.fail(`an image stands at input ${head.sequence}`)
    if (this.tampering?.hides === this.broker.output) return
    if ((head.outputEndSequence ?? head.outputSequence) > this.broker.output.lastSequence) {
      this.judge.fail(`an image knows of more of OUT than there is`)
    }
  }

  /** Ends all faults; what follows must come to its end. */
  heal(): void {
    this.isHealed = true
    this.#endBeganMs = this.scheduler.nowMs
    this.scheduler.note('healed')
    const { broker } = this
    broker.weather = FAIR_WEATHER
    broker.skewMs = 0
    broker.comeUp()
    for (const stream of [broker.input, broker.output, broker.rejects]) stream.isFull = false
    for (const life of this.alive) {
      life.callsLeft = 0
      life.skewMs = 0
      life.connection.isDeaf = false
      life.connection.cut(false)
      life.disk.flushMs = 4
      life.disk.failsIn = 0
      life.wake()
      life.source.pump()
    }
    this.disk.flushMs = 4
    this.disk.failsIn = 0
    this.#lookForEnd()
  }

  /** An operator starts the engine that made what has to be made again. */
  #engineFor(disk: SimDisk): string {
    const [maker] = this.judge.makersAfter(headOf(disk)?.decisionNumber ?? 0)
    return maker ?? ENGINE.version
  }

  #afterTask(): boolean {
    const { judge } = this
    for (const life of this.lives) {
      if (!life.isAlive) continue
      const change = life.followStatus()
      if (change === null) continue
      if (!change.isLegal) judge.fail(`life ${life.id}: ${change.from} to ${change.to}`)
      if (life.hasEnded) this.#onEnd(life)
      else if (change.to === 'live') this.#onLive(life)
    }
    this.#callForOwner()
    return this.isDone || judge.failures.length > 0
  }

  /** When nobody owns the partition any more, somebody is told to, or started. */
  #callForOwner(): void {
    const { alive } = this
    if (this.#isStartPlanned || this.#isEnding || this.isDone || this.tampering !== null) return
    if (alive.some((life) => !life.isStandby)) return
    const delayMs = this.random.whole(50, 1_500)
    const standby = alive.find((life) => life.isAwake && !life.isStopping)
    if (standby === undefined && alive.length > 0) return
    if (standby === undefined) {
      this.planStart({ disk: this.disk }, delayMs)
      return
    }
    this.#isStartPlanned = true
    this.plan(delayMs, 'promote', () => {
      this.#isStartPlanned = false
      if (standby.isAwake && standby.isStandby) standby.promote()
    })
  }

  #onLive(life: Life): void {
    const seconds = (this.scheduler.nowMs - life.startedAtMs) / 1000
    if (life.id > 1) this.tally.recoverySeconds.push(seconds)
    if (life.disk.damage !== null) this.judge.fail(`life ${life.id} loaded a damaged page`)
    this.tampering?.onLive(life)
  }

  #onEnd(life: Life): void {
    const { halt } = life.worker
    if (halt === null) {
      if (!life.isStopping) this.judge.fail(`life ${life.id} stopped by itself`)
      return
    }
    const reason = halt instanceof PartitionHaltedError ? halt.reason : halt.code
    this.scheduler.say(() => `life ${life.id}: ${describeError(halt)}`)
    const isExplained = explainHalt(this, life, reason)
    if (!isExplained) this.judge.fail(`life ${life.id} halted: ${describeError(halt)}`)
    this.tally.halts[reason] = (this.tally.halts[reason] ?? 0) + 1
  }

  /** Waits for an owner that has applied and said everything, then lets all processes drain. */
  #lookForEnd(): void {
    if (this.scheduler.nowMs - this.#endBeganMs > END_MS_MAX) {
      const lives = this.alive.map((life) => `${life.id} ${life.worker.status}`)
      this.judge.fail(`not at its end after ${END_MS_MAX} ms; alive: ${lives.join(', ')}`)
      return
    }
    const settled = this.alive.filter((life) => this.#isSettled(life))
    const last = settled.at(-1)
    const isQuiet = this.producer.isDone && (this.neighbour?.isQuiet ?? true)
    if (last !== undefined && isQuiet) {
      this.#isEnding = true
      for (const life of this.alive) if (!life.isStopping) life.stop()
      this.#awaitStop(last)
      return
    }
    this.plan(LOOK_MS, 'look for the end', () => this.#lookForEnd())
  }

  #isSettled(life: Life): boolean {
    if (!life.isAwake || life.isStopping || life.worker.status !== 'live') return false
    const view = life.worker.view()
    const { decisionNumber, acknowledgedDecisionNumber } = view
    if (view.appliedSequence !== this.broker.input.lastSequence) return false
    return decisionNumber === acknowledgedDecisionNumber
  }

  #awaitStop(last: Life): void {
    this.plan(LOOK_MS, 'await the end', () => {
      // A start that was planned before may have brought another one, which nobody told to end.
      const isWaiting = this.alive.length > 0 && this.alive.every((life) => life.isStopping)
      if (isWaiting && this.scheduler.nowMs - this.#endBeganMs <= END_MS_MAX) {
        this.#awaitStop(last)
        return
      }
      const isSettled =
        last.worker.status === 'stopped' &&
        last.worker.machine!.sequence === this.broker.input.lastSequence
      if (!isSettled || this.alive.length > 0) {
        this.#isEnding = false
        this.#lookForEnd()
        return
      }
      this.#checkEnd(last)
    })
  }

  #checkEnd(last: Life): void {
    const machine = last.worker.machine!
    const head = headOf(last.disk)
    if (head?.sequence !== machine.sequence) {
      this.judge.fail(`the last image stands at ${head?.sequence}, drained at ${machine.sequence}`)
    }
    this.judge.checkEnd(machine, this.broker.rejects.messages)
    this.judge.checkSums(this.neighbour?.decisions ?? [])
    for (const failure of this.neighbour?.failures ?? []) this.judge.fail(`neighbour: ${failure}`)
    const ticksMax = TICKS_PER_SECOND_MAX * (1 + this.scheduler.nowMs / 1000)
    if (this.judge.tickCount > ticksMax) {
      this.judge.fail(`workers asked for ${this.judge.tickCount} ticks, ${ticksMax} are plenty`)
    }
    this.isDone = true
  }
}

/** The manifest's head of a disk; null when it holds no image. */
export function headOf(disk: SimDisk): ManifestHead | null {
  return readManifestHead({ readManifest: () => disk.manifest } as Life['store'])
}

/** An error with its causes, in one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : ` (${describeError(error.cause)})`
  const place = error instanceof HighwaterError ? '' : ` ${error.stack?.split('\n')[1]?.trim()}`
  return `${error.name}: ${error.message}${place}${cause}`
}
