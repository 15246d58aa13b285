/** A short-hand to write a partition's log by hand and to read the machine's answers as text. */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { FeedbackKind, ProfileRow } from '../../src/model/messages.ts'
import type { InputMessage } from '../../src/model/ports.ts'
import { type RejectReason, REJECT_REASONS } from '../../src/model/reject.ts'
import type { CounterView, SubscriberView } from '../../src/model/view.ts'
import { inspectSubscriber } from '../../src/partition/inspect.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import {
  encodeConfig,
  encodeErase,
  encodeFeedback,
  encodeProfile,
  encodeTick,
  encodeUsageColumns,
} from '../../src/probe/encode.ts'
import { columnsOf, drainDecisions, type ReadDecision, startMachine } from './machine-harness.ts'
import { type NaiveRecord, S1_PARAMETERS } from './naive/input.ts'

/** The only subscriber of most tests. */
export const ANN = 13800000001
/** Another one. */
export const BOB = 13800000002

/**
 * Instant of `2026-11-20 02:00` (seconds and ms optional) at an offset from UTC; Shanghai's unless
 * said.
 */
export function at(text: string, offset = '+08:00'): number {
  const full = text.length === 16 ? `${text}:00` : text
  return Date.parse(`${full.replace(' ', 'T')}${offset}`)
}

/**
 * One partition on a virtual clock. Each method applies one input and answers with lines of text.
 */
export class MachineScript {
  readonly machine: PartitionMachine
  /** All decisions so far, and the same as text. */
  readonly decisions: ReadDecision[] = []
  readonly lines: string[] = []
  /** Every input but genesis, to be replayed elsewhere. */
  readonly inputs: InputMessage[] = []
  #seq = 0

  constructor(start: string, files: ConfigFiles, zone = 'Asia/Shanghai') {
    const parameters = { ...S1_PARAMETERS, startMs: at(start), zone }
    this.machine = startMachine(parameters, files)
  }

  /** The machine's clock, ms. */
  get clockMs(): number {
    return this.machine.core!.clockMs
  }

  /** Counts of rejected messages since the start, by reason; those that are not zero. */
  get rejects(): Partial<Record<RejectReason, number>> {
    const counts = this.machine.core!.statistics.rejects
    const entries = REJECT_REASONS.map((reason, code) => [reason, counts[code]!] as const)
    return Object.fromEntries(entries.filter(([, count]) => count > 0))
  }

  tick(time: number | string | null): string[] {
    const timeMs = typeof time === 'string' ? at(time) : time
    const writer = timeMs === null ? null : S1_PARAMETERS.tickWriter
    const id = `t${this.machine.sequence}`
    return this.apply('control.0', encodeTick({ id, writer, timeMs }))
  }

  /** One record of ANN: 4G data unless changed. A number is ms since the epoch. */
  usage(time: number | string, usageBytes: number, change: Partial<NaiveRecord> = {}): string[] {
    return this.batch([recordAt(time, usageBytes, change)])
  }

  batch(records: readonly NaiveRecord[], seq = ++this.#seq, epoch = 1): string[] {
    const stamp = { probe: 'p1', epoch, seq }
    const data = encodeUsageColumns(stamp, columnsOf(records), 0, records.length)
    return this.apply('usage.0.p1', data)
  }

  profile(change: Partial<ProfileRow>): string[] {
    const none = { tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
    const stamp = { probe: 'bi', epoch: 1, seq: ++this.#seq }
    const row = { subscriber: ANN, ...none, ...change }
    return this.apply('profile.0.bi', encodeProfile({ stamp, rows: [row] }))
  }

  feedback(kind: FeedbackKind, deliveryId: string): string[] {
    const row = { subscriber: Number(deliveryId.split(':')[1]), kind, deliveryId, timeMs: 0 }
    const stamp = { probe: 'gw', epoch: 1, seq: ++this.#seq }
    return this.apply('feedback.0.gw', encodeFeedback({ stamp, rows: [row] }))
  }

  /** A reload. `generation`: the next one unless said. */
  config(files: ConfigFiles, generation?: number, id?: string): string[] {
    const next = generation ?? this.machine.core!.generation + 1
    const message = { id: id ?? `c${this.machine.sequence}`, generation: next, files }
    return this.apply('control.0', encodeConfig(message))
  }

  /** The id is new unless said. */
  erase(subscribers: readonly number[] = [ANN], id?: string): string[] {
    const message = { id: id ?? `e${this.machine.sequence}`, subscribers }
    return this.apply('control.0', encodeErase(message))
  }

  apply(subject: string, data: Uint8Array): string[] {
    const input = { sequence: this.machine.sequence + 1, timestampMs: 0, subject, data }
    this.inputs.push(input)
    this.machine.apply(input)
    const decisions = drainDecisions(this.machine)
    const lines = decisions.map(render)
    this.decisions.push(...decisions)
    this.lines.push(...lines)
    return lines
  }

  view(subscriber = ANN): SubscriberView {
    const view = inspectSubscriber(this.machine.core!, subscriber)
    if (view === null) throw new Error(`nothing is known of ${subscriber}`)
    return view
  }

  /** A counter as `counter.counterWindow`: its value and the past ones kept. */
  counter(name: string, subscriber = ANN): number[] {
    const found = this.view(subscriber).counters.find((each) => nameOf(each) === name)
    if (found === undefined) throw new Error(`no counter ${name}`)
    return [found.value, ...found.previous]
  }
}

/** A record of ANN: 4G data unless changed. */
export function recordAt(
  time: number | string,
  usageBytes: number,
  change: Partial<NaiveRecord> = {},
): NaiveRecord {
  const timeMs = typeof time === 'string' ? at(time) : time
  return { subscriber: ANN, usageBytes, timeMs, rat: 6, app: 0, cell: 0, kind: 0, ...change }
}

function nameOf({ counter, counterWindow }: CounterView): string {
  return `${counter}.${counterWindow}`
}

/** The naive model knows no journeys. */
interface JourneyLine {
  readonly kind: string
  readonly trigger: string
  readonly period: string
  readonly what: string
  readonly step?: string
  readonly why?: string
  readonly arm?: string
}

/** `newcomer 2026-11 goal at gift`, `newcomer ever left at gift: condition, control`. */
function journeyLine({ trigger, period, what, step, why, arm }: JourneyLine, who: string): string {
  const place = step === undefined ? '' : ` at ${step}`
  const cause = why === undefined ? '' : `: ${why}`
  return `${trigger} ${who}${period} ${what}${place}${cause}${arm === undefined ? '' : `, ${arm}`}`
}

/** The naive model shows nothing. */
interface Shown {
  readonly kind: string
  readonly channel: string
  readonly place: number
}

/**
 * `data-pack 2026-11/1 2026-11-21T04:00Z..2026-11-21T13:00Z`, `data-pack 2026-11/1 cancelled` or
 * `data-pack 2026-11/1 held out: global`; other subscribers than ANN are named.
 */
function render(decision: ReadDecision): string {
  const who = decision.subscriber === ANN ? '' : `${decision.subscriber} `
  const head = `${decision.trigger} ${who}${decision.period}/${decision.attempt}`
  const told = decision as unknown as JourneyLine
  if (told.kind === 'journey') return journeyLine(told, who)
  const shown = decision as unknown as Shown
  if (shown.kind === 'shown') return `${head} shown at ${shown.place} of ${shown.channel}`
  if (told.kind === 'outcome') return `${head} ${told.what}`
  if (decision.kind === 'suppressed') return `${head} ${decision.reason}`
  if (decision.kind === 'holdout') return `${head} held out: ${decision.experiment}`
  return `${head} ${minuteText(decision.notBeforeMs)}..${minuteText(decision.notAfterMs)}`
}

function minuteText(instantMs: number): string {
  return `${new Date(instantMs).toISOString().slice(0, 16)}Z`
}
