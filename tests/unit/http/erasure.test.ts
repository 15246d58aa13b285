import pino from 'pino'
import { expect, test } from 'vitest'
import { BrokerUnavailableError, StreamFullError } from '../../../src/errors.ts'
import { createApp } from '../../../src/http/app.ts'
import type { AuditEntry } from '../../../src/model/audit.ts'
import type { EraseSubscribers } from '../../../src/model/erasure.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

const METRICS = { contentType: 'text/plain; version=0.0.4', render: async () => 'up 1\n' }
const SUBSCRIBER = 138_001_234_567_890
const URL = `/v1/subscribers/${SUBSCRIBER}`

function createTestApp(erase?: EraseSubscribers, token: string | null = null) {
  const asked: number[] = []
  const entries: AuditEntry[] = []
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const storing: EraseSubscribers = async (subscribers) => {
    asked.push(...subscribers)
    return [{ id: 'erase-1', partition: 2, sequence: 77, count: subscribers.length }]
  }
  const app = createApp(createFakeWorker(1).view, METRICS, {
    token,
    logger,
    audit: { record: (entry) => void entries.push(entry) },
    erase: erase ?? storing,
  })
  return { app, asked, entries, lines }
}

test('an erasure is accepted once it stands in the log, and the audit names its id', async () => {
  const { app, asked, entries, lines } = createTestApp()
  const response = await app.inject({ method: 'DELETE', url: URL })
  expect(response.statusCode).toBe(202)
  expect(response.json()).toEqual({ id: 'erase-1', partition: 2, sequence: 77, count: 1 })
  expect(asked).toEqual([SUBSCRIBER])
  expect(entries).toMatchObject([
    { operation: 'DELETE /v1/subscribers/:id', outcome: 'stored erase-1' },
  ])
  expect([...lines, JSON.stringify(entries)].join('\n')).not.toContain(String(SUBSCRIBER))
})

test('it takes the token, also on this machine', async () => {
  const { app, asked } = createTestApp(undefined, 'secret')
  const headers = { authorization: 'Bearer wrong' }
  expect((await app.inject({ method: 'DELETE', url: URL })).statusCode).toBe(401)
  expect((await app.inject({ method: 'DELETE', url: URL, headers })).statusCode).toBe(401)
  const remoteAddress = '192.0.2.7'
  const open = createTestApp()
  expect((await open.app.inject({ method: 'DELETE', url: URL, remoteAddress })).statusCode).toBe(
    403,
  )
  expect([...asked, ...open.asked]).toEqual([])
  const right = { authorization: 'Bearer secret' }
  const accepted = await app.inject({ method: 'DELETE', url: URL, headers: right, remoteAddress })
  expect(accepted.statusCode).toBe(202)
})

test.each([
  [new StreamFullError('IN_2 is full'), 503, 'HW_STREAM_FULL'],
  [new BrokerUnavailableError('no answer'), 503, 'HW_BROKER_UNAVAILABLE'],
  [new Error(`oops ${SUBSCRIBER}`), 500, 'HW_HTTP_INTERNAL'],
])('what the log did not take is an error: %s', async (error, statusCode, code) => {
  const { app, lines } = createTestApp(async () => {
    throw error
  })
  const response = await app.inject({ method: 'DELETE', url: URL })
  expect(response.statusCode).toBe(statusCode)
  expect(response.json().error.code).toBe(code)
  expect(response.body + lines.join('\n')).not.toContain(String(SUBSCRIBER))
})

test.each(['/v1/subscribers/0', '/v1/subscribers/12a', '/v1/subscribers/1380012345678901'])(
  'DELETE %s names no subscriber',
  async (url) => {
    const { app, asked } = createTestApp()
    expect((await app.inject({ method: 'DELETE', url })).statusCode).toBe(400)
    expect(asked).toEqual([])
  },
)

test('a worker without a way into the log says so', async () => {
  const app = createApp(createFakeWorker(1).view, METRICS, { token: null })
  expect((await app.inject({ method: 'DELETE', url: URL })).statusCode).toBe(503)
})
