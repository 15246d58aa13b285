import { decode, encode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import { decodeControl } from '../../../src/decode/control.ts'
import type { ControlMessage } from '../../../src/model/messages.ts'
import { RejectError } from '../../../src/model/reject.ts'
import { encodeErrand } from '../../../src/probe/encode-errand.ts'

const ASK = {
  kind: 'ask',
  id: 'a',
  partition: 3,
  channel: 'sms-bulk',
  period: '2026-11-20T13',
  class: null,
  total: 47,
} as const
const GRANT = {
  kind: 'grant',
  id: 'g',
  channel: 'sms-bulk',
  period: '2026-11-20',
  class: 'service',
  total: 40,
  asked: 47,
  left: 0,
} as const

const MESSAGES: Readonly<Record<string, ControlMessage>> = {
  'an ask': ASK,
  'an ask for a class': { ...ASK, class: 'service' },
  'a grant': { ...GRANT, class: null },
  'a grant for a class': GRANT,
}

describe('control messages of capacity', () => {
  for (const [name, message] of Object.entries(MESSAGES)) {
    it(`reads ${name} as it was encoded`, () => {
      expect(decodeControl(encodeErrand(message))).toEqual(message)
    })
  }

  for (const key of ['partition', 'channel', 'period', 'total']) {
    it(`refuses an ask without ${key}`, () => {
      const wire = decode(encodeErrand(ASK)) as Record<string, unknown>
      delete wire[key]
      expect(reasonOf(encode(wire))).toBe('missing-field')
    })
  }

  it('refuses a grant that says who asked', () => {
    const wire = decode(encodeErrand(GRANT)) as Record<string, unknown>
    expect(reasonOf(encode({ ...wire, partition: 1 }))).toBe('unknown-name')
  })

  for (const period of ['2026-11', '2026-11-20T24', '2026-13-01', '2026-11-20T13:00', 'ever']) {
    it(`refuses the period ${period}`, () => {
      const wire = decode(encodeErrand(ASK)) as Record<string, unknown>
      expect(reasonOf(encode({ ...wire, period }))).toBe('malformed')
    })
  }

  it('refuses half a delivery', () => {
    const wire = decode(encodeErrand(ASK)) as Record<string, unknown>
    expect(reasonOf(encode({ ...wire, total: 1.5 }))).toBe('not-whole')
  })
})

function reasonOf(data: Uint8Array): string {
  try {
    decodeControl(data)
  } catch (error) {
    if (error instanceof RejectError) return error.reject.reason
    throw error
  }
  return 'none'
}
