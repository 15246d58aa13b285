import { describe, expect, it } from 'vitest'
import { StreamFullError } from '../../../src/errors.ts'
import { createApp } from '../../../src/http/app.ts'
import type { AuditEntry } from '../../../src/model/audit.ts'
import type { SelectSegment } from '../../../src/model/selection.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

const TOKEN = 'a-token-of-the-test-0123456789'

function appWith(select?: SelectSegment) {
  const metrics = { contentType: 'text/plain', render: async () => '' }
  const entries: AuditEntry[] = []
  const audit = { record: (entry: AuditEntry) => void entries.push(entry) }
  const options = { token: TOKEN, audit, ...(select && { select }) }
  return { app: createApp(createFakeWorker(1).view, metrics, options), entries }
}

const bearer = { authorization: `Bearer ${TOKEN}` }
const post = (app: ReturnType<typeof appWith>['app'], query: string, headers = bearer) =>
  app.inject({ method: 'POST', url: `/v1/segments/seed/select${query}`, headers })

it('segments are shown as each partition knows them', async () => {
  const { app } = appWith()
  const { segments } = (await app.inject('/v1/segments')).json()
  expect(segments[0]).toMatchObject({
    partition: 0,
    segment: 'seed',
    phase: 'idle',
    version: 20_261_110,
    last: { taken: 8_000, lowestScore: 2.5 },
    total: { taken: 16_000 },
    awaited: [],
  })
})

describe('a request to select', () => {
  const select: SelectSegment = (segment, version) =>
    Promise.resolve({ id: 'select-a', segment, version, sequence: 7 })

  it('answers 202 once it stands in the log, and leaves a line in the audit', async () => {
    const { app, entries } = appWith(select)
    const response = await post(app, '?version=20261115')
    expect(response.statusCode).toBe(202)
    const receipt = { id: 'select-a', segment: 'seed', version: 20_261_115, sequence: 7 }
    expect(response.json()).toEqual(receipt)
    expect(entries).toMatchObject([
      { operation: 'POST /v1/segments/:name/select', outcome: 'stored select-a' },
    ])
  })

  it.each([
    ['without a version', ''],
    ['with version 0', '?version=0'],
    ['with a version that no tag can have', '?version=2147483648'],
    ['with a version that is no number', '?version=today'],
  ])('%s is refused', async (_, query) => {
    const { app } = appWith(select)
    expect((await post(app, query)).statusCode).toBe(400)
  })

  it('takes the token', async () => {
    const { app } = appWith(select)
    const response = await post(app, '?version=1', { authorization: 'Bearer another' })
    expect(response.statusCode).toBe(401)
  })

  it('answers 503 where there is no way into the log, or it is full', async () => {
    expect((await post(appWith().app, '?version=1')).statusCode).toBe(503)
    const full = appWith(() => Promise.reject(new StreamFullError('IN_0 is full')))
    expect((await post(full.app, '?version=1')).statusCode).toBe(503)
  })
})
