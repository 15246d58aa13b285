import { describe, expect, test } from 'vitest'
import { createAddressRules } from '../../../src/webhook/address-rules.ts'
import { CircuitBreaker } from '../../../src/webhook/circuit-breaker.ts'
import { signatureOf, webhookBody, webhookHeaders } from '../../../src/webhook/request.ts'
import { parseRetryAfter, retryWaitMs } from '../../../src/webhook/retry.ts'
import { deliveryOf } from '../../support/gateway-world.ts'

describe('addresses', () => {
  const open = createAddressRules('public')

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1%eth0',
    'fc00::1',
    'ff02::1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    'no address',
    '',
  ])('of no public network are refused: %s', (address) => {
    expect(open.isAllowed(address)).toBe(false)
  })

  test.each(['8.8.8.8', '172.32.0.1', '2606:4700::1', '::ffff:8.8.8.8'])(
    'of the public internet are allowed: %s',
    (address) => {
      expect(open.isAllowed(address)).toBe(true)
    },
  )

  test('a list allows its networks and nothing else', () => {
    const rules = createAddressRules(['10.1.0.0/16', '192.0.2.7', 'fd00::/8'])
    const allowed = ['10.1.2.3', '192.0.2.7', 'fd12::1', '::ffff:10.1.0.1']
    const refused = ['10.2.0.1', '192.0.2.8', '8.8.8.8', 'fe80::1']
    expect(allowed.filter((address) => !rules.isAllowed(address))).toEqual([])
    expect(refused.filter((address) => rules.isAllowed(address))).toEqual([])
  })
})

describe('the circuit', () => {
  const settings = { failuresMax: 3, openMs: 100, openMaxMs: 350 }

  test('opens after failures in a row, and only then', () => {
    const breaker = new CircuitBreaker(settings)
    for (const isGood of [false, false, true, false, false]) {
      if (isGood) breaker.succeed()
      else breaker.fail(0)
    }
    expect(breaker.state).toBe('closed')
    breaker.fail(0)
    expect(breaker.state).toBe('open')
    expect(breaker.take(99)).toBe(false)
    expect(breaker.waitMs(40)).toBe(60)
  })

  test('lets one try when its time is over; its answer decides', () => {
    const breaker = new CircuitBreaker(settings)
    for (let i = 0; i < 3; i++) breaker.fail(0)
    expect([breaker.take(100), breaker.take(100)]).toEqual([true, false])
    breaker.fail(150)
    expect([breaker.take(349), breaker.take(350)]).toEqual([false, true])
    breaker.succeed()
    expect([breaker.state, breaker.take(351), breaker.take(351)]).toEqual(['closed', true, true])
    expect(breaker.openCount).toBe(2)
  })

  test('stays open for longer each time, up to its most; late failures do not count', () => {
    const breaker = new CircuitBreaker(settings)
    for (let i = 0; i < 5; i++) breaker.fail(0)
    expect(breaker.waitMs(0)).toBe(100)
    let nowMs = 100
    for (const openMs of [200, 350, 350]) {
      expect(breaker.take(nowMs)).toBe(true)
      breaker.fail(nowMs)
      expect(breaker.waitMs(nowMs)).toBe(openMs)
      nowMs += openMs
    }
  })
})

describe('trying again', () => {
  const settings = { minMs: 100, maxMs: 1_000, retryAfterMaxMs: 5_000 }

  test('waits twice as long each time, half of it jitter', () => {
    const waits = [0, 1, 2, 3, 4, 60].map((attempt) => retryWaitMs(attempt, settings, 0.999, null))
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000])
    expect(retryWaitMs(1, settings, 0, null)).toBe(100)
  })

  test('waits as long as it is asked to, within bounds', () => {
    expect(retryWaitMs(0, settings, 0, 2_000)).toBe(2_000)
    expect(retryWaitMs(0, settings, 0, 90_000)).toBe(5_000)
    expect(retryWaitMs(3, settings, 0.999, 1)).toBe(800)
  })

  test('understands both forms of Retry-After and no other', () => {
    const nowMs = Date.UTC(2026, 10, 20, 4)
    expect(parseRetryAfter('120', nowMs)).toBe(120_000)
    expect(parseRetryAfter('Fri, 20 Nov 2026 04:01:00 GMT', nowMs)).toBe(60_000)
    expect(parseRetryAfter('Fri, 20 Nov 2026 03:00:00 GMT', nowMs)).toBe(0)
    for (const text of [undefined, '', '-5', '1e9', 'soon', '99999999999', '2026-11-20']) {
      expect(parseRetryAfter(text, nowMs)).toBeNull()
    }
  })
})

describe('a request', () => {
  const delivery = deliveryOf(7, { message: 'Grüße', purpose: 'test', isCanary: true })

  test('says what OUT says, and nothing that it does not', () => {
    const body = JSON.parse(webhookBody(delivery).toString()) as Record<string, unknown>
    expect(body).toMatchObject({ id: delivery.id, message: 'Grüße', canary: true, segments: 1 })
    expect(body.notAfter).toBe('2026-11-20T05:00:00.000Z')
    expect(Object.keys(body)).not.toContain('action')
    const credit = { kind: 'credit', amount: 2, unit: 'yuan' } as const
    const action = JSON.parse(
      webhookBody({ ...delivery, message: null, action: credit }).toString(),
    )
    expect(action.action).toEqual(credit)
    expect(Object.keys(action)).not.toContain('message')
  })

  test('is signed over time and body; its length is in bytes', () => {
    const body = webhookBody(delivery)
    const headers = webhookHeaders(delivery.id, body, 'hush', 1_795_000_000_999)
    expect(headers['highwater-timestamp']).toBe('1795000000')
    expect(headers['idempotency-key']).toBe(delivery.id)
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)))
    const signature = headers['highwater-signature']
    expect(signature).toBe(signatureOf('hush', '1795000000', body))
    expect(signature).not.toBe(signatureOf('hush', '1795000001', body))
    expect(signature).not.toBe(signatureOf('other', '1795000000', body))
    expect(webhookHeaders('a', body, null, 0)).not.toHaveProperty('highwater-signature')
  })

  test('the signature is the HMAC that anybody computes', () => {
    // printf '1.{}' | openssl dgst -sha256 -hmac key
    const digest = '1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224'
    expect(signatureOf('key', '1', Buffer.from('{}'))).toBe(`v1=${digest}`)
  })
})
