import { encode } from '@msgpack/msgpack'
import { expect, it } from 'vitest'
import { decodeControl } from '../../../src/decode/control.ts'
import { RejectError } from '../../../src/model/reject.ts'
import { encodeCancel } from '../../../src/probe/encode.ts'

it.each([
  { trigger: 'data-pack', channel: null, subscriber: null },
  { trigger: null, channel: 'sms', subscriber: null },
  { trigger: null, channel: null, subscriber: 13_800_000_001 },
  { trigger: 'data-pack', channel: 'sms', subscriber: 7 },
])('a cancellation is read as it was written: %o', (meant) => {
  const message = { id: 'x', ...meant }
  expect(decodeControl(encodeCancel(message))).toEqual({ kind: 'cancel', ...message })
})

it.each([
  ['missing-field', {}],
  ['unknown-name', { trigger: 'a', subs: [1] }],
  ['unknown-name', { trigger: 'a', generation: 1 }],
  ['malformed', { trigger: 'a b' }],
  ['malformed', { channel: '' }],
  ['bad-type', { trigger: null }],
])('%s: %o', (reason, keys) => {
  const data = encode({ v: 1, kind: 'cancel', id: 'x', ...keys })
  let found: unknown
  try {
    decodeControl(data)
  } catch (error) {
    found = error
  }
  expect(found).toBeInstanceOf(RejectError)
  expect((found as RejectError).reject.reason).toBe(reason)
})
