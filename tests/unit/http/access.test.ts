import { expect, test } from 'vitest'
import { createApp } from '../../../src/http/app.ts'
import { createFakeSubscriber, createFakeWorker } from '../../support/worker-view.ts'

const METRICS = { contentType: 'text/plain', render: async () => '' }
const STRANGER = '192.0.2.7'

/** Asks for a reload (or whatever `url` says) and gives the status code. */
async function ask(
  token: string | null,
  request: { url?: string; headers?: Record<string, string>; remoteAddress?: string },
): Promise<number> {
  const worker = createFakeWorker(1)
  worker.subscribers.set(42, createFakeSubscriber(42))
  const app = createApp(worker.view, METRICS, { token })
  const url = request.url ?? '/-/reload'
  const response = await app.inject({
    method: url === '/-/reload' ? 'PUT' : 'GET',
    url,
    headers: request.headers ?? {},
    remoteAddress: request.remoteAddress ?? '127.0.0.1',
  })
  const isRefused = response.statusCode >= 400
  expect(worker.reloadCauses.length).toBe(url === '/-/reload' && !isRefused ? 1 : 0)
  return response.statusCode
}

test('a configured token is required of everybody who writes, on this machine too', async () => {
  const authorization = 'Bearer correct-horse'
  expect(await ask('correct-horse', {})).toBe(401)
  expect(await ask('correct-horse', { headers: { authorization: 'Bearer wrong' } })).toBe(401)
  expect(await ask('correct-horse', { headers: { authorization: 'Basic eDp5' } })).toBe(401)
  expect(await ask('correct-horse', { headers: { authorization: 'Bearer' } })).toBe(401)
  expect(await ask('correct-horse', { headers: { authorization } })).toBe(200)
  expect(await ask('correct-horse', { headers: { authorization }, remoteAddress: STRANGER })).toBe(
    200,
  )
})

test('without a token only this machine may write', async () => {
  expect(await ask(null, {})).toBe(200)
  expect(await ask(null, { remoteAddress: '127.8.9.10' })).toBe(200)
  expect(await ask(null, { remoteAddress: '::1', headers: { host: '[::1]:9100' } })).toBe(200)
  expect(await ask(null, { remoteAddress: '::ffff:127.0.0.1' })).toBe(200)
  expect(await ask(null, { remoteAddress: STRANGER })).toBe(403)
  expect(await ask(null, { remoteAddress: '::ffff:192.0.2.7' })).toBe(403)
  expect(await ask(null, { remoteAddress: STRANGER, headers: { host: 'localhost' } })).toBe(403)
})

test('an empty token is no token, and never one that an empty answer matches', async () => {
  expect(await ask('', {})).toBe(200)
  expect(await ask('', { remoteAddress: STRANGER, headers: { authorization: 'Bearer ' } })).toBe(
    403,
  )
})

test('a web page or a proxy on this machine does not pass for somebody on it', async () => {
  expect(await ask(null, { headers: { origin: 'https://evil.example' } })).toBe(403)
  expect(await ask(null, { headers: { origin: 'null' } })).toBe(403)
  expect(await ask(null, { headers: { host: 'rebound.example:9100' } })).toBe(403)
  expect(await ask(null, { headers: { 'x-forwarded-for': STRANGER } })).toBe(403)
  expect(await ask(null, { headers: { forwarded: `for=${STRANGER}` } })).toBe(403)
  expect(await ask(null, { headers: { origin: 'http://127.0.0.1:9100' } })).toBe(200)
})

test('a subscriber is shown to this machine, and elsewhere to who has the token', async () => {
  const url = '/v1/subscribers/42'
  const remoteAddress = STRANGER
  const authorization = 'Bearer correct-horse'
  expect(await ask(null, { url })).toBe(200)
  expect(await ask('correct-horse', { url })).toBe(200)
  expect(await ask(null, { url, remoteAddress })).toBe(403)
  expect(await ask('correct-horse', { url, remoteAddress })).toBe(401)
  expect(await ask('correct-horse', { url, remoteAddress, headers: { authorization } })).toBe(200)
})

test('everything that names nobody and changes nothing is open', async () => {
  const remoteAddress = STRANGER
  for (const url of ['/', '/metrics', '/-/healthy', '/-/ready', '/v1/triggers', '/v1/partitions']) {
    expect(await ask('correct-horse', { url, remoteAddress })).toBe(200)
  }
})
