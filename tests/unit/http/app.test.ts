import type { FastifyInstance, InjectOptions } from 'fastify'
import pino from 'pino'
import { expect, test } from 'vitest'
import { BrokerUnavailableError, StoreError } from '../../../src/errors.ts'
import { createApp } from '../../../src/http/app.ts'
import type { WorkerView } from '../../../src/model/view.ts'
import { WAYS_OUT } from '../../../src/model/ways-out.ts'
import { createFakeExplanation } from '../../support/fake-explanation.ts'
import {
  createFakeSubscriber,
  createFakeWorker,
  FAKE_START_MS,
  FAKE_TRIGGER_IDS,
} from '../../support/worker-view.ts'

const METRICS = { contentType: 'text/plain; version=0.0.4', render: async () => 'up 1\n' }
const SUBSCRIBER = 138_001_234_567_890

function createTestApp(
  worker = createFakeWorker(2),
  options: { token?: string | null; view?: Partial<WorkerView> } = {},
): { app: FastifyInstance; lines: string[] } {
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  worker.subscribers.set(SUBSCRIBER, createFakeSubscriber(SUBSCRIBER))
  const view = { ...worker.view, ...options.view }
  return { app: createApp(view, METRICS, { token: options.token ?? null, logger }), lines }
}

const throwing = (error: Error) => () => {
  throw error
}

test('metrics are served as the registry writes them', async () => {
  const response = await createTestApp().app.inject('/metrics')
  expect(response.statusCode).toBe(200)
  expect(response.headers['content-type']).toBe('text/plain; version=0.0.4')
  expect(response.body).toBe('up 1\n')
})

test('a worker with a halted partition is healthy and not ready, and says which and why', async () => {
  const worker = createFakeWorker(3)
  const { app } = createTestApp(worker)
  expect((await app.inject('/-/ready')).json()).toMatchObject({ status: 'ready' })
  worker.halt(1, 'output-gap')
  worker.partitions[2]!.status = 'recovering'
  const ready = await app.inject('/-/ready')
  expect(ready.statusCode).toBe(503)
  expect(ready.json()).toEqual({
    error: {
      code: 'HW_NOT_READY',
      message: 'Partition 1 is halted: output-gap. Partition 2 is recovering.',
    },
    partitions: [
      {
        partition: 1,
        status: 'halted',
        halt: {
          code: 'HW_PARTITION_HALTED',
          reason: 'output-gap',
          message: 'output-gap: the stream does not hold what the manifest says',
          input: worker.partitions[1]!.appliedSequence + 1,
          waysOut: WAYS_OUT['output-gap'],
        },
      },
      { partition: 2, status: 'recovering', halt: null },
    ],
  })
  expect((await app.inject('/-/healthy')).statusCode).toBe(200)
})

test.each(['recovering', 'draining', 'stopped'] as const)(
  'a partition that is %s makes the worker not ready',
  async (status) => {
    const worker = createFakeWorker(1)
    worker.partitions[0]!.status = status
    expect((await createTestApp(worker).app.inject('/-/ready')).statusCode).toBe(503)
  },
)

test('a worker that only follows is healthy and not ready; beside owned partitions a standby hinders nobody', async () => {
  const worker = createFakeWorker(2)
  const { app } = createTestApp(worker)
  worker.partitions[0]!.status = 'standby'
  expect((await app.inject('/-/ready')).statusCode).toBe(200)
  worker.partitions[1]!.status = 'standby'
  const ready = await app.inject('/-/ready')
  expect(ready.statusCode).toBe(503)
  expect(ready.json().error.message).toBe('Partition 0 is standby. Partition 1 is standby.')
  worker.partitions[0]!.status = 'live'
  worker.partitions[1]!.status = 'recovering'
  const { error } = (await app.inject('/-/ready')).json()
  expect(error.message).toBe('Partition 1 is recovering.')
  expect((await app.inject('/-/healthy')).statusCode).toBe(200)
})

test.each([
  [{ kind: 'promoted', partitions: [{ partition: 1, epoch: 17 }] }, 200],
  [{ kind: 'not-standby' }, 409],
  [{ kind: 'failed', code: 'HW_BROKER_UNAVAILABLE', message: 'not yet' }, 503],
] as const)('a promotion that is $kind answers so', async (outcome, statusCode) => {
  const asked: (number | null)[] = []
  const promote = async (partition: number | null) => {
    asked.push(partition)
    return outcome
  }
  const app = createApp(createFakeWorker(2).view, METRICS, { token: null, promote })
  const post = (url: string) => app.inject({ method: 'POST', url })
  expect((await post('/-/promote?partition=1')).statusCode).toBe(statusCode)
  expect((await post('/-/promote')).statusCode).toBe(statusCode)
  expect((await post('/-/promote?partition=all')).statusCode).toBe(400)
  expect((await app.inject('/-/promote')).statusCode).toBe(405)
  expect(asked).toEqual([1, null])
})

test('a worker without partitions is not ready', async () => {
  const response = await createTestApp(createFakeWorker(0)).app.inject('/-/ready')
  expect(response.statusCode).toBe(503)
  expect(response.json().error.message).toBe('The worker owns no partition.')
})

test('a subscriber is shown with everything that the view knows', async () => {
  const response = await createTestApp().app.inject(`/v1/subscribers/${SUBSCRIBER}`)
  expect(response.statusCode).toBe(200)
  expect(response.json()).toEqual(createFakeSubscriber(SUBSCRIBER))
})

test('an explanation is shown with everything that the view knows', async () => {
  const [trigger] = FAKE_TRIGGER_IDS
  const url = `/v1/subscribers/${SUBSCRIBER}/explain?trigger=${trigger}`
  const response = await createTestApp().app.inject(url)
  expect(response.statusCode).toBe(200)
  expect(response.json()).toEqual(createFakeExplanation(SUBSCRIBER, trigger!, FAKE_START_MS))
})

test('a trigger that nobody knows is answered with the one that was meant', async () => {
  const [trigger] = FAKE_TRIGGER_IDS
  const url = `/v1/subscribers/${SUBSCRIBER}/explain?trigger=${trigger}x`
  const response = await createTestApp().app.inject(url)
  expect(response.statusCode).toBe(404)
  expect(response.json().error.code).toBe('HW_TRIGGER_UNKNOWN')
  expect(response.json().error.message).toContain(`did you mean "${trigger}"?`)
})

test.each([
  ['/v1/subscribers/42', 404, 'HW_SUBSCRIBER_UNKNOWN'],
  ['/v1/subscribers/42/explain', 400, 'HW_HTTP_BAD_REQUEST'],
  ['/v1/subscribers/42/explain?trigger=data-pack', 404, 'HW_SUBSCRIBER_UNKNOWN'],
  ['/v1/subscribers/1380012345678901', 400, 'HW_HTTP_BAD_REQUEST'],
  ['/v1/subscribers/12a', 400, 'HW_HTTP_BAD_REQUEST'],
  ['/v1/subscribers/-1', 400, 'HW_HTTP_BAD_REQUEST'],
  ['/v1/subscribers/1e3', 400, 'HW_HTTP_BAD_REQUEST'],
  ['/v1/subscribers/', 400, 'HW_HTTP_BAD_REQUEST'],
  [`/v1/subscribers/${'1'.repeat(500)}`, 414, 'HW_HTTP_BAD_REQUEST'],
  ['/v1/subscribers/%', 400, 'HW_HTTP_BAD_REQUEST'],
  ['/v1/nothing', 404, 'HW_HTTP_NOT_FOUND'],
])('GET %s answers %d %s', async (url, statusCode, code) => {
  const response = await createTestApp().app.inject(url)
  expect(response.statusCode).toBe(statusCode)
  expect(response.json().error.code).toBe(code)
  expect(Object.keys(response.json())).toEqual(['error'])
  expect(response.headers['x-content-type-options']).toBe('nosniff')
})

test.each([
  ['DELETE', '/metrics', 'GET, HEAD'],
  ['GET', '/-/reload', 'POST, PUT'],
  ['POST', '/v1/subscribers/42', 'DELETE, GET, HEAD'],
  ['PATCH', '/', 'GET, HEAD'],
] as const)('%s %s answers 405 and names what the path takes', async (method, url, allow) => {
  const response = await createTestApp().app.inject({ method, url })
  expect(response.statusCode).toBe(405)
  expect(response.json().error.code).toBe('HW_HTTP_METHOD_NOT_ALLOWED')
  expect(String(response.headers.allow).split(', ').sort().join(', ')).toBe(allow)
})

test('triggers and partitions are shown as the view has them', async () => {
  const { app } = createTestApp(createFakeWorker(2))
  const { triggers } = (await app.inject('/v1/triggers')).json()
  expect(triggers[0]).toMatchObject({
    id: 'data-pack',
    channel: 'sms',
    statistics: {
      candidates: 20,
      deliveries: 8,
      holdouts: 0,
      canaries: 0,
      suppressed: 12,
      shown: 0,
    },
  })
  const { partitions } = (await app.inject('/v1/partitions')).json()
  expect(partitions).toHaveLength(2)
  expect(partitions[1]).toMatchObject({
    partition: 1,
    status: 'live',
    halt: null,
    input: { lagSequences: 7, records: 900, messages: { usage: 9 }, rejects: { malformed: 1 } },
    output: { deliveries: 8, suppressed: { 'list-black': 1 } },
    state: { subscribers: 50_000, checkpointDurationMs: 1_500 },
  })
})

test('the description names every path and what it takes', async () => {
  const response = await createTestApp().app.inject('/openapi.json')
  const { openapi, paths, info } = response.json()
  expect(openapi).toBe('3.1.0')
  expect(info.version).toBe('0.1.0-test')
  const taken = Object.entries<object>(paths).map(
    ([path, operations]) => `${path} ${Object.keys(operations).sort().join(' ')}`,
  )
  expect(taken.sort()).toEqual([
    '/-/backup post',
    '/-/cancel post',
    '/-/healthy get',
    '/-/promote post',
    '/-/ready get',
    '/-/reload post put',
    '/metrics get',
    '/v1/channels get',
    '/v1/journeys get',
    '/v1/partitions get',
    '/v1/planned get',
    '/v1/segments get',
    '/v1/segments/{name}/select post',
    '/v1/subscribers/{id} delete get',
    '/v1/subscribers/{id}/explain get',
    '/v1/subscribers/{id}/offers get',
    '/v1/subscribers/{id}/offers/{trigger}/accept post',
    '/v1/triggers get',
    '/v1/triggers/{trigger}/test post',
  ])
  expect(paths['/-/reload'].put.security).toEqual([{ bearer: [] }])
  const subscriber = paths['/v1/subscribers/{id}'].get
  expect(subscriber.parameters[0].schema.pattern).toBe('^[0-9]{1,15}$')
  expect(subscriber.responses['200'].content['application/json'].schema.required).toContain('caps')
})

test('the index page links only to paths that answer', async () => {
  const { app } = createTestApp()
  const page = await app.inject('/')
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  const links = [...page.body.matchAll(/href="([^"]+)"/g)].map((match) => match[1]!)
  expect(links.length).toBeGreaterThan(4)
  for (const link of links) expect((await app.inject(link)).statusCode).toBe(200)
})

test.each([
  [{ kind: 'applied', generation: 7, notes: ['a note'] }, 200],
  [{ kind: 'unchanged', generation: 6 }, 200],
  [{ kind: 'invalid', problems: ['counters.yaml:3:5 unknown-key: …', 'and another'] }, 422],
  [{ kind: 'failed', error: 'the control stream is full' }, 503],
] as const)('a reload that is $kind answers so', async (outcome, statusCode) => {
  const worker = createFakeWorker(1)
  worker.reloadOutcome = () => outcome
  const response = await createTestApp(worker).app.inject({ method: 'POST', url: '/-/reload' })
  expect(response.statusCode).toBe(statusCode)
  const bodies = {
    applied: { outcome: 'applied', generation: 7, notes: ['a note'] },
    unchanged: { outcome: 'unchanged', generation: 6, notes: [] },
    invalid: {
      error: {
        code: 'HW_CONFIG_INVALID',
        message: 'The configuration has 2 mistakes; the old one keeps running.',
        problems: ['counters.yaml:3:5 unknown-key: …', 'and another'],
      },
    },
    failed: { error: { code: 'HW_RELOAD_FAILED', message: 'the control stream is full' } },
  }
  expect(response.json()).toEqual(bodies[outcome.kind])
  expect(worker.reloadCauses).toEqual(['HTTP POST from 127.0.0.1'])
})

test('a reload takes any small body and refuses a large one', async () => {
  const worker = createFakeWorker(1)
  const { app } = createTestApp(worker)
  const send = (payload: string, type: string) =>
    app.inject({ method: 'PUT', url: '/-/reload', payload, headers: { 'content-type': type } })
  expect((await send('a=b', 'application/x-www-form-urlencoded')).statusCode).toBe(200)
  expect((await send('{', 'application/json')).statusCode).toBe(200)
  const large = await send('x'.repeat(65 * 1024), 'text/plain')
  expect(large.statusCode).toBe(413)
  expect(large.json().error.code).toBe('HW_HTTP_TOO_LARGE')
  expect(worker.reloadCauses).toHaveLength(2)
})

test('what goes wrong inside is logged and not shown', async () => {
  const secret = new Error(`no row for ${SUBSCRIBER} in /srv/state`)
  const { app, lines } = createTestApp(createFakeWorker(1), {
    view: { subscriber: throwing(secret) },
  })
  const response = await app.inject(`/v1/subscribers/${SUBSCRIBER}`)
  expect(response.statusCode).toBe(500)
  expect(response.json()).toEqual({
    error: { code: 'HW_HTTP_INTERNAL', message: 'The worker could not answer; see its log.' },
  })
  const logged = lines.join('')
  expect(logged).toContain('in /srv/state')
  expect(logged).not.toContain(String(SUBSCRIBER))
})

test('an error that may pass answers 503 with its code, another 500', async () => {
  const answer = async (error: Error) => {
    const { app } = createTestApp(createFakeWorker(1), { view: { triggers: throwing(error) } })
    const response = await app.inject('/v1/triggers')
    return `${response.statusCode} ${response.json().error.code}`
  }
  expect(await answer(new BrokerUnavailableError('gone'))).toBe('503 HW_BROKER_UNAVAILABLE')
  expect(await answer(new StoreError('gone'))).toBe('500 HW_STORE')
})

test('no subscriber number reaches the log, however it is asked for', async () => {
  const { app, lines } = createTestApp()
  const encoded = [...String(SUBSCRIBER)].map((digit) => `%3${digit}`).join('')
  const requests: InjectOptions[] = [
    { url: `/v1/subscribers/${SUBSCRIBER}` },
    { url: `/v1/subscribers/${SUBSCRIBER}?again=${SUBSCRIBER}` },
    { url: `/v1/subscribers/${SUBSCRIBER}/counters` },
    { url: `/v1/subscribers/${encoded}` },
    { url: `/v1/subscriber/${encoded}` },
    { url: `/v1/subscribers/${SUBSCRIBER}0` },
    { url: `/v1/subscribers/${SUBSCRIBER}%` },
    { url: `/v1/subscribers/${String(SUBSCRIBER).repeat(20)}` },
    { url: `/v1/subscribers/${SUBSCRIBER}`, method: 'DELETE' },
    { url: '/', headers: { 'x-request-id': String(SUBSCRIBER), referer: `/${SUBSCRIBER}` } },
  ]
  for (const request of requests) await app.inject(request)
  const logged = lines.join('')
  expect(lines.length).toBeGreaterThanOrEqual(requests.length - 2)
  expect(logged).toContain('/v1/subscribers/:id')
  expect(logged).not.toContain(String(SUBSCRIBER))
  expect(logged).not.toContain(encoded)
})

test('probes are logged for debugging only', async () => {
  const { app, lines } = createTestApp()
  for (const url of ['/metrics', '/-/healthy', '/-/ready', '/v1/triggers']) await app.inject(url)
  const levels = lines
    .map((line) => JSON.parse(line))
    .filter((line) => line.msg === 'answered')
    .map((line) => `${line.url} ${line.level}`)
  expect(levels).toEqual(['/metrics 20', '/-/healthy 20', '/-/ready 20', '/v1/triggers 30'])
})
