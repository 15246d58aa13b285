import { decode, encode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import { decodeControl } from '../../../src/decode/control.ts'
import type { ControlMessage } from '../../../src/model/messages.ts'
import { RejectError } from '../../../src/model/reject.ts'
import { encodeErrand } from '../../../src/probe/encode-errand.ts'

const THRESHOLD = Uint32Array.of(0xffff_ffff, 0, 0x8000_0001, 3, 4)
const COUNTS = Uint32Array.from({ length: 4096 }, (_, i) => i * 1_000_003)

const MESSAGES: Readonly<Record<string, ControlMessage>> = {
  'a request': {
    kind: 'select',
    id: 's',
    segment: 'seed',
    version: 20_261_110,
    atMs: null,
    order: null,
  },
  'a schedule that has come': {
    kind: 'select',
    id: 's',
    segment: 'seed',
    version: 20_261_110,
    atMs: 1_794_000_000_000,
    order: null,
  },
  'an order': {
    kind: 'select',
    id: 's',
    segment: 'seed',
    version: 20_261_110,
    atMs: null,
    order: { run: 7, generation: 3, startMs: 1_794_000_000_001 },
  },
  counts: {
    kind: 'tally',
    id: 't',
    run: 7,
    round: 2,
    partition: 4,
    tally: { kind: 'counts', counts: COUNTS },
  },
  'what was taken': {
    kind: 'tally',
    id: 't',
    run: 7,
    round: 9,
    partition: 4,
    tally: { kind: 'taken', candidates: 100, taken: 20 },
  },
  'a cut that goes on': {
    kind: 'cut',
    id: 'c',
    run: 7,
    round: 3,
    cut: { thresholds: THRESHOLD, next: { digits: 2, prefix: THRESHOLD } },
  },
  'the last cut': {
    kind: 'cut',
    id: 'c',
    run: 7,
    round: 3,
    cut: { thresholds: Uint32Array.of(...THRESHOLD, ...THRESHOLD), next: null },
  },
}

it.each(Object.entries(MESSAGES))('%s comes back as it was sent', (_, message) => {
  expect(decodeControl(encodeErrand(message))).toEqual(message)
})

describe('what is not whole is refused by name', () => {
  const cases: readonly [string, keyof typeof MESSAGES, Record<string, unknown>, string][] = [
    ['an order without its start', 'an order', { start: undefined }, 'missing-field'],
    ['an order without its number', 'an order', { run: undefined }, 'missing-field'],
    ['a version of 0', 'a request', { version: 0 }, 'out-of-range'],
    ['a segment with a dot', 'a request', { segment: 'seed.previous' }, 'unknown-name'],
    ['a tally of nothing', 'counts', { counts: undefined }, 'missing-field'],
    ['a tally of both', 'counts', { candidates: 1, taken: 1 }, 'missing-field'],
    ['a tally with a word too few', 'counts', { counts: new Uint8Array(4 * 4095) }, 'out-of-range'],
    ['counts that are text', 'counts', { counts: 'many' }, 'bad-type'],
    ['half a threshold', 'the last cut', { thresholds: new Uint8Array(24) }, 'out-of-range'],
    ['too many thresholds', 'the last cut', { thresholds: new Uint8Array(340) }, 'out-of-range'],
    ['digits without a prefix', 'a cut that goes on', { prefix: undefined }, 'missing-field'],
    ['a cut with counts', 'the last cut', { counts: new Uint8Array(4 * 4096) }, 'unknown-name'],
  ]
  it.each(cases)('%s', (_, name, change, reason) => {
    const wire = decode(encodeErrand(MESSAGES[name]!)) as Record<string, unknown>
    const data = encode({ ...wire, ...change }, { ignoreUndefined: true })
    let reject: unknown = null
    try {
      decodeControl(data)
    } catch (error) {
      reject = error
    }
    expect(reject).toBeInstanceOf(RejectError)
    expect((reject as RejectError).reject.reason).toBe(reason)
  })
})
