/**
 * A world for lanes of a gateway: a clock that jumps from timer to timer, a GATE and an OUT in
 * memory, a target that remembers what it got, and lives of a gateway that may end at any moment.
 */

import { decode } from '@msgpack/msgpack'
import { setImmediate as turn } from 'node:timers/promises'
import { ChannelShare } from '../../src/gateway/channel-share.ts'
import { Lane } from '../../src/gateway/lane.ts'
import type { LaneView } from '../../src/model/gateway-view.ts'
import type {
  OutputMessage,
  OutputStream,
  PublishOutcome,
  StreamState,
  WaitingClock,
} from '../../src/model/ports.ts'
import type { DecisionFeed, FeedPlace, SaidDecision, SaidDelivery } from '../../src/model/said.ts'
import type { ChannelPort, EventSink, SendJob, SendResult } from '../../src/model/sending.ts'

/** Starts at the same moment in every test, ms. */
export const WORLD_START_MS = Date.UTC(2026, 10, 20, 4)

/** A clock whose time passes when nobody has anything else to do. */
export class WorldClock implements WaitingClock {
  #nowMs = WORLD_START_MS
  readonly #timers: { atMs: number; resolve: () => void }[] = []

  nowMs(): number {
    return this.#nowMs
  }

  steadyMs(): number {
    return this.#nowMs
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.push({ atMs: this.#nowMs + Math.max(0, ms), resolve })
    })
  }

  turn(): Promise<void> {
    return turn()
  }

  /** Lets time pass until `isDone`, at most for `forMs`. */
  async run(isDone: () => boolean, forMs: number): Promise<void> {
    const endMs = this.#nowMs + forMs
    while (!isDone()) {
      for (let i = 0; i < 4; i++) await turn()
      this.#timers.sort((a, b) => a.atMs - b.atMs)
      const next = this.#timers.shift()
      if (next === undefined || next.atMs > endMs) throw new Error('nothing happens any more')
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.resolve()
    }
  }
}

/** What GATE does with a publish. */
export type GateFate = 'stored' | 'lost' | 'stored-unseen' | 'full'

/** GATE of one lane, as the server holds it: survives the lives of gateways. */
export class WorldGate {
  readonly messages: Uint8Array[] = []
  fateOf: () => GateFate = () => 'stored'

  /** One life's connection; after `isDead` nothing of it arrives anywhere. */
  connect(life: { isDead: boolean }): OutputStream {
    const gate = this
    const alive = async <T>(answer: T): Promise<T> =>
      life.isDead ? new Promise<T>(() => undefined) : answer
    return {
      state: () => alive<StreamState>(gate.state()),
      async publish(data, expected): Promise<PublishOutcome> {
        if (life.isDead) return alive({ kind: 'refused' })
        const fate = gate.fateOf()
        if (fate === 'lost') return alive({ kind: 'unknown', cause: null })
        if (fate === 'full') return alive({ kind: 'full' })
        if (expected !== null && expected !== gate.messages.length) {
          return alive({ kind: 'refused' })
        }
        gate.messages.push(data)
        const sequence = gate.messages.length
        await turn()
        return alive(
          fate === 'stored' ? { kind: 'stored', sequence } : { kind: 'unknown', cause: null },
        )
      },
      async *read(first, last): AsyncGenerator<OutputMessage> {
        for (let sequence = first; sequence <= last; sequence++) {
          yield alive({ sequence, data: gate.messages[sequence - 1]! })
        }
      },
      async close() {},
    }
  }

  state(): StreamState {
    const created = new Date(WORLD_START_MS).toISOString()
    return { created, firstSequence: 1, lastSequence: this.messages.length }
  }
}

/** A delivery of decision `number`; `over` changes it. */
export function deliveryOf(number: number, over: Partial<SaidDelivery> = {}): SaidDelivery {
  const subscriber = 1_000 + number
  return {
    kind: 'delivery',
    number,
    inputSequence: number,
    trigger: 't',
    subscriber,
    period: 'ever',
    attempt: 1,
    generation: 1,
    decidedAtMs: WORLD_START_MS,
    firedAtMs: WORLD_START_MS,
    values: {},
    id: `t:${subscriber}:ever:1`,
    channel: 'sms',
    class: 'marketing',
    isCanary: false,
    message: 'Hello',
    action: null,
    notBeforeMs: WORLD_START_MS,
    notAfterMs: WORLD_START_MS + 3_600_000,
    segments: 1,
    lang: null,
    region: null,
    purpose: null,
    ...over,
  }
}

/** OUT: each entry is one message. Arrives as a whole at the start. */
export function worldFeed(
  messages: readonly (readonly SaidDecision[])[],
  place: FeedPlace | null,
  clock: WorldClock,
): DecisionFeed {
  let sequence = place?.sequence ?? 0
  let number = place?.number ?? 0
  if (sequence > 0) sequence -= 1
  return {
    get place() {
      return { number, sequence, created: 'out' }
    },
    take() {
      for (;;) {
        const message = messages[sequence]
        if (message === undefined) return []
        sequence += 1
        const fresh = message.filter((decision) => decision.number > number)
        number = Math.max(number, message.at(-1)?.number ?? 0)
        if (fresh.length > 0) return fresh
      }
    },
    wait: (timeoutMs) => clock.pause(timeoutMs),
    async check() {},
    async close() {},
  }
}

/** A target that remembers. `fateOf` says what it does with a job, and after how long. */
export class WorldChannel implements ChannelPort {
  readonly isIdempotent: boolean
  /** Ids in the order of their submission, by all lives. */
  readonly submitted: string[]
  readonly #life: { isDead: boolean }
  readonly #clock: WorldClock
  sink: EventSink = async () => false
  roomMax = 50
  active = 0
  fateOf: (job: SendJob) => { result: SendResult; afterMs: number } = () => ({
    result: { kind: 'sent', receipts: [] },
    afterMs: 5,
  })

  constructor(
    isIdempotent: boolean,
    submitted: string[],
    life: { isDead: boolean },
    clock: WorldClock,
  ) {
    this.isIdempotent = isIdempotent
    this.submitted = submitted
    this.#life = life
    this.#clock = clock
  }

  start(sink: EventSink): void {
    this.sink = sink
  }

  room(): number {
    return this.roomMax - this.active
  }

  costOf(): number {
    return 1
  }

  async submit(job: SendJob): Promise<SendResult> {
    const forever = new Promise<SendResult>(() => undefined)
    if (this.#life.isDead) return forever
    this.active += 1
    const { result, afterMs } = this.fateOf(job)
    if (result.kind !== 'expired' && result.kind !== 'left') this.submitted.push(job.delivery.id)
    await this.#clock.pause(afterMs)
    this.active -= 1
    return this.#life.isDead ? forever : result
  }

  view() {
    return { isUp: true, connects: 1, retries: 0, throttles: 0, strays: 0 }
  }

  async close(): Promise<void> {}
}

/** A row of feedback with the stamp of its message. */
export interface ToldRow {
  readonly stamp: string
  readonly sub: number
  readonly id?: string
  readonly kind: string
  readonly text?: string
}

/** What a partition makes of the feedback: each stamp counts once. */
export class WorldPartition {
  readonly rows: ToldRow[] = []
  readonly #stamps = new Set<string>()

  take(partition: number, data: Uint8Array): void {
    const message = decode(data) as { source: string; epoch: number; seq: number; rows: ToldRow[] }
    const stamp = `${partition} ${message.source} ${message.epoch} ${message.seq}`
    if (this.#stamps.has(stamp)) return
    this.#stamps.add(stamp)
    for (const row of message.rows) this.rows.push({ ...row, stamp })
  }
}

/** One life of a gateway with one lane. */
export interface WorldLife {
  readonly lane: Lane
  readonly share: ChannelShare
  readonly channel: WorldChannel
  readonly life: { isDead: boolean }
  readonly halts: unknown[]
}

/** What lives share. */
export interface World {
  readonly clock: WorldClock
  readonly gate: WorldGate
  readonly partition: WorldPartition
  readonly out: (readonly SaidDecision[])[]
  readonly submitted: string[]
}

/** An empty world. */
export function createWorld(): World {
  const clock = new WorldClock()
  const partition = new WorldPartition()
  return { clock, gate: new WorldGate(), partition, out: [], submitted: [] }
}

/** Begins a life. `perSecond` null: no rate. */
export function beginLife(
  world: World,
  isIdempotent: boolean,
  perSecond: number | null = null,
  feedbackFails: () => boolean = () => false,
  receiptHorizonMs: number | null = 86_400_000,
): WorldLife {
  const { clock, gate, out, submitted } = world
  const life = { isDead: false }
  const halts: unknown[] = []
  const channel = new WorldChannel(isIdempotent, submitted, life, clock)
  const share = new ChannelShare({ name: 'sms', perSecond, receiptsMax: 1_000 }, channel, clock, 1)
  const settings = {
    gateway: 'gate',
    engine: '1',
    partition: 0,
    partitionCount: 1,
    receiptHorizonMs,
  }
  const ports = {
    gate: gate.connect(life),
    openFeed: async (place: FeedPlace | null) => worldFeed(out, place, clock),
    publishFeedback: async (partition: number, _source: string, data: Uint8Array) => {
      if (life.isDead) return new Promise<void>(() => undefined)
      if (feedbackFails()) throw new Error('no answer')
      world.partition.take(partition, data)
      // The answer may be lost although the message is stored.
      if (feedbackFails()) throw new Error('no answer')
    },
    clock,
  }
  const lane = new Lane(settings, ports, share)
  share.start()
  lane.start((_view: LaneView, error: unknown) => halts.push(error))
  return { lane, share, channel, life, halts }
}
