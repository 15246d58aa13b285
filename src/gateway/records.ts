/**
 * What a gateway writes into GATE before and after it sends: the intent to send, and what became of
 * it. MessagePack maps of version 1:
 *
 *   claim  {v, kind, gateway, engine, time}
 *   step   {v, kind, epoch, count, cursor: [number, sequence, created], from, told,
 *           intents: [number…], results: [[number, id, kind, time, receipts…]…],
 *           events: [[kind, subscriber, id, time, text]…]}
 *
 * A claim makes every later step of an older gateway be refused; its sequence is the epoch.
 */

import { decode, encode } from '@msgpack/msgpack'
import { GateBrokenError } from '../errors.ts'
import type { FeedPlace } from '../model/said.ts'

/**
 * What became of a delivery, as recorded. `unknown` is told to nobody; `withdrawn` is no end: the
 * intent is taken back, since nothing was submitted.
 */
export const RESULT_KINDS = ['sent', 'failed', 'expired', 'unknown', 'withdrawn'] as const

export type ResultKind = (typeof RESULT_KINDS)[number]

/** One delivery's end. */
export interface GateResult {
  /** Number of the decision. */
  readonly number: number
  /** Of the delivery. */
  readonly id: string
  readonly kind: ResultKind
  readonly timeMs: number
  /** Names that the target gave to its parts. */
  readonly receipts: readonly string[]
}

/** What came back some time after. `part`: one part of several has arrived, nothing to be told. */
export interface GateEvent {
  readonly kind: 'delivered' | 'failed' | 'replied' | 'part'
  readonly subscriber: number
  /** Of the delivery; null: a reply names none. */
  readonly id: string | null
  readonly timeMs: number
  /** What a customer wrote; of a part its receipt. */
  readonly text: string | null
}

/** One step of a lane: what it is about to send, what became of what it sent, what came back. */
export interface GateStep {
  readonly epoch: number
  /** Steps of this epoch before this one. */
  readonly count: number
  /** Everything up to here is done with. */
  readonly cursor: FeedPlace
  /** No step before this sequence says anything of what lies past the cursor. */
  readonly from: number
  /** Steps up to this sequence have told the partitions what they had to tell. */
  readonly told: number
  readonly intents: readonly number[]
  readonly results: readonly GateResult[]
  readonly events: readonly GateEvent[]
}

/** A message of GATE. */
export type GateRecord =
  | { readonly kind: 'claim'; readonly gateway: string }
  | { readonly kind: 'step'; readonly step: GateStep }

/** Encodes a claim. */
export function encodeClaim(gateway: string, engine: string, timeMs: number): Uint8Array {
  return encode({ v: 1, kind: 'claim', gateway, engine, time: timeMs })
}

/** Encodes a step. */
export function encodeStep(step: GateStep): Uint8Array {
  const { epoch, count, cursor, from, told, intents } = step
  return encode({
    v: 1,
    kind: 'step',
    epoch,
    count,
    cursor: [cursor.number, cursor.sequence, cursor.created],
    from,
    told,
    intents,
    results: step.results.map(({ number, id, kind, timeMs, receipts }) => {
      return [number, id, kind, timeMs, ...receipts]
    }),
    events: step.events.map(({ kind, subscriber, id, timeMs, text }) => {
      return [kind, subscriber, id, timeMs, text]
    }),
  })
}

/**
 * Decodes a message of GATE.
 * @throws {GateBrokenError} what a gateway cannot read it must not pass over
 */
export function decodeRecord(data: Uint8Array): GateRecord {
  try {
    const record = decode(data) as WireRecord
    if (record.v !== 1) throw new Error(`version ${record.v}`)
    if (record.kind === 'claim') return { kind: 'claim', gateway: String(record.gateway) }
    if (record.kind !== 'step') throw new Error('of no kind that is known')
    const { epoch, count, cursor, from, told, intents, results, events } = record
    const [number, sequence, created] = cursor
    const places = [epoch, count, from, told, number, sequence, ...intents]
    if (!places.every((place) => Number.isSafeInteger(place))) throw new Error('no place')
    return {
      kind: 'step',
      step: {
        epoch,
        count,
        cursor: { number, sequence, created },
        from,
        told,
        intents,
        results: results.map(resultOf),
        events: events.map(([kind, subscriber, id, timeMs, text]) => {
          return { kind, subscriber, id, timeMs, text }
        }),
      },
    }
  } catch (error) {
    throw new GateBrokenError('GATE holds a record that cannot be read', { cause: error })
  }
}

function resultOf([number, id, kind, timeMs, ...receipts]: WireResult): GateResult {
  if (!RESULT_KINDS.includes(kind)) throw new Error('a result of no kind that is known')
  return { number, id, kind, timeMs, receipts }
}

type WireResult = readonly [number, string, ResultKind, number, ...string[]]
type WireEvent = readonly [GateEvent['kind'], number, string | null, number, string | null]

interface WireRecord {
  readonly v: number
  readonly kind: string
  readonly gateway: unknown
  readonly epoch: number
  readonly count: number
  readonly cursor: readonly [number, number, string]
  readonly from: number
  readonly told: number
  readonly intents: readonly number[]
  readonly results: readonly WireResult[]
  readonly events: readonly WireEvent[]
}
