/**
 * Profile, feedback and control messages: sound ones with damaged bytes and misplaced values. What
 * is accepted must say the same when it is read by an independent decoder.
 */

import { decode, encode } from '@msgpack/msgpack'
import { decodeControl } from '../../src/decode/control.ts'
import { decodeFeedback, decodeProfile } from '../../src/decode/messages.ts'
import { parseSubject } from '../../src/decode/subject.ts'
import { RejectError } from '../../src/model/reject.ts'
import { message, mutate, seededNumbers } from '../unit/decode/wire-cases.ts'
import { type FuzzTarget, FuzzTally, hold, SAY_EVERY } from './target.ts'

const HEAD = { v: 1, source: 'crm', epoch: 3, seq: 4 }

const PROFILE_ROWS = [
  {
    sub: 1,
    tags: { seed: true, pack: 4 },
    fields: { plan: 'gold', age: 30.5 },
    lists: { black: true },
  },
  { sub: 5, zone: 'Asia/Shanghai', cycle_day: 7 },
  { sub: 9, zone: null, tags: { seed: null } },
  { sub: 13, delete: true },
]
const FEEDBACK_ROWS = [
  { sub: 5, id: 'pack:5:2026-11:1', kind: 'sent', time: 5 },
  { sub: 9, id: 'pack:9:2026-11:2', kind: 'expired', time: 6 },
  { sub: 5, kind: 'replied', time: 7, text: ' ｖｉｐ ', trigger: 'pack', channel: 'sms' },
  { sub: 9, kind: 'replied', time: 7, word: 'VIP' },
]
const GENESIS = {
  ...{ v: 1, kind: 'genesis', id: 'g', partitions: 4, partition: 1, zone: 'UTC', generation: 1 },
  ...{ clock: { mode: 'virtual', writer: 'demo', start: 9 }, files: { 'a.yaml': 'x: 1' } },
}
const CONFIG_FILES = { 'a.yaml': 'x: 1', 'b/c.yaml': '' }
const CONTROL = [
  { v: 1, kind: 'tick', id: 't1', writer: 'demo', time: 77 },
  { v: 1, kind: 'config', id: 'c', generation: 4, files: CONFIG_FILES },
  GENESIS,
  { v: 1, kind: 'test', id: 'test-a', sub: 5, trigger: 'pack' },
  { v: 1, kind: 'notice', id: 'n-1', sub: 5, channel: 'sms', message: '日报：5', class: 'service' },
]
const SUBJECTS = ['usage.1.probe-1', 'profile.1.crm', 'feedback.1.gw', 'control.1']

/** Values that may stand where others should. */
const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 2 ** 53, 1e300, Number.NaN, '', 'x', '\u0000', '金'],
  ...['__proto__', 'constructor', 'x'.repeat(70), [], {}, [1], { a: 1 }, new Uint8Array(2)],
]

/** Decoders of everything that is not usage, and of subjects. */
export const messageTarget: FuzzTarget = {
  name: 'messages',
  rule: 'profile, feedback, control and subjects are refused with a reason, or read as they are',
  cases: 2_000_000,
  run({ seed, cases, say }) {
    const next = seededNumbers(seed)
    const tally = new FuzzTally()
    const kinds = [
      { originals: [{ ...HEAD, rows: PROFILE_ROWS }], read: readProfile },
      { originals: [{ ...HEAD, rows: FEEDBACK_ROWS }], read: readFeedback },
      { originals: CONTROL, read: readControl },
    ]
    for (let i = 0; i < cases; i++) {
      if (i % SAY_EVERY === 0) say(i)
      const { originals, read } = kinds[next() % kinds.length]!
      const original = originals[next() % originals.length]!
      const sound = message(next() % 2 === 0 ? original : replaceSome(original, next))
      const data = next() % 3 === 0 ? sound : mutate(sound, next)
      tally.attempt(
        () => {
          read(data)
          readSubject(next)
        },
        (error) => (error instanceof RejectError ? error.reject.reason : null),
        () => Buffer.from(data).toString('hex'),
      )
    }
    return tally
  },
}

/** A copy in which one value, however deep, is another. */
function replaceSome<T>(value: T, next: () => number): T {
  if (typeof value !== 'object' || value === null || next() % 5 === 0) {
    return VALUES[next() % VALUES.length] as T
  }
  const copy = structuredClone(value) as Record<string, unknown>
  const keys = Object.keys(copy)
  if (keys.length === 0) return copy as T
  const key = keys[next() % keys.length]!
  copy[key] = replaceSome(copy[key], next)
  return copy as T
}

type WireRow = Readonly<Record<string, unknown>>

function rowsOf(data: Uint8Array): readonly WireRow[] {
  return (decode(data) as { rows: readonly WireRow[] }).rows
}

function readProfile(data: Uint8Array): void {
  const { rows } = decodeProfile(data, 'crm', 1, 4)
  const wire = rowsOf(data)
  hold(rows.length === wire.length, 'every row is read')
  rows.forEach((row, i) => {
    hold(row.subscriber === wire[i]!.sub && row.subscriber % 4 === 1, 'the subscriber')
    const names = Object.keys((wire[i]!.tags as object | undefined) ?? {})
    hold((row.isDeletion === true) === (wire[i]!.delete === true), 'whether it deletes')
    hold(encode(Object.keys(row.tags).sort()).join() === encode(names.sort()).join(), 'tags')
  })
}

function readFeedback(data: Uint8Array): void {
  const { rows } = decodeFeedback(data, 'crm', 1, 4)
  const wire = rowsOf(data)
  hold(rows.length === wire.length, 'every row is read')
  rows.forEach((row, i) => {
    hold(row.subscriber === wire[i]!.sub && row.deliveryId === wire[i]!.id, 'subscriber and id')
    for (const key of ['trigger', 'channel', 'text', 'word'] as const) {
      hold(row[key] === wire[i]![key], key)
    }
  })
}

function readControl(data: Uint8Array): void {
  const control = decodeControl(data)
  const wire = decode(data) as Record<string, unknown>
  hold(control.id === wire.id && control.kind === wire.kind, 'id and kind')
  if (control.kind === 'notice') hold(control.message === wire.message, 'the text is as it was')
  if (control.kind !== 'config' && control.kind !== 'genesis') return
  const files = Object.entries(wire.files as object)
  hold(files.length === Object.keys(control.files).length, 'every file is read')
  for (const [path, text] of files) hold(control.files[path] === text, 'a text is as it was')
}

/** Subjects come from the broker; what cannot be one of ours is nothing, and never an error. */
function readSubject(next: () => number): void {
  const bytes = mutate(Buffer.from(SUBJECTS[next() % SUBJECTS.length]!), next)
  const subject = parseSubject(Buffer.from(bytes).toString('latin1'))
  hold(subject === null || Number.isSafeInteger(subject.partition), 'a partition is a number')
}
