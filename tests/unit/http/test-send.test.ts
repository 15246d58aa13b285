import pino from 'pino'
import { expect, test } from 'vitest'
import { StreamFullError } from '../../../src/errors.ts'
import { createApp } from '../../../src/http/app.ts'
import type { AuditEntry } from '../../../src/model/audit.ts'
import type { SendTest, TestSendRequest } from '../../../src/model/test-send.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

const METRICS = { contentType: 'text/plain; version=0.0.4', render: async () => 'up 1\n' }
const TESTER = 138_001_234_567_890
const RECEIPT = { id: 'test-a', partition: 0, sequence: 7 }

function createTestApp(send?: SendTest | null, token: string | null = null) {
  const asked: TestSendRequest[] = []
  const entries: AuditEntry[] = []
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const storing: SendTest = async (request) => {
    asked.push(request)
    return RECEIPT
  }
  const app = createApp(createFakeWorker(1).view, METRICS, {
    token,
    logger,
    audit: { record: (entry) => void entries.push(entry) },
    ...(send === null ? {} : { sendTest: send ?? storing }),
  })
  return { app, asked, entries, lines }
}

const post = (id: string, query = `?subscriber=${TESTER}`) => ({
  method: 'POST' as const,
  url: `/v1/triggers/${id}/test${query}`,
})

test('a test send is accepted once it stands in the log, and the audit names its id', async () => {
  const { app, asked, entries, lines } = createTestApp()
  const response = await app.inject(post('data-pack'))
  expect([response.statusCode, response.json()]).toEqual([202, RECEIPT])
  expect(asked).toEqual([{ trigger: 'data-pack', subscriber: TESTER }])
  expect(entries).toMatchObject([
    { operation: 'POST /v1/triggers/:trigger/test', outcome: 'stored test-a' },
  ])
  expect([...lines, JSON.stringify(entries)].join('\n')).not.toContain(String(TESTER))
})

test('it names a trigger that there is and one subscriber, and takes the token', async () => {
  const { app, asked } = createTestApp()
  const unknown = await app.inject(post('data-pakc'))
  expect([unknown.statusCode, unknown.json().error]).toEqual([
    404,
    { code: 'HW_TRIGGER_UNKNOWN', message: expect.stringContaining('did you mean "data-pack"?') },
  ])
  for (const query of ['', '?subscriber=0', '?subscriber=x']) {
    expect((await app.inject(post('data-pack', query))).statusCode).toBe(400)
  }
  const guarded = createTestApp(undefined, 'secret')
  expect((await guarded.app.inject(post('data-pack'))).statusCode).toBe(401)
  const headers = { authorization: 'Bearer secret' }
  expect((await guarded.app.inject({ ...post('data-pack'), headers })).statusCode).toBe(202)
  expect([asked, guarded.asked.length]).toEqual([[], 1])
})

test('what the log did not take is an error, as is a worker without a way into it', async () => {
  const full = createTestApp(() => Promise.reject(new StreamFullError('IN_2 is full')))
  const refused = await full.app.inject(post('data-pack'))
  expect([refused.statusCode, refused.json().error.code]).toEqual([503, 'HW_STREAM_FULL'])
  const response = await createTestApp(null).app.inject(post('data-pack'))
  expect([response.statusCode, response.json().error.code]).toEqual([503, 'HW_NOT_READY'])
})
