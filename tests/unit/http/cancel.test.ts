import pino from 'pino'
import { expect, test } from 'vitest'
import { BrokerUnavailableError, StreamFullError } from '../../../src/errors.ts'
import { createApp } from '../../../src/http/app.ts'
import type { AuditEntry } from '../../../src/model/audit.ts'
import type { CancelDeliveries, CancelRequest } from '../../../src/model/cancellation.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

const METRICS = { contentType: 'text/plain; version=0.0.4', render: async () => 'up 1\n' }
const SUBSCRIBER = 138_001_234_567_890

function createTestApp(cancel?: CancelDeliveries | null, token: string | null = null) {
  const asked: CancelRequest[] = []
  const entries: AuditEntry[] = []
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const storing: CancelDeliveries = async (request) => {
    asked.push(request)
    return [{ id: 'cancel-a', partition: 0, sequence: 7 }]
  }
  const app = createApp(createFakeWorker(1).view, METRICS, {
    token,
    logger,
    audit: { record: (entry) => void entries.push(entry) },
    ...(cancel === null ? {} : { cancel: cancel ?? storing }),
  })
  return { app, asked, entries, lines }
}

const post = (query: string) => ({ method: 'POST' as const, url: `/-/cancel${query}` })

test('a cancellation is accepted once it stands in the log, and the audit names its id', async () => {
  const { app, asked, entries, lines } = createTestApp()
  const response = await app.inject(post(`?trigger=data-pack&subscriber=${SUBSCRIBER}`))
  expect(response.statusCode).toBe(202)
  expect(response.json()).toEqual({
    cancellations: [{ id: 'cancel-a', partition: 0, sequence: 7 }],
  })
  expect(asked).toEqual([{ trigger: 'data-pack', channel: null, subscriber: SUBSCRIBER }])
  expect(entries).toMatchObject([{ operation: 'POST /-/cancel', outcome: 'stored cancel-a' }])
  expect([...lines, JSON.stringify(entries)].join('\n')).not.toContain(String(SUBSCRIBER))
})

test('it says what is meant, and takes the token', async () => {
  const { app, asked } = createTestApp()
  expect((await app.inject(post(''))).statusCode).toBe(400)
  expect((await app.inject(post('?subscriber=0'))).statusCode).toBe(400)
  expect((await app.inject(post('?subscriber=x'))).statusCode).toBe(400)
  const guarded = createTestApp(undefined, 'secret')
  expect((await guarded.app.inject(post('?channel=sms'))).statusCode).toBe(401)
  const headers = { authorization: 'Bearer secret' }
  const accepted = await guarded.app.inject({ ...post('?channel=sms'), headers })
  expect(accepted.statusCode).toBe(202)
  expect(asked).toEqual([])
  expect(guarded.asked).toEqual([{ trigger: null, channel: 'sms', subscriber: null }])
})

test.each([
  [new StreamFullError('IN_2 is full'), 503, 'HW_STREAM_FULL'],
  [new BrokerUnavailableError('no answer'), 503, 'HW_BROKER_UNAVAILABLE'],
])('what the log did not take is an error: %s', async (error, statusCode, code) => {
  const { app } = createTestApp(() => Promise.reject(error))
  const response = await app.inject(post('?channel=sms'))
  expect([response.statusCode, response.json().error.code]).toEqual([statusCode, code])
})

test('a worker without a way into the log says so', async () => {
  const response = await createTestApp(null).app.inject(post('?channel=sms'))
  expect([response.statusCode, response.json().error.code]).toEqual([503, 'HW_NOT_READY'])
})
