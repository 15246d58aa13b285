import { encode } from '@msgpack/msgpack'
import { expect, it } from 'vitest'
import { decodeControl } from '../../../src/decode/control.ts'
import { RejectError } from '../../../src/model/reject.ts'
import { encodeNotice, encodeTest } from '../../../src/probe/encode.ts'

it('a test send is read as it was written', () => {
  const message = { id: 'test-abc', trigger: 'data-pack', subscriber: 13_800_000_001 }
  expect(decodeControl(encodeTest(message))).toEqual({ kind: 'test', ...message })
})

it('a notice is read as it was written', () => {
  const text = { channel: 'sms', message: '流'.repeat(1000), class: 'legal' }
  const message = { id: 'report-1', subscriber: 7, ...text }
  expect(decodeControl(encodeNotice(message))).toEqual({ kind: 'notice', ...message })
})

it('a notice without a class is of service', () => {
  const data = encode({ v: 1, kind: 'notice', id: 'x', sub: 7, channel: 'sms', message: 'a\nb' })
  expect(decodeControl(data)).toMatchObject({ kind: 'notice', class: 'service', message: 'a\nb' })
})

const TEST = { kind: 'test', id: 'x', sub: 1, trigger: 'a' }
const NOTICE = { kind: 'notice', id: 'x', sub: 1, channel: 'sms', message: 'Hello' }

it.each([
  ['missing-field', { ...TEST, sub: undefined }],
  ['missing-field', { ...TEST, trigger: undefined }],
  ['unknown-name', { ...TEST, channel: 'sms' }],
  ['unknown-name', { ...TEST, message: 'Hello' }],
  ['unknown-name', { ...TEST, text: 'Hello' }],
  ['malformed', { ...TEST, id: 'a:b' }],
  ['malformed', { ...TEST, id: 'a.b' }],
  ['negative', { ...TEST, sub: -1 }],
  ['missing-field', { ...NOTICE, sub: undefined }],
  ['missing-field', { ...NOTICE, channel: undefined }],
  ['missing-field', { ...NOTICE, message: undefined }],
  ['unknown-name', { ...NOTICE, trigger: 'a' }],
  ['malformed', { ...NOTICE, message: ' \n' }],
  ['malformed', { ...NOTICE, message: 'a\u0000b' }],
  ['malformed', { ...NOTICE, message: 'a\rb' }],
  ['oversized', { ...NOTICE, message: 'x'.repeat(1001) }],
  ['oversized', { ...NOTICE, message: '流'.repeat(1001) }],
  ['bad-type', { ...NOTICE, message: 5 }],
  ['malformed', { ...NOTICE, id: 'é' }],
])('%s: %o', (reason, keys) => {
  const data = encode({ v: 1, ...keys }, { ignoreUndefined: true })
  let found: unknown
  try {
    decodeControl(data)
  } catch (error) {
    found = error
  }
  expect(found).toBeInstanceOf(RejectError)
  expect((found as RejectError).reject.reason).toBe(reason)
})

it('a key twice is refused, also beyond the thirty-second', () => {
  const data = encode({ v: 1, ...NOTICE })
  const last = encode('message')
  const text = encode('Hello')
  const twice = new Uint8Array([...data, ...last, ...text])
  twice[0]! += 1
  expect(() => decodeControl(twice)).toThrow(/key message twice/)
})
