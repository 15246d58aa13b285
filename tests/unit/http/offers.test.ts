import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { createApp } from '../../../src/http/app.ts'
import type { AuditEntry } from '../../../src/model/audit.ts'
import type {
  AcceptAnswer,
  AcceptRequest,
  OfferAnswer,
  OfferQuestion,
} from '../../../src/model/offer.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

const METRICS = { contentType: 'text/plain; version=0.0.4', render: async () => 'up 1\n' }
const SUBSCRIBER = 138_001_234_567_890
const OFFERS = `/v1/subscribers/${SUBSCRIBER}/offers`
const ACCEPT = `${OFFERS}/pack/accept?channel=hotline`
const PLACE = { partition: 3, position: 70_211 }
const OFFER = { trigger: 'pack', place: 1, message: 'Hello', value: 12, layer: null }
const CREDIT = { kind: 'credit', amount: 2, unit: 'yuan' } as const

interface Told {
  readonly answer?: OfferAnswer
  readonly accepting?: AcceptAnswer
  readonly token?: string
}

function createTestApp({ answer, accepting, token }: Told = {}) {
  const asked: OfferQuestion[] = []
  const accepted: AcceptRequest[] = []
  const durations: number[] = []
  const entries: AuditEntry[] = []
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const app = createApp(createFakeWorker(1).view, METRICS, {
    token: token ?? null,
    logger,
    audit: { record: (entry) => void entries.push(entry) },
    offers: {
      ask: (question) => {
        asked.push(question)
        return answer ?? { kind: 'offers', ...PLACE, offers: [], refusals: [] }
      },
      accept: async (request) => {
        accepted.push(request)
        return accepting ?? { kind: 'accepted', id: 'pack:1:ever:1', ...PLACE }
      },
      noteDuration: (durationMs) => void durations.push(durationMs),
    },
  })
  return { app, asked, accepted, durations, entries, lines }
}

describe('offers', () => {
  test('are answered with their place in the log, and how long it took is noted', async () => {
    const offers = [
      { ...OFFER, validUntilMs: null, action: null },
      { ...OFFER, trigger: 'gift', place: 3, validUntilMs: 9, action: CREDIT },
    ]
    const { app, asked, durations, lines } = createTestApp({
      answer: { kind: 'offers', ...PLACE, offers, refusals: [] },
    })
    const response = await app.inject(`${OFFERS}?channel=hotline`)
    expect(response.json()).toEqual({
      offers: [OFFER, { ...OFFER, trigger: 'gift', place: 3, validUntilMs: 9, action: CREDIT }],
      ...PLACE,
    })
    expect(asked).toEqual([
      { subscriber: SUBSCRIBER, channel: 'hotline', limit: 3, isExplaining: false },
    ])
    expect(durations).toHaveLength(1)
    expect(lines.join('\n')).not.toContain(String(SUBSCRIBER))
  })

  test('say why not only where somebody looks', async () => {
    const check = { step: 'caps', verdict: 'stops', text: 'all: 1 per day', values: { used: 1 } }
    const refusals = [{ trigger: 'gift', check: check as never }]
    const { app, asked } = createTestApp({
      answer: { kind: 'offers', ...PLACE, offers: [], refusals },
    })
    const plain = await app.inject(`${OFFERS}?channel=hotline&limit=1`)
    expect(plain.json()).toEqual({ offers: [], ...PLACE })
    const looked = await app.inject(`${OFFERS}?channel=hotline&why=true`)
    expect(looked.json()).toEqual({ offers: [], ...PLACE, why: [{ trigger: 'gift', check }] })
    expect(asked.map(({ limit, isExplaining }) => [limit, isExplaining])).toEqual([
      [1, false],
      [3, true],
    ])
  })

  test.each([
    ['without a channel', ''],
    ['with another limit', '?channel=hotline&limit=4'],
    ['with no limit to speak of', '?channel=hotline&limit=0'],
  ])('are not asked for %s', async (_, query) => {
    const { app, asked } = createTestApp()
    expect((await app.inject(`${OFFERS}${query}`)).statusCode).toBe(400)
    expect(asked).toEqual([])
  })

  test.each<[OfferAnswer, number, string, string]>([
    [{ kind: 'not-live', partition: 3 }, 503, 'HW_NOT_READY', 'Partition 3 is not live'],
    [{ kind: 'busy' }, 503, 'HW_OFFERS_BUSY', 'ask again'],
    [{ kind: 'unknown-subscriber' }, 404, 'HW_SUBSCRIBER_UNKNOWN', 'knows this subscriber'],
    [
      { kind: 'unknown-channel', inbound: ['hotline'] },
      404,
      'HW_CHANNEL_UNKNOWN',
      'did you mean "hotline"?',
    ],
  ])('are not to be had: %o', async (answer, statusCode, code, message) => {
    const { app } = createTestApp({ answer })
    const response = await app.inject(`${OFFERS}?channel=hotlin`)
    expect(response.statusCode).toBe(statusCode)
    expect(response.json().error.code).toBe(code)
    expect(response.json().error.message).toContain(message)
  })

  test('and acceptances are for the token or this machine', async () => {
    const { app, accepted, entries } = createTestApp({ token: 'secret' })
    const remoteAddress = '10.0.0.7'
    const get = { url: `${OFFERS}?channel=hotline`, remoteAddress }
    const post = { method: 'POST' as const, url: ACCEPT, remoteAddress }
    const headers = { authorization: 'Bearer secret' }
    expect((await app.inject(get)).statusCode).toBe(401)
    expect((await app.inject({ ...get, headers })).statusCode).toBe(200)
    expect((await app.inject(post)).statusCode).toBe(401)
    expect(accepted).toEqual([])
    expect((await app.inject({ ...post, headers })).statusCode).toBe(200)
    expect((await app.inject({ ...post, remoteAddress: '127.0.0.1' })).statusCode).toBe(200)
    // What customers accept is nothing for the audit; who was not let in is.
    expect(entries).toMatchObject([{ outcome: 'HW_HTTP_UNAUTHORIZED' }])
  })
})

describe('an acceptance', () => {
  test('is answered with the id of the delivery, and handed on with its key', async () => {
    const { app, accepted } = createTestApp()
    const headers = { 'idempotency-key': 'call 8812' }
    const response = await app.inject({ method: 'POST', url: ACCEPT, headers })
    expect(response.json()).toEqual({ id: 'pack:1:ever:1', ...PLACE })
    await app.inject({ method: 'POST', url: ACCEPT })
    const request = { subscriber: SUBSCRIBER, trigger: 'pack', channel: 'hotline' }
    expect(accepted).toEqual([
      { ...request, key: 'call 8812' },
      { ...request, key: null },
    ])
  })

  test.each<[AcceptAnswer, number, Record<string, unknown>]>([
    [
      { kind: 'refused', reason: 'cap-global', detail: 'all: 1 per day', ...PLACE },
      409,
      { reason: 'cap-global', detail: 'all: 1 per day', ...PLACE },
    ],
    [
      { kind: 'held-out', experiment: 'global', ...PLACE },
      409,
      { reason: 'held-out', detail: 'global', ...PLACE },
    ],
    [{ kind: 'gone', ...PLACE }, 409, { reason: 'gone', detail: null, ...PLACE }],
    [{ kind: 'pending', partition: 3 }, 202, { status: 'pending', partition: 3 }],
    [{ kind: 'unknown-offer', offers: ['packs'] }, 404, {}],
    [{ kind: 'unknown-subscriber' }, 404, {}],
    [{ kind: 'not-live', partition: 3 }, 503, {}],
  ])('may come to %o', async (accepting, statusCode, body) => {
    const { app } = createTestApp({ accepting })
    const response = await app.inject({ method: 'POST', url: ACCEPT })
    expect(response.statusCode).toBe(statusCode)
    expect(response.json()).toMatchObject(body)
    if (statusCode >= 400) expect(response.json().error.code).toMatch(/^HW_/)
  })

  test('is nothing for a worker without a desk', async () => {
    const app = createApp(createFakeWorker(1).view, METRICS, { token: null })
    expect((await app.inject({ method: 'POST', url: ACCEPT })).statusCode).toBe(503)
    expect((await app.inject(`${OFFERS}?channel=hotline`)).statusCode).toBe(503)
  })
})

test('offers have a budget of their own', async () => {
  const limits = { writesPerMinute: 1, readsPerMinute: 1, offersPerMinute: 4, connectionsMax: 8 }
  const app = createApp(createFakeWorker(1).view, METRICS, { token: null, limits })
  const codes: number[] = []
  for (let i = 0; i < 3; i++) {
    codes.push((await app.inject(`${OFFERS}?channel=hotline`)).statusCode)
    codes.push((await app.inject({ method: 'POST', url: ACCEPT })).statusCode)
  }
  expect(codes).toEqual([503, 503, 503, 503, 429, 429])
  expect((await app.inject('/v1/triggers')).statusCode).toBe(200)
})
