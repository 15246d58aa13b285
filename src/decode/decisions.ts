/**
 * Messages of OUT, for those who read what was decided. What is there must be of its type; keys and
 * kinds that this version does not know are passed over, so that old readers go on when the engine
 * learns to say more.
 */

import { decode } from '@msgpack/msgpack'
import { FeedBrokenError } from '../errors.ts'
import type { DecisionHead } from '../model/decision.ts'
import { CLASS_DEFAULT } from '../model/policy.ts'
import type { SaidAction, SaidDecision, SaidDelivery, SaidMessage } from '../model/said.ts'
import { SUBSCRIBER_MAX } from '../model/usage.ts'
import { TIME_MAX_MS, WIRE_VERSION } from '../model/wire.ts'

/**
 * Decodes one message of `out.<p>`.
 * @throws {FeedBrokenError} `undecodable`: a reader must not pass over what it cannot read
 */
export function decodeSaidMessage(data: Uint8Array): SaidMessage {
  const envelope = new Entries(decodeMap(data), 'the message')
  if (envelope.whole('v') !== WIRE_VERSION) throw broken('the message is of another version')
  const kind = envelope.text('kind')
  if (kind === 'claim') return { kind }
  if (kind === 'ruling') return { kind, baselineNumber: baselineNumberOf(envelope) }
  if (kind !== 'decisions') return { kind: 'unknown' }
  const first = envelope.whole('first')
  const last = envelope.whole('last')
  const entries = envelope.of('decisions')
  if (!Array.isArray(entries) || entries.length !== last - first + 1 || first < 1) {
    throw broken(`decisions ${first} to ${last} are not what the message holds`)
  }
  const decisions = entries.map((entry: unknown, index) => decisionOf(entry, first + index))
  return { kind, first, last, decisions }
}

function decodeMap(data: Uint8Array): unknown {
  try {
    return decode(data)
  } catch {
    throw broken('the message is no MessagePack')
  }
}

function baselineNumberOf(ruling: Entries): number | null {
  if (!ruling.has('baseline')) return null
  const said = new Entries(ruling.of('baseline'), 'the ruling').of('said')
  return new Entries(said, 'the ruling').whole('number')
}

function decisionOf(value: unknown, number: number): SaidDecision {
  const entry = new Entries(value, `decision ${number}`)
  if (entry.whole('n') !== number) throw broken(`decision ${number} has another number`)
  const kind = entry.text('kind')
  if (kind === 'delivery') return deliveryOf(entry)
  if (kind === 'holdout') {
    return {
      ...headOf(entry),
      kind,
      id: entry.text('id'),
      channel: entry.text('channel'),
      experiment: entry.text('experiment'),
      region: entry.optionalText('region'),
      notBeforeMs: entry.time('not_before'),
      notAfterMs: entry.time('not_after'),
    }
  }
  if (kind === 'suppressed') {
    return {
      ...headOf(entry),
      kind,
      reason: entry.text('reason'),
      winner: entry.optionalText('winner'),
      detail: entry.optionalText('detail'),
    }
  }
  if (kind === 'outcome') {
    return {
      ...headOf(entry),
      kind,
      id: entry.text('id'),
      channel: entry.text('channel'),
      what: entry.text('what'),
      timeMs: entry.time('time'),
      by: entry.text('by'),
      word: entry.optionalText('word'),
      isFirst: entry.flag('first'),
      arm: entry.optionalText('arm'),
      isCanary: entry.flag('canary'),
      purpose: entry.optionalText('purpose'),
      region: entry.optionalText('region'),
    }
  }
  if (kind === 'shown') {
    return {
      ...headOf(entry),
      kind,
      channel: entry.text('channel'),
      place: entry.whole('place'),
      isCanary: entry.flag('canary'),
      region: entry.optionalText('region'),
    }
  }
  if (kind === 'journey') {
    return {
      ...headOf(entry),
      kind,
      what: entry.text('what'),
      step: entry.optionalText('step'),
      why: entry.optionalText('why'),
      arm: entry.optionalText('arm'),
      isCanary: entry.flag('canary'),
      region: entry.optionalText('region'),
    }
  }
  return { kind: 'unknown', number }
}

function deliveryOf(entry: Entries): SaidDelivery {
  const action = entry.has('action') ? actionOf(entry) : null
  const message = entry.optionalText('message')
  if ((message === null) === (action === null)) {
    throw broken(`decision ${entry.whole('n')} must have a message or an action`)
  }
  return {
    ...headOf(entry),
    kind: 'delivery',
    id: entry.text('id'),
    channel: entry.text('channel'),
    class: entry.optionalText('class') ?? CLASS_DEFAULT,
    isCanary: entry.flag('canary'),
    message,
    action,
    notBeforeMs: entry.time('not_before'),
    notAfterMs: entry.time('not_after'),
    segments: entry.has('segments') ? entry.whole('segments') : null,
    lang: entry.optionalText('lang'),
    region: entry.optionalText('region'),
    purpose: entry.optionalText('purpose'),
  }
}

function actionOf(entry: Entries): SaidAction {
  const action = new Entries(entry.of('action'), 'the action')
  const kind = action.text('kind')
  if (kind === 'credit') {
    return { kind, amount: action.number('amount'), unit: action.text('unit') }
  }
  if (kind === 'tag') return { kind, tag: action.text('tag'), value: action.of('value') }
  return { kind: 'other' }
}

function headOf(entry: Entries): DecisionHead {
  const values = entry.of('values')
  if (typeof values !== 'object' || values === null) throw broken('values must be a map')
  const subscriber = entry.whole('sub')
  if (subscriber < 1 || subscriber > SUBSCRIBER_MAX) throw broken('sub is no subscriber number')
  return {
    number: entry.whole('n'),
    inputSequence: entry.whole('in'),
    trigger: entry.text('trigger'),
    subscriber,
    period: entry.text('period'),
    attempt: entry.whole('attempt'),
    generation: entry.whole('gen'),
    decidedAtMs: entry.time('at'),
    firedAtMs: entry.time('fired'),
    values: values as Readonly<Record<string, number>>,
  }
}

/** A decoded map, whose entries are asked for by name and type. */
class Entries {
  readonly #entries: Readonly<Record<string, unknown>>
  readonly #what: string

  constructor(value: unknown, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw broken(`${what} is no map`)
    }
    this.#entries = value as Readonly<Record<string, unknown>>
    this.#what = what
  }

  has(name: string): boolean {
    return this.#entries[name] !== undefined && this.#entries[name] !== null
  }

  of(name: string): unknown {
    return this.#entries[name]
  }

  text(name: string): string {
    const value = this.#entries[name]
    if (typeof value === 'string') return value
    throw broken(`${name} of ${this.#what} must be a text`)
  }

  optionalText(name: string): string | null {
    return this.has(name) ? this.text(name) : null
  }

  flag(name: string): boolean {
    return this.#entries[name] === true
  }

  number(name: string): number {
    const value = this.#entries[name]
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw broken(`${name} of ${this.#what} must be a number`)
  }

  whole(name: string): number {
    const value = this.#entries[name]
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw broken(`${name} of ${this.#what} must be a whole number`)
  }

  time(name: string): number {
    const value = this.whole(name)
    if (value <= TIME_MAX_MS) return value
    throw broken(`${name} of ${this.#what} is no time`)
  }
}

function broken(message: string): FeedBrokenError {
  return new FeedBrokenError('undecodable', message)
}
