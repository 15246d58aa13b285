import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWatchApp } from '../../../src/http/watch-app.ts'
import { createFakeWatch } from '../../support/watch-view.ts'

const metrics = { contentType: 'text/plain', render: async () => 'up 1\n' }

describe('HTTP of the watch', () => {
  const app = createWatchApp(createFakeWatch(), metrics, {})

  beforeAll(async () => {
    await app.ready()
  })
  afterAll(() => app.close())

  const get = (url: string) => app.inject({ method: 'GET', url })

  test('statistics come as JSON, and as a table that is downloaded', async () => {
    const json = await get('/v1/statistics?by=trigger')
    expect(json.json().groups[0]).toMatchObject({ counts: { decided: 7 } })
    const csv = await get('/v1/statistics?by=trigger&format=csv')
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(csv.headers['content-disposition']).toContain('attachment')
    expect(csv.body).toContain('"data-pack",7')
  })

  test.each([
    ['/v1/statistics?by=nonsense', 400],
    ['/v1/statistics?format=xml', 400],
    [`/v1/statistics?by=${'a'.repeat(65)}`, 400],
    ['/v1/statistics?subscriber=1', 200],
    ['/v1/verdicts?from=yesterday', 400],
    ['/v1/verdicts', 200],
    ['/v1/nothing', 404],
    ['/-/ready', 200],
    ['/-/healthy', 200],
    ['/metrics', 200],
  ])('%s answers %i', async (url, statusCode) => {
    const answer = await get(url)
    expect(answer.statusCode).toBe(statusCode)
    if (statusCode >= 400) expect(answer.json()).toHaveProperty('error.code')
  })

  test('nothing here can be written', async () => {
    const answer = await app.inject({ method: 'POST', url: '/v1/statistics' })
    expect(answer.statusCode).toBe(405)
    expect(answer.headers.allow).toContain('GET')
  })

  test('while it folds or waits it is not ready, and says why', async () => {
    const view = { ...createFakeWatch(), isReady: () => false }
    const waiting = createWatchApp({ ...view, failure: () => 'HW_BROKER_UNAVAILABLE' }, metrics, {})
    const answer = await waiting.inject({ method: 'GET', url: '/-/ready' })
    expect(answer.statusCode).toBe(503)
    expect(answer.json().error.message).toBe('It waits: HW_BROKER_UNAVAILABLE.')
    await waiting.close()
  })
})
