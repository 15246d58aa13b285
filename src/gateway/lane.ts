/**
 * One channel of one partition: reads the decisions, records the intent, sends, records what became
 * of it, tells the partition. One step of GATE after the other: each carries what ended since the
 * last one and what is to be sent next, so that nothing is submitted before its intent is durable.
 *
 *   OUT_<p> → waiting (too early, no rate, no place) → intent in GATE → channel → result in GATE
 *           → feedback in IN_<p>
 */

import { GateBrokenError, HighwaterError, UsageError } from '../errors.ts'
import type { LaneView } from '../model/gateway-view.ts'
import type { DecisionFeed, FeedPlace, SaidDecision, SaidDelivery } from '../model/said.ts'
import type { SendResult } from '../model/sending.ts'
import { partitionOf } from '../model/wire.ts'
import type { ChannelShare } from './channel-share.ts'
import type { GateMemory } from './gate-memory.ts'
import type { GateWriter, NewStep } from './gate-writer.ts'
import { isSendable } from './sendable.ts'
import { LaneCounts } from './lane-counts.ts'
import { type LanePorts, type LaneSettings, LaneStart } from './lane-start.ts'
import type { GateEvent, GateResult } from './records.ts'
import { Teller } from './teller.ts'
import { type WaitingDelivery, WaitingList } from './waiting-list.ts'

/** Deliveries read and without an end, beside those under way, at most about this many. */
const WAITING_MAX = 4_000
/** Entries of one step at most: it stays far below the largest message. */
const STEP_INTENTS_MAX = 1_000
const STEP_RESULTS_MAX = 2_000
const STEP_EVENTS_MAX = 500
/** Steps that may wait to be told before nothing new is sent. */
const UNTOLD_MAX = 500
/** A lane without traffic says where it stands when it has come that far, and that often. */
const CURSOR_STEP = 20_000
const CURSOR_STEP_MS = 30_000
const SIGN_OF_LIFE_MS = 3_600_000
const REST_MS = 200
const LATE_LOOK_MS = 500
const RETRY_MS = 1_000
const FEED_CHECK_MS = 10_000

interface QueuedEvent {
  readonly event: GateEvent
  resolve(): void
  reject(error: unknown): void
}

/** Started once, stopped once. */
export class Lane {
  readonly #settings: LaneSettings
  readonly #ports: LanePorts
  readonly #share: ChannelShare
  readonly #list = new WaitingList()
  readonly #counts = new LaneCounts()
  #start: LaneStart | null = null
  #memory: GateMemory | null = null
  #writer: GateWriter | null = null
  #teller: Teller | null = null
  #feed: DecisionFeed | null = null
  /** Numbers past the cursor that had their end, or their intent alone, in a former life. */
  #ended = new Set<number>()
  #open: ReadonlySet<number> = new Set()
  #results: GateResult[] = []
  #events: QueuedEvent[] = []
  #inFlight = 0
  #writtenCursor: FeedPlace = { number: 0, sequence: 0, created: '' }
  #writtenAtMs = 0
  #lookedForLateAtMs = 0
  #checkedAtMs = 0
  #arriving: Promise<void> | null = null
  #failure: unknown = null
  /** Highest number that a former life has spoken of. */
  #pastNumber = 0
  #status: LaneView['status'] = 'starting'
  #halt: string | null = null
  #isStopping = false
  #isAborted = false
  #wakeUp: () => void = () => undefined
  #running: Promise<void> = Promise.resolve()

  constructor(settings: LaneSettings, ports: LanePorts, share: ChannelShare) {
    this.#settings = settings
    this.#ports = ports
    this.#share = share
    share.join({
      partition: settings.partition,
      store: (event) => this.#store(event),
      wake: () => this.#wakeUp(),
    })
  }

  /** `onHalt` is called at most once, when the lane cannot go on. */
  start(onHalt: (lane: LaneView, error: unknown) => void): void {
    this.#running = this.#run().catch((error: unknown) => {
      this.#status = 'halted'
      this.#halt = error instanceof HighwaterError ? error.code : 'HW_INTERNAL'
      for (const { reject } of this.#events.splice(0)) reject(error)
      onHalt(this.view(), error)
    })
  }

  /** Nothing new is sent from now on. */
  drain(): void {
    this.#isStopping = true
    this.#wakeUp()
  }

  /** Resolves when what was under way is recorded and told, at the latest after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.drain()
    const { clock } = this.#ports
    await Promise.race([this.#running, clock.pause(timeoutMs)])
    this.#isAborted = true
    this.#wakeUp()
    await this.#teller?.stop(timeoutMs)
    await this.#feed?.close()
    if (this.#status !== 'halted') this.#status = 'stopped'
  }

  view(): LaneView {
    const oldest = this.#list.oldest()
    const nowMs = this.#ports.clock.nowMs()
    const dueAtMs = oldest === null ? nowMs : oldest.delivery.notBeforeMs
    const since = this.#writer?.waitingSinceMs ?? null
    const readNumber = this.#feed?.place.number ?? 0
    return {
      channel: this.#share.name,
      partition: this.#settings.partition,
      status: this.#status,
      halt: this.#status === 'starting' ? (this.#start?.obstacle ?? null) : this.#halt,
      readNumber,
      cursorNumber: oldest === null ? readNumber : oldest.delivery.number - 1,
      waiting: this.#list.readyCount + this.#list.earlyCount,
      early: this.#list.earlyCount,
      inFlight: this.#inFlight,
      ...this.#counts.view(),
      lagMs: Math.max(0, nowMs - dueAtMs),
      untold: this.#teller?.waitingCount ?? 0,
      stepWaitMs: since === null ? 0 : this.#ports.clock.steadyMs() - since,
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopping && !(await this.#begin())) await this.#ports.clock.pause(RETRY_MS)
    if (this.#feed === null) return
    this.#status = 'running'
    while (!this.#isAborted) {
      if (!this.#isStopping) this.#read()
      this.#checkFeed()
      const step = this.#gather()
      if (step === null) {
        if (this.#isStopping && this.#inFlight === 0) break
        await this.#rest()
        continue
      }
      const sequence = await this.#writer!.write(step.step, () => this.#isAborted)
      if (sequence === null) break
      this.#stored(sequence, step)
    }
  }

  /** False: what is missing may come. */
  async #begin(): Promise<boolean> {
    this.#start ??= new LaneStart(this.#settings, this.#ports)
    const begun = await this.#start.tryAgain(() => this.#isStopping)
    if (begun === null) return false
    const { writer, memory, feed, createdMs } = begun
    this.#writer = writer
    this.#memory = memory
    this.#remember(memory, createdMs)
    this.#feed = feed
    return true
  }

  #remember(memory: GateMemory, createdMs: number): void {
    const { gateway, partition, partitionCount } = this.#settings
    const { clock, publishFeedback } = this.#ports
    const channel = this.#share.name
    const source = `${gateway}-${channel}-${partition}`
    const epoch = Number.isFinite(createdMs) ? Math.floor(createdMs / 1000) : 1
    const settings = { source, channel, epoch, partitionCount }
    this.#teller = new Teller(settings, publishFeedback, clock, memory.told, () => this.#wakeUp())
    for (const step of memory.untold) this.#teller.add(step)
    for (const { receipts, id } of memory.receipts) this.#share.expect(receipts, id, partition)
    for (const event of memory.events) this.#share.replay(event)
    this.#ended = new Set(memory.ended)
    this.#open = memory.open
    for (const number of [...memory.ended, ...memory.open]) {
      this.#pastNumber = Math.max(this.#pastNumber, number)
    }
  }

  /** Takes what has arrived, as long as there is room. */
  #read(): void {
    const feed = this.#feed!
    while (this.#list.count - this.#inFlight < WAITING_MAX) {
      const before = feed.place
      const decisions = feed.take(1)
      if (decisions.length === 0) return
      const nowMs = this.#ports.clock.nowMs()
      for (const decision of decisions) this.#takeIn(decision, before, nowMs)
    }
  }

  #takeIn(decision: SaidDecision, before: FeedPlace, nowMs: number): void {
    if (decision.kind !== 'delivery' || decision.channel !== this.#share.name) return
    const { partition, partitionCount } = this.#settings
    if (partitionOf(decision.subscriber, partitionCount) !== partition) {
      throw new UsageError(`partitions.count is not ${partitionCount}: OUT says otherwise`)
    }
    if (this.#ended.delete(decision.number)) return
    if (!isSendable(decision)) {
      this.#counts.passedOver += 1
      return
    }
    const isRepeat = this.#open.has(decision.number)
    const readAt = this.#writer!.sequence
    const entry = { delivery: decision, before, readAt, isRepeat }
    if (!isRepeat || this.#share.port.isIdempotent) {
      if (isRepeat) this.#counts.repeats += 1
      this.#list.add(entry, nowMs)
      return
    }
    // Nobody can know, and the target would not: once is promised, so it counts as submitted.
    this.#list.addEnded(entry)
    this.#end(decision, 'unknown', nowMs)
  }

  /** The next step; null: there is nothing to say. */
  #gather(): GatheredStep | null {
    const nowMs = this.#ports.clock.nowMs()
    this.#endLate(nowMs)
    const entries = this.#isStopping ? [] : this.#admit(nowMs)
    const results = this.#results.splice(0, STEP_RESULTS_MAX)
    const events = this.#events.splice(0, STEP_EVENTS_MAX)
    // An intent of a former life stands in GATE already.
    const intents = entries.filter(({ isRepeat }) => !isRepeat)
    const cursor = this.#cursorAfter(results)
    const hasNews = intents.length + results.length + events.length > 0
    if (!hasNews && entries.length === 0 && !this.#isCursorDue(cursor)) return null
    const step: NewStep = {
      cursor: cursor.place,
      from: cursor.from,
      told: this.#teller!.told,
      intents: intents.map(({ delivery }) => delivery.number),
      results,
      events: events.map(({ event }) => event),
    }
    return { step, entries, events }
  }

  /** Those that may go now: their time has come, the target has room, the rate allows it. */
  #admit(nowMs: number): WaitingDelivery[] {
    const entries: WaitingDelivery[] = []
    this.#list.ripen(nowMs)
    if (this.#teller!.waitingCount > UNTOLD_MAX) return entries
    while (entries.length < STEP_INTENTS_MAX) {
      const entry = this.#list.peek()
      if (entry === null || !this.#share.reserve(entry.delivery)) break
      this.#list.take()
      entries.push(entry)
    }
    this.#inFlight += entries.length
    return entries
  }

  #endLate(nowMs: number): void {
    if (nowMs - this.#lookedForLateAtMs < LATE_LOOK_MS && nowMs >= this.#lookedForLateAtMs) return
    this.#lookedForLateAtMs = nowMs
    for (const { delivery, isRepeat } of this.#list.takeLate(nowMs)) {
      this.#end(delivery, isRepeat ? 'unknown' : 'expired', nowMs)
    }
  }

  #end(
    { number, id }: SaidDelivery,
    kind: GateResult['kind'],
    timeMs: number,
    receipts: GateResult['receipts'] = [],
  ): void {
    this.#results.push({ number, id, kind, timeMs, receipts })
  }

  #stored(sequence: number, { step, entries, events }: GatheredStep): void {
    const { partition } = this.#settings
    for (const result of step.results) {
      if (result.kind !== 'withdrawn') this.#list.end(result.number)
      this.#counts.add(result)
      if (result.receipts.length > 0) this.#share.expect(result.receipts, result.id, partition)
    }
    for (const { event, resolve } of events) {
      this.#counts.addEvent(event)
      resolve()
    }
    this.#teller!.add({ sequence, results: step.results, events: step.events })
    this.#writtenCursor = step.cursor
    this.#writtenAtMs = this.#ports.clock.steadyMs()
    for (const entry of entries) void this.#send(entry)
  }

  /** The intent is durable: out with it. */
  async #send({ delivery, isRepeat }: WaitingDelivery): Promise<void> {
    const { clock } = this.#ports
    let result: SendResult
    if (this.#isAborted || delivery.notAfterMs <= clock.nowMs()) {
      // GATE took its time; nothing was submitted, as far as this life goes.
      this.#share.giveBack()
      const kind = isRepeat ? 'unknown' : 'expired'
      result = this.#isAborted ? { kind: 'left' } : { kind }
    } else {
      result = await this.#share.submit({ delivery, isRepeat })
    }
    this.#inFlight -= 1
    if (result.kind !== 'left') {
      this.#end(delivery, result.kind, clock.nowMs(), 'receipts' in result ? result.receipts : [])
      if (result.kind === 'failed') this.#counts.addReason(result.reason)
    }
    this.#wakeUp()
  }

  /** Stores what came back; resolves when GATE has it. */
  #store(event: GateEvent): Promise<void> {
    if (this.#status !== 'running' || this.#isAborted) {
      return Promise.reject(new GateBrokenError('this lane does not run'))
    }
    return new Promise((resolve, reject) => {
      this.#events.push({ event, resolve, reject })
      this.#wakeUp()
    })
  }

  /** Where the cursor stands once these results are recorded. */
  #cursorAfter(results: readonly GateResult[]): { place: FeedPlace; from: number } {
    const ended = results.filter(({ kind }) => kind !== 'withdrawn')
    const oldest = this.#list.oldest(new Set(ended.map(({ number }) => number)))
    // The step that is being made may hold what lies past the cursor.
    const next = this.#writer!.sequence + 1
    let place = this.#feed!.place
    if (oldest !== null) {
      const { sequence, created } = oldest.before
      place = { number: oldest.delivery.number - 1, sequence, created }
    }
    // What a former life said of later ones is needed until the cursor has passed them all.
    if (place.number < this.#pastNumber) return { place, from: this.#memory!.from }
    return { place, from: Math.min(next, (oldest?.readAt ?? next) + 1) }
  }

  #isCursorDue({ place }: { place: FeedPlace }): boolean {
    const sinceMs = this.#ports.clock.steadyMs() - this.#writtenAtMs
    const moved = place.number - this.#writtenCursor.number
    if (this.#writtenAtMs === 0 || moved >= CURSOR_STEP || sinceMs >= SIGN_OF_LIFE_MS) return true
    return moved > 0 && (sinceMs >= CURSOR_STEP_MS || this.#isStopping)
  }

  /** Until something happens, or may have. */
  async #rest(): Promise<void> {
    const { clock } = this.#ports
    const dueMs = (this.#list.nextDueMs ?? Number.POSITIVE_INFINITY) - clock.nowMs()
    const rateMs = this.#list.readyCount > 0 ? this.#share.waitMs() : REST_MS
    const restMs = Math.max(1, Math.min(REST_MS, dueMs, rateMs > 0 ? rateMs : REST_MS))
    const woken = new Promise<void>((resolve) => {
      this.#wakeUp = resolve
    })
    const hasRoom = this.#list.count - this.#inFlight < WAITING_MAX
    const isReading = hasRoom && !this.#isStopping
    await Promise.race([woken, isReading ? this.#arrival(restMs) : clock.pause(restMs)])
    this.#wakeUp = () => undefined
    if (this.#failure !== null) throw this.#failure
  }

  /** Something to read, or a while later; one wait at a time. */
  #arrival(restMs: number): Promise<void> {
    this.#arriving ??= this.#feed!.wait(restMs).then(
      () => {
        this.#arriving = null
      },
      (error: unknown) => {
        this.#arriving = null
        this.#failure = error
      },
    )
    return this.#arriving
  }

  /** Whether OUT still is what was read, now and then. */
  #checkFeed(): void {
    const nowMs = this.#ports.clock.steadyMs()
    if (nowMs - this.#checkedAtMs < FEED_CHECK_MS) return
    this.#checkedAtMs = nowMs
    this.#feed!.check().catch((error: unknown) => {
      if (!(error instanceof HighwaterError) || !error.retryable) this.#failure = error
    })
  }
}

interface GatheredStep {
  readonly step: NewStep
  readonly entries: readonly WaitingDelivery[]
  readonly events: readonly QueuedEvent[]
}
