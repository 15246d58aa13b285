/** One scenario on real parts, from its first tick to its last. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeSaidMessage } from '../../decode/decisions.ts'
import type { Catalog } from '../../model/catalog.ts'
import type { OutputStream } from '../../model/ports.ts'
import type { SaidDecision } from '../../model/said.ts'
import type { ReportFold } from '../../report/fold.ts'
import { controlSubject } from '../../model/wire.ts'
import { encodeNotice } from '../../probe/encode.ts'
import { patiently } from '../../partition/recovery.ts'
import { SYSTEM_CLOCK } from '../../partition/system-clock.ts'
import type { PartitionWorker } from '../../partition/worker.ts'
import { IMPORT_DEFAULTS, importProfiles } from '../../probe/profile-import.ts'
import { Publisher, systemHooks } from '../../probe/publisher.ts'
import { type InputWriter, openInputWriter } from '../../sink/input-writer.ts'
import { connectToNats } from '../../sink/connection.ts'
import { openOutputStream } from '../../sink/output-stream.ts'
import type { PrivateStage } from '../private-stage.ts'
import { type Screen, shortCount, fullCount } from '../screen.ts'
import { localText } from '../demo-summary.ts'
import { Callers, type RequestCounts } from './callers.ts'
import { Customers } from './customers.ts'
import { type SaidByWatch, StoryWatch } from './story-watch.ts'
import { SCENARIO_ZONE, ScenarioPeople } from './people.ts'
import type { PeoplePlan } from './people-plan.ts'
import { Story, type StoryMessage } from './story.ts'

/** What a run needs. */
export interface RunOptions {
  readonly plan: PeoplePlan
  readonly catalog: Catalog
  readonly seed: number
  readonly subscriberCount: number
  readonly days: number
  /** Folds everything decided, in order, each once. */
  readonly fold: ReportFold
  /** Numbers of the operator's people, by role. */
  readonly recipients: Readonly<Record<string, readonly number[]>>
  /** Whether the sample profiles are there, too; default true. */
  readonly isImporting?: boolean
  readonly onDecision?: (decision: SaidDecision) => void
  /** Every message as it is published, in order. */
  readonly onMessage?: (message: StoryMessage) => void
}

/** How a run ended. */
export interface RunOutcome {
  readonly records: number
  readonly wallMs: number
  /** Whether it came to its end. */
  readonly isWhole: boolean
  /** Virtual time told, ms since the epoch. */
  readonly startMs: number
  readonly endMs: number
  /** Offers on request: questions, offers shown, offers taken. */
  readonly requests: Readonly<RequestCounts>
  /** Reports, warnings and alarms, as `highwater watch` makes them. */
  readonly said: readonly SaidByWatch[]
  readonly worker: PartitionWorker
}

const IN_FLIGHT_MAX = 64
const PROGRESS_MS = 200
const POLL_MS = 1
const MESSAGES_AT_ONCE = 200
const PROFILES_FILE = 'profiles.csv'

/** Plays a scenario; the stage is the caller's to strike. */
export async function runScenario(
  options: RunOptions,
  stage: PrivateStage,
  screen: Screen,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const server = await stage.startServer()
  const { supervisor, address } = await stage.startWorker()
  await supervisor.untilLive()
  const connection = await connectToNats({ servers: [server.url], name: 'highwater-scenario' })
  try {
    const writer = openInputWriter(connection, 0)
    const output = await openOutputStream(connection, 0)
    const worker = supervisor.worker(0)!
    const parts = { worker, writer, output, screen, signal, url: address.url }
    const play = new Play(options, parts)
    if (options.isImporting !== false)
      await play.importProfiles(join(stage.configDirectory, PROFILES_FILE))
    const isWhole = await play.perform()
    return { ...play.outcome(), isWhole, worker }
  } finally {
    await connection.close()
  }
}

interface Parts {
  readonly worker: PartitionWorker
  readonly writer: InputWriter
  readonly output: OutputStream
  readonly screen: Screen
  readonly signal: AbortSignal
  /** The worker's HTTP. */
  readonly url: string
}

class Play {
  records = 0
  wallMs = 0
  readonly #options: RunOptions
  readonly #parts: Parts
  readonly #publisher: Publisher
  readonly #customers: Customers
  readonly #people: ScenarioPeople
  readonly #story: Story
  readonly #watch: StoryWatch
  readonly #callers: Callers
  /** Messages of usage, profiles and feedback published. */
  #messages = 0
  #nextSequence = 1
  #deliveries = 0
  #reports = 0
  #shownMs = 0

  constructor(options: RunOptions, parts: Parts) {
    const { plan, seed, subscriberCount, days, catalog } = options
    this.#options = options
    this.#parts = parts
    this.#publisher = new Publisher(parts.writer, { inFlightMax: IN_FLIGHT_MAX }, systemHooks)
    this.#customers = new Customers(plan, seed)
    this.#people = new ScenarioPeople(plan, seed, subscriberCount, catalog.apps)
    this.#story = new Story(plan, this.#people, days)
    this.#watch = new StoryWatch(options.fold, catalog, SCENARIO_ZONE, this.#people.startMs)
    this.#callers = new Callers(plan, seed, parts.url)
  }

  /** The sample profiles of the scenario, as `highwater import` reads them. */
  async importProfiles(path: string): Promise<void> {
    const isThere = await readFile(path).then(
      () => true,
      () => false,
    )
    if (!isThere) return
    const summary = await importProfiles(
      {
        path,
        ...IMPORT_DEFAULTS,
        declarations: this.#options.catalog,
        partitionCount: 1,
      },
      this.#parts.writer,
      systemHooks,
    )
    this.#messages += summary.batches
  }

  outcome(): Omit<RunOutcome, 'isWhole' | 'worker'> {
    const { records, wallMs } = this
    const { startMs } = this.#people
    const { counts: requests } = this.#callers
    const { said } = this.#watch
    return { records, wallMs, startMs, endMs: this.#story.clockMs, requests, said }
  }

  /** Whether it came to its end. */
  async perform(): Promise<boolean> {
    const beganMs = performance.now()
    const { startMs } = this.#people
    const story = this.#story
    this.#customers.strangers((share) => this.#people.subscriberAt(share), startMs, story.endMs)
    await this.#publish(story.beginning())
    await this.#settle()
    while (story.clockMs < story.endMs && !this.#parts.signal.aborted) {
      const fromMs = story.clockMs
      await this.#publish(story.tick((untilMs) => this.#customers.take(untilMs)))
      await this.#settle()
      await this.#callers.call(story.clockMs - fromMs, this.#people.subscriberCount, (share) =>
        this.#people.subscriberAt(share),
      )
      await this.#settle()
      await this.#read()
      await this.#tell()
      this.#showProgress()
    }
    this.#parts.screen.settle()
    this.wallMs = performance.now() - beganMs
    return story.clockMs >= story.endMs
  }

  async #publish(messages: Iterable<StoryMessage>): Promise<void> {
    for (const message of messages) {
      await this.#publisher.publish(message.subject, message.data)
      if (message.kind !== 'tick') this.#messages += 1
      if (message.kind === 'feedback') this.#reports += 1
      this.records += message.recordCount
      this.#options.onMessage?.(message)
      // What the tick brings (a selection, what is due at noon) is done before anything else comes.
      if (message.kind === 'tick') await this.#settle()
    }
    await this.#publisher.drain()
  }

  /** Until all that was published is applied, and what is due is decided and stands in OUT. */
  async #settle(): Promise<void> {
    const { worker } = this.#parts
    for (;;) {
      if (worker.halt !== null) throw worker.halt
      const { usage, profile, feedback } = worker.statistics!.inputMessages
      const isApplied = usage + profile + feedback >= this.#messages
      if (isApplied && isQuiet(worker, this.#story.clockMs)) return
      await sleep(POLL_MS)
    }
  }

  /** What OUT holds and nobody has met yet; a broker that is merely slow is asked again. */
  async #read(): Promise<void> {
    const { signal } = this.#parts
    await patiently(
      SYSTEM_CLOCK,
      () => signal.aborted,
      () => this.#readOn(),
    )
  }

  async #readOn(): Promise<void> {
    const { output } = this.#parts
    const { lastSequence } = await output.state()
    while (this.#nextSequence <= lastSequence) {
      const last = Math.min(lastSequence, this.#nextSequence + MESSAGES_AT_ONCE - 1)
      for await (const { sequence, data } of output.read(this.#nextSequence, last)) {
        const message = decodeSaidMessage(data)
        this.#nextSequence = sequence + 1
        for (const decision of message.kind === 'decisions' ? message.decisions : []) {
          if (decision.kind === 'delivery') this.#deliveries += 1
          this.#customers.meet(decision, this.#story.clockMs)
          this.#options.fold.apply(0, decision)
          this.#options.onDecision?.(decision)
        }
      }
    }
  }

  /** The watch's messages to the operator's people. */
  async #tell(): Promise<void> {
    const core = this.#parts.worker.machine!.core!
    for (const { saying } of this.#watch.lookUntil(this.#story.clockMs, core)) {
      if (saying.kind !== 'notice') continue
      for (const role of saying.to) {
        for (const [index, subscriber] of (this.#options.recipients[role] ?? []).entries()) {
          const { channel, class: className, text: message } = saying
          const id = `${saying.id}-${role}-${index}`
          const notice = { id, subscriber, channel, class: className, message }
          await this.#publisher.publish(controlSubject(0), encodeNotice(notice))
        }
      }
    }
    await this.#publisher.drain()
  }

  #showProgress(): void {
    const nowMs = performance.now()
    if (nowMs - this.#shownMs < PROGRESS_MS) return
    this.#shownMs = nowMs
    this.#parts.screen.progress(
      `${localText(this.#story.clockMs)}  ${shortCount(this.records)} records  ` +
        `${fullCount(this.#deliveries)} deliveries  ${fullCount(this.#reports)} reports`,
    )
  }
}

function isQuiet(worker: PartitionWorker, clockMs: number): boolean {
  const view = worker.view()
  return (
    view.clockMs >= clockMs &&
    !worker.machine!.hasDueAt(view.clockMs) &&
    view.acknowledgedDecisionNumber === view.decisionNumber &&
    view.segments.every(({ phase }) => phase === 'idle' || phase === 'done')
  )
}
