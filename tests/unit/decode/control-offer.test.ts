import { encode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import { decodeControl } from '../../../src/decode/control.ts'
import { RejectError } from '../../../src/model/reject.ts'
import { encodeAccept, encodeShown } from '../../../src/probe/encode.ts'

const ACCEPT = { id: 'a1', subscriber: 13_800_000_001, trigger: 'pack', channel: 'hotline' }
const ROW = { sub: 7, trigger: 'pack', channel: 'hotline', place: 1 }

describe('control messages of offers on request', () => {
  it('reads what was shown as it was written', () => {
    const rows = [1, 2, 3].map((place) => ({ ...ACCEPT, id: undefined, place }))
    const shown = { id: 's', rows: rows.map(({ id: _, ...row }) => row) }
    expect(decodeControl(encodeShown(shown))).toEqual({ kind: 'shown', ...shown })
  })

  it('reads an acceptance as it was written', () => {
    expect(decodeControl(encodeAccept(ACCEPT))).toEqual({ kind: 'accept', ...ACCEPT })
  })

  it.each([
    ['missing-field', 'rows', {}],
    ['out-of-range', 'rows', { rows: [] }],
    ['oversized', 'rows', { rows: Array.from({ length: 501 }, () => ROW) }],
    ['bad-type', 'rows', { rows: ROW }],
    ['unknown-name', 'trigger', { rows: [ROW], trigger: 'pack' }],
    ['out-of-range', 'rows[1].place', { rows: [ROW, { ...ROW, place: 4 }] }],
    ['out-of-range', 'rows[0].place', { rows: [{ ...ROW, place: 0 }] }],
    ['out-of-range', 'rows[0].sub', { rows: [{ ...ROW, sub: 0 }] }],
    ['malformed', 'rows[0].trigger', { rows: [{ ...ROW, trigger: 'a b' }] }],
    ['missing-field', 'rows[0].channel', { rows: [{ sub: 7, trigger: 'pack', place: 1 }] }],
    ['unknown-name', 'rows[0]', { rows: [{ ...ROW, id: 'x' }] }],
  ])('refuses a shown: %s at %s', (reason, position, keys) => {
    expect(rejectOf({ v: 1, kind: 'shown', id: 's', ...keys })).toEqual({ reason, position })
  })

  it.each([
    ['missing-field', 'sub', { trigger: 'pack', channel: 'hotline' }],
    ['missing-field', 'trigger', { sub: 7, channel: 'hotline' }],
    ['missing-field', 'channel', { sub: 7, trigger: 'pack' }],
    ['unknown-name', 'rows', { sub: 7, trigger: 'pack', channel: 'hotline', rows: [ROW] }],
    ['unknown-name', 'class', { sub: 7, trigger: 'pack', channel: 'hotline', class: 'legal' }],
  ])('refuses an acceptance: %s at %s', (reason, position, keys) => {
    expect(rejectOf({ v: 1, kind: 'accept', id: 'a', ...keys })).toEqual({ reason, position })
  })
})

function rejectOf(wire: Record<string, unknown>) {
  try {
    decodeControl(encode(wire))
  } catch (error) {
    expect(error).toBeInstanceOf(RejectError)
    const { reason, position } = (error as RejectError).reject
    return { reason, position }
  }
  return null
}
