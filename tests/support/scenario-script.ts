/**
 * A scenario's own configuration on a machine fed by hand: its sample profiles, usage, reports, and
 * the clock. What it says comes back as lines of text, in the wall-clock time of the scenario.
 */

import { decode } from '@msgpack/msgpack'
import { join } from 'node:path'
import { expect } from 'vitest'
import { decodeSaidMessage } from '../../src/decode/decisions.ts'
import type { Catalog, ConfigFiles } from '../../src/model/catalog.ts'
import type { FeedbackRow, ProfileRow } from '../../src/model/messages.ts'
import { type RejectReason, REJECT_REASONS } from '../../src/model/reject.ts'
import type { SaidDecision } from '../../src/model/said.ts'
import { KIND_CODES, RAT_CODES } from '../../src/model/usage.ts'
import type { SegmentView } from '../../src/model/selection.ts'
import type { SubscriberView } from '../../src/model/view.ts'
import { inspectSubscriber } from '../../src/partition/inspect.ts'
import { viewOfSegments } from '../../src/partition/segment-views.ts'
import { explain } from '../../src/partition/explaining.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import {
  encodeAccept,
  encodeFeedback,
  encodeProfile,
  encodeTick,
  encodeUsageColumns,
} from '../../src/probe/encode.ts'
import { encodeErrand } from '../../src/probe/encode-errand.ts'
import {
  IMPORT_DEFAULTS,
  type ImportFileOptions,
  importProfiles,
} from '../../src/probe/profile-import.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { columnsOf, startMachine } from './machine-harness.ts'
import { at } from './machine-script.ts'
import { S1_PARAMETERS } from './naive/input.ts'
import { SCENARIOS, scenarioFiles } from './scenario-files.ts'

/** Subscribers of the sample profiles. */
export const ANN = 13_800_000_001
export const BOB = 13_800_000_002
export const CAT = 13_800_000_003
export const DAN = 13_800_000_004
export const EVE = 13_800_000_005
export const FAY = 13_800_000_006
/** The operator's own tester. */
export const TESTER = 13_800_000_090
/** On the black list of S1. */
export const MAX = 13_800_000_099

const NAMES = new Map(
  Object.entries({ ANN, BOB, CAT, DAN, EVE, FAY, TESTER, MAX }).map(([name, number]) => [
    number,
    name,
  ]),
)
const HOUR_MS = 3_600_000
const ZONE_OFFSET_MS = 8 * HOUR_MS
const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 512 * 1024 }
const STEPS_MAX = 10_000
const OFFERS_MAX = 3

/** What a usage record may say beside 4G data; words of the catalog. */
export interface UsageChoice {
  readonly rat?: string
  readonly app?: string
  readonly cell?: number
  readonly kind?: string
}

/** One partition with the configuration of a scenario, on a virtual clock. */
export class ScenarioScript {
  readonly machine: PartitionMachine
  readonly catalog: Catalog
  /** All that was said so far, and the same as text. */
  readonly said: SaidDecision[] = []
  readonly lines: string[] = []
  readonly #carried = new Set<string>()
  #seq = 0
  #ticks = 0

  private constructor(files: ConfigFiles, catalog: Catalog, start: string) {
    this.catalog = catalog
    const parameters = { ...S1_PARAMETERS, startMs: at(start), zone: 'Asia/Shanghai' }
    this.machine = startMachine(parameters, files)
  }

  /** @param start local time, `2026-11-10 00:00`; the sample profiles are there from then on */
  static async open(
    scenario: string,
    start: string,
    edit: (files: ConfigFiles) => ConfigFiles = (files) => files,
  ): Promise<ScenarioScript> {
    const files = edit(scenarioFiles(scenario))
    const prepared = await prepare(scenario, files)
    const script = new ScenarioScript(files, prepared.catalog, start)
    for (const { subject, data } of prepared.profiles) script.#apply(subject, data)
    return script
  }

  get clockMs(): number {
    return this.machine.core!.clockMs
  }

  /** Counts of refused messages and reports, by reason. */
  get rejects(): Partial<Record<RejectReason, number>> {
    const counts = this.machine.core!.statistics.rejects
    const entries = REJECT_REASONS.map((reason, code) => [reason, counts[code]!] as const)
    return Object.fromEntries(entries.filter(([, count]) => count > 0))
  }

  /** Lets time pass up to a local time, from one due instant to the next. */
  until(time: string): string[] {
    return this.#collect(() => {
      const untilMs = at(time)
      while (this.clockMs < untilMs) {
        const dueMs = Math.max(this.machine.nextDueMs, this.clockMs + 1)
        this.#tick(Math.min(dueMs, untilMs))
      }
    })
  }

  /** The same in one leap, as after an outage. */
  jump(time: string): string[] {
    return this.#collect(() => this.#tick(at(time)))
  }

  /** What is known of a subscriber; switches that are off are false. */
  view(subscriber: number): SubscriberView {
    const view = inspectSubscriber(this.machine.core!, subscriber)
    if (view === null) throw new Error(`nothing is known of ${nameOf(subscriber)}`)
    return view
  }

  segment(name: string): SegmentView {
    const found = viewOfSegments(this.machine.core!).find(({ segment }) => segment === name)
    if (found === undefined) throw new Error(`there is no segment ${name}`)
    return found
  }

  /** A record at a local time, to which the clock moves first, if it is not there yet. */
  usage(subscriber: number, time: string, usageBytes: number, choice: UsageChoice = {}): string[] {
    return this.#collect(() => {
      this.until(time)
      this.#record(subscriber, at(time), usageBytes, choice)
    })
  }

  /** A record that comes late: the clock stays. */
  late(subscriber: number, time: string, usageBytes: number, choice: UsageChoice = {}): string[] {
    return this.#collect(() => this.#record(subscriber, at(time), usageBytes, choice))
  }

  profile(subscriber: number, change: Partial<ProfileRow>): string[] {
    return this.#collect(() => {
      const none = { tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
      const stamp = { probe: 'crm', epoch: 1, seq: ++this.#seq }
      const data = encodeProfile({ stamp, rows: [{ subscriber, ...none, ...change }] })
      this.#apply('profile.0.crm', data)
    })
  }

  /** A report at a local time, to which the clock moves first. */
  report(
    subscriber: number,
    time: string,
    report: Omit<FeedbackRow, 'subscriber' | 'timeMs'>,
  ): string[] {
    return this.#collect(() => {
      this.until(time)
      const stamp = { probe: 'gateway', epoch: 1, seq: ++this.#seq }
      const rows = [{ subscriber, timeMs: at(time), ...report }]
      this.#apply('feedback.0.gateway', encodeFeedback({ stamp, rows }))
    })
  }

  /** A short message from a customer. */
  reply(subscriber: number, time: string, text: string): string[] {
    return this.report(subscriber, time, { kind: 'replied', channel: 'sms', text })
  }

  /** `1 video-pack-hotline`, …: what is offered on an inbound channel now. */
  offers(subscriber: number, channel: string): string[] {
    const { core, offering } = this.machine
    const slot = core!.index.find(subscriber)
    if (slot === -1) return []
    const found = offering!.find(slot, offering!.triggersOf(channel)!, OFFERS_MAX)
    return found.map(({ trigger, place }) => `${place} ${trigger.spec.id}`)
  }

  /** A customer takes an offer at a local time; what comes of it. */
  accept(subscriber: number, time: string, trigger: string, channel: string): string[] {
    return this.#collect(() => {
      this.until(time)
      const id = `a${this.machine.sequence}`
      this.#apply('control.0', encodeAccept({ id, subscriber, trigger, channel }))
    })
  }

  /** The answer of `explain`, and what stops the trigger now. */
  why(subscriber: number, trigger: string): { readonly summary: string; readonly stops: string[] } {
    const told = explain(this.machine.core!, subscriber, trigger)
    if (told === null) throw new Error(`nothing is known of ${nameOf(subscriber)}`)
    const stops = told.checks
      .filter(({ verdict }) => verdict !== 'passes')
      .map(({ step, text }) => `${step}: ${text}`)
    return { summary: `${told.answer}: ${told.summary}`, stops }
  }

  /** Text of the last delivery of a trigger to a subscriber. */
  messageOf(subscriber: number, trigger: string): string | null {
    const found = this.said.findLast(
      (decision) =>
        decision.kind === 'delivery' &&
        decision.subscriber === subscriber &&
        decision.trigger === trigger,
    )
    if (found?.kind !== 'delivery') throw new Error(`no delivery of ${trigger}`)
    return found.message
  }

  /** Applies any input, with what follows from it. */
  #apply(subject: string, data: Uint8Array): void {
    this.#input(subject, data)
    for (let step = 0; this.#work(); step++) {
      if (step > STEPS_MAX) throw new Error('the work does not come to an end')
    }
  }

  /** One tick without content, or an errand carried; false: nothing is left to do. */
  #work(): boolean {
    const { core } = this.machine
    let isBusy = false
    if (this.machine.hasDueAt(core!.clockMs)) {
      this.#input('control.0', encodeTick({ id: `w${this.machine.sequence}` }))
      isBusy = true
    }
    for (const { message } of core!.errands()) {
      if (this.#carried.has(message.id)) continue
      this.#carried.add(message.id)
      this.#input('control.0', encodeErrand(message))
      isBusy = true
    }
    return isBusy
  }

  #input(subject: string, data: Uint8Array): void {
    const sequence = this.machine.sequence + 1
    this.machine.apply({ sequence, timestampMs: 0, subject, data })
    for (;;) {
      const batch = this.machine.outbox.take(1, LIMITS)
      if (batch === null) return
      const message = decodeSaidMessage(batch.bytes)
      if (message.kind !== 'decisions') throw new Error(`not decisions: ${decode(batch.bytes)}`)
      for (const decision of message.decisions) {
        this.said.push(decision)
        if (decision.kind !== 'unknown') this.lines.push(render(decision))
      }
    }
  }

  #tick(timeMs: number): void {
    const id = `t${++this.#ticks}`
    this.#apply('control.0', encodeTick({ id, writer: S1_PARAMETERS.tickWriter, timeMs }))
  }

  #record(subscriber: number, timeMs: number, usageBytes: number, choice: UsageChoice): void {
    const record = {
      subscriber,
      usageBytes,
      timeMs,
      rat: codeOf(RAT_CODES[choice.rat ?? 'eutran']),
      app: choice.app === undefined ? 0 : codeOf(this.catalog.apps.get(choice.app)),
      cell: choice.cell ?? 0,
      kind: codeOf(KIND_CODES[choice.kind ?? 'data']),
    }
    const stamp = { probe: 'p1', epoch: 1, seq: ++this.#seq }
    this.#apply('usage.0.p1', encodeUsageColumns(stamp, columnsOf([record]), 0, 1))
  }

  #collect(change: () => void): string[] {
    const before = this.lines.length
    change()
    return this.lines.slice(before)
  }
}

interface Prepared {
  readonly catalog: Catalog
  /** The sample profiles, as `highwater import` publishes them. */
  readonly profiles: readonly { readonly subject: string; readonly data: Uint8Array }[]
}

/** What the tests of a file share: reading it once for each of them takes longer than they do. */
const preparedByFiles = new Map<string, Prepared>()

async function prepare(scenario: string, files: ConfigFiles): Promise<Prepared> {
  const key = JSON.stringify(files)
  const known = preparedByFiles.get(key)
  if (known !== undefined) return known
  const { catalog } = parseCatalog(files)
  const profiles: { subject: string; data: Uint8Array }[] = []
  const writer = {
    publish: async (subject: string, data: Uint8Array): Promise<void> => {
      profiles.push({ subject, data })
    },
  }
  const options: ImportFileOptions = {
    path: join(SCENARIOS, scenario, 'profiles.csv'),
    ...IMPORT_DEFAULTS,
    declarations: catalog,
    partitionCount: 1,
  }
  const summary = await importProfiles(options, writer)
  expect(summary).toMatchObject({ rejected: 0, ignoredColumns: [] })
  const prepared = { catalog, profiles }
  preparedByFiles.set(key, prepared)
  return prepared
}

/** `11-11 12:00 ANN data-pack sms`, `… data-pack: cap-trigger`, `… data-pack replied VIP`. */
function render(decision: Exclude<SaidDecision, { kind: 'unknown' }>): string {
  const who = `${nameOf(decision.subscriber)} ${decision.trigger}`
  if (decision.kind === 'outcome') {
    const aside = [decision.isCanary ? 'canary' : null, decision.purpose, decision.arm]
    const words = [decision.what, decision.word, ...aside].filter((word) => word !== null)
    return `${timeText(decision.timeMs)} ${who} ${words.join(' ')}`
  }
  const clock = timeText(decision.decidedAtMs)
  if (decision.kind === 'journey') {
    const asides = [decision.isCanary ? 'canary' : null, decision.arm]
    const words = [decision.what, decision.step, decision.why, ...asides]
    return `${clock} ${who} ${words.filter((word) => word !== null).join(' ')}`
  }
  if (decision.kind === 'suppressed') {
    const by = decision.winner ?? decision.detail
    return `${clock} ${who}: ${decision.reason}${by === null ? '' : ` (${by})`}`
  }
  if (decision.kind === 'holdout') return `${clock} ${who} held out: ${decision.experiment}`
  if (decision.kind === 'shown')
    return `${clock} ${who} shown at ${decision.channel} ${decision.place}`
  const said = decision.action === null ? decision.channel : JSON.stringify(decision.action)
  const asides = [decision.isCanary ? 'canary' : null, decision.purpose]
  const segments = (decision.segments ?? 1) > 1 ? `${decision.segments} segments` : null
  const notes = [segments, ...asides].filter((note) => note !== null)
  return `${clock} ${who} ${said}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`
}

function nameOf(subscriber: number): string {
  return NAMES.get(subscriber) ?? String(subscriber)
}

function timeText(instantMs: number): string {
  return new Date(instantMs + ZONE_OFFSET_MS).toISOString().slice(5, 16).replace('T', ' ')
}

function codeOf(code: number | undefined): number {
  if (code === undefined) throw new Error('there is no such word')
  return code
}
