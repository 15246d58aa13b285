/** A short-hand to write a partition's log by hand and to read the model's answers as text. */

import type { FeedbackKind, ProfileRow } from '../../../src/model/messages.ts'
import {
  type NaiveDecision,
  type NaiveInput,
  type NaiveParameters,
  type NaiveRecord,
  S1_PARAMETERS,
} from '../../support/naive/input.ts'
import { NaiveModel } from '../../support/naive/model.ts'

/** The only subscriber of most tests. */
export const ANN = 13800000001

/**
 * Instant of `2026-11-20 02:00` (seconds and ms optional) at an offset from UTC, Shanghai's
 * unless said.
 */
export function at(text: string, offset = '+08:00'): number {
  const full = text.length === 16 ? `${text}:00` : text
  return Date.parse(`${full.replace(' ', 'T')}${offset}`)
}

/**
 * One model and the next stamp of each producer. Each method answers as `apply` does, as lines of
 * text.
 */
export class Script {
  readonly model: NaiveModel
  readonly lines: string[] = []
  #sequence = 1
  #seq = 0

  constructor(start: string, parameters: Partial<NaiveParameters> = {}) {
    this.model = new NaiveModel({ ...S1_PARAMETERS, startMs: at(start), ...parameters })
  }

  tick(timeMs: number | string): string[] {
    const time = typeof timeMs === 'string' ? at(timeMs) : timeMs
    const id = `t${this.#sequence}`
    return this.apply({ kind: 'tick', id, writer: 'workload', timeMs: time })
  }

  usage(time: number | string, usageBytes: number, change: Partial<NaiveRecord> = {}): string[] {
    const timeMs = typeof time === 'string' ? at(time) : time
    const record = { subscriber: ANN, usageBytes, timeMs, rat: 6, app: 0, cell: 0, kind: 0 }
    return this.batch([{ ...record, ...change }])
  }

  batch(records: readonly NaiveRecord[], seq = ++this.#seq, epoch = 1): string[] {
    return this.apply({ kind: 'usage', stamp: { probe: 'p1', epoch, seq }, records })
  }

  profile(change: Partial<ProfileRow>): string[] {
    const none = { tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
    const row = { subscriber: ANN, ...none, ...change }
    const stamp = { probe: 'bi', epoch: 1, seq: ++this.#seq }
    return this.apply({ kind: 'profile', stamp, rows: [row] })
  }

  feedback(kind: FeedbackKind, period: string, attempt: number): string[] {
    const deliveryId = `data-pack:${ANN}:${period}:${attempt}`
    const row = { subscriber: ANN, kind, deliveryId, timeMs: this.model.clockMs() }
    const stamp = { probe: 'gw', epoch: 1, seq: ++this.#seq }
    return this.apply({ kind: 'feedback', stamp, rows: [row] })
  }

  apply(input: WithoutSequence): string[] {
    const decisions = this.model.apply({ sequence: ++this.#sequence, ...input } as NaiveInput)
    const lines = decisions.map(render)
    this.lines.push(...lines)
    return lines
  }
}

type WithoutSequence = NaiveInput extends infer I
  ? I extends NaiveInput
    ? Omit<I, 'sequence'>
    : never
  : never

/**
 * `2026-11/1 2026-11-21T04:00Z..2026-11-21T13:00Z` or `2026-11/1 cancelled`; other subscribers
 * are named.
 */
function render(decision: NaiveDecision): string {
  const who = decision.subscriber === ANN ? '' : `${decision.subscriber} `
  const head = `${who}${decision.period}/${decision.attempt}`
  if (decision.kind === 'suppressed') return `${head} ${decision.reason}`
  return `${head} ${minuteText(decision.notBeforeMs)}..${minuteText(decision.notAfterMs)}`
}

function minuteText(instantMs: number): string {
  return `${new Date(instantMs).toISOString().slice(0, 16)}Z`
}
