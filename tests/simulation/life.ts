/**
 * One process that owns the partition, or believes so: the real worker on simulated ports. It may
 * die between any two of its steps or in any call of a port, stop and go on much later, and its
 * clock may be wrong.
 */

import type { WaitingClock } from '../../src/model/ports.ts'
import type { EngineIdentity } from '../../src/partition/image.ts'
import type { StandbySettings } from '../../src/partition/standby.ts'
import {
  PartitionWorker,
  type WorkerPorts,
  type WorkerSettings,
} from '../../src/partition/worker.ts'
import { encodeTick } from '../../src/probe/encode.ts'
import { createErrandWriter } from '../../src/probe/encode-errand.ts'
import type { SimBroker } from './broker.ts'
import {
  type ConnectionOwner,
  SimConnection,
  simControl,
  SimOutput,
  simRejects,
} from './connection.ts'
import { type SimDisk, SimStore, type StoreSabotage } from './disk.ts'
import type { Task } from './scheduler.ts'
import { SimSource } from './source.ts'

/** Settings of the worker that a seed varies. */
export type LifeSettings = Pick<WorkerSettings, 'checkpoint' | 'outbox' | 'pendingDecisionsMax'> & {
  /** What each look at the clock costs, ms: the slower, the less is done in one turn. */
  readonly lookMs: number
}

/** What may be wrong with a life on purpose, so that the checks can be seen to fail. */
export interface Sabotage {
  readonly store?: StoreSabotage
  readonly wrap?: (ports: WorkerPorts) => WorkerPorts
  /** The broker stores whatever is expected of it. */
  readonly isBrokerDeaf?: boolean
}

/** What a life needs of its world. */
export interface LifeWorld {
  readonly broker: SimBroker
  /** True time, ms since the epoch. */
  wallMs(): number
  onCommit(life: Life, manifest: ReadonlyMap<string, Uint8Array>): void
  /** The life's countdown to its death has run out. */
  onFatalCall(life: Life): void
}

/** A sleeping process is woken up to this much later than it asked for, ms. */
const SLACK_MS = 15

/** Legal next words for each status. */
const NEXT_STATUS: Readonly<Record<string, readonly string[]>> = {
  recovering: ['live', 'standby', 'draining', 'halted', 'stopped'],
  // A promoted standby replays what it had not made yet.
  standby: ['recovering', 'live', 'draining', 'halted'],
  live: ['draining', 'halted'],
  draining: ['stopped', 'halted'],
  stopped: [],
  halted: [],
}

/** The engine that runs unless a fault says otherwise. */
export const ENGINE: EngineIdentity = {
  version: 'sim-1',
  runtime: 'sim',
  tzdata: 'sim',
  architecture: 'sim',
}

/** One process. */
export class Life implements ConnectionOwner {
  readonly id: number
  readonly disk: SimDisk
  readonly store: SimStore
  readonly connection: SimConnection
  readonly source: SimSource
  readonly worker: PartitionWorker
  readonly engine: EngineIdentity
  readonly startedAtMs: number
  condition: TaskCondition = 'running'
  skewMs = 0
  /** Calls of ports until it dies in one; 0: none. */
  callsLeft = 0
  /** `stop` was called. */
  isStopping = false
  hasEnded = false
  readonly #world: LifeWorld
  readonly #settings: LifeSettings
  #held: Task[] = []
  #busyMs = 0
  #status = 'recovering'

  constructor(
    id: number,
    world: LifeWorld,
    disk: SimDisk,
    settings: LifeSettings,
    engine: EngineIdentity,
    sabotage: Sabotage,
    standby: StandbySettings | undefined,
  ) {
    this.id = id
    this.#world = world
    this.#settings = settings
    this.disk = disk
    this.engine = engine
    const { broker } = world
    const { scheduler, random } = broker
    this.startedAtMs = scheduler.nowMs
    this.connection = new SimConnection(broker, this)
    this.source = new SimSource(this.connection)
    this.store = new SimStore(
      disk,
      this,
      scheduler,
      random,
      (manifest) => world.onCommit(this, manifest),
      sabotage.store,
    )
    const ports: WorkerPorts = {
      source: this.source,
      output: new SimOutput(this.connection),
      rejects: simRejects(this.connection),
      control: simControl(this.connection),
      errands: createErrandWriter((partition) => simControl(this.connection, partition)),
      store: this.store,
      clock: this.#clock(),
    }
    const { checkpoint, outbox, pendingDecisionsMax } = settings
    this.worker = new PartitionWorker(sabotage.wrap?.(ports) ?? ports, {
      partition: 0,
      worker: `life-${id}`,
      engine,
      checkpoint,
      outbox,
      pendingDecisionsMax,
      standby,
      encodeTick: (tickId) => encodeTick({ id: tickId }),
    })
  }

  /** Whether it can still do anything. */
  get isAlive(): boolean {
    return this.condition !== 'dead' && !this.hasEnded
  }

  get isAwake(): boolean {
    return this.condition === 'running' && !this.hasEnded
  }

  /** Whether it only follows another owner. */
  get isStandby(): boolean {
    return this.worker.isStandby
  }

  /** Tells a standby to take over. That it may not get to it is its own affair. */
  promote(): void {
    this.worker.promote().catch(() => undefined)
  }

  start(): void {
    void this.worker.start()
  }

  stop(): void {
    this.isStopping = true
    void this.worker.stop()
  }

  isLost(): boolean {
    if (this.condition === 'dead') return true
    if (this.callsLeft === 0) return false
    this.callsLeft -= 1
    if (this.callsLeft > 0) return false
    this.#world.onFatalCall(this)
    return true
  }

  hold(task: Task): void {
    this.#held.push(task)
  }

  beginTask(): void {
    this.#busyMs = 0
  }

  /** kill -9. */
  die(): void {
    this.condition = 'dead'
    this.store.crash()
    this.connection.close()
    this.#held = []
  }

  pause(): void {
    if (this.condition === 'running') this.condition = 'paused'
  }

  /** Goes on; what came due meanwhile happens now, in an order of its own. */
  wake(): void {
    if (this.condition !== 'paused') return
    this.condition = 'running'
    const { scheduler, random } = this.#world.broker
    for (const { label, run, isCancelled } of this.#held.splice(0)) {
      if (!isCancelled) scheduler.later(random.next() * SLACK_MS, this, label, run)
    }
  }

  /** Looks at the worker's status; null: it is what it was. */
  followStatus(): { readonly from: string; readonly to: string; readonly isLegal: boolean } | null {
    const to = this.worker.status
    const from = this.#status
    if (to === from) return null
    this.#status = to
    this.#world.broker.scheduler.note(`life ${this.id} ${to}`)
    if (to === 'halted' || to === 'stopped') this.hasEnded = true
    return { from, to, isLegal: NEXT_STATUS[from]!.includes(to) }
  }

  nowMs(): number {
    return Math.floor(this.#world.wallMs() + this.skewMs + this.#busyMs)
  }

  #clock(): WaitingClock {
    const { scheduler, random } = this.#world.broker
    const after = (ms: number, label: string): Promise<void> => {
      if (this.isLost()) return new Promise<never>(() => undefined)
      return new Promise((resolve) => scheduler.later(ms, this, label, resolve))
    }
    return {
      nowMs: () => {
        this.#busyMs += this.#settings.lookMs
        return this.nowMs()
      },
      steadyMs: () => scheduler.nowMs + this.#busyMs,
      pause: (ms) => after(ms + random.next() * SLACK_MS, 'slept'),
      turn: () => after(0.01 + random.next() * 0.2, 'turn'),
    }
  }
}

type TaskCondition = ConnectionOwner['condition']
