import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { createHttpServer } from '../../src/http/server.ts'
import { createMetrics } from '../../src/metrics/registry.ts'
import { createFakeWorker } from '../support/worker-view.ts'

function createTestServer() {
  const { view } = createFakeWorker(1)
  const metrics = createMetrics(view, { isProcessIncluded: false })
  return createHttpServer(view, metrics, { token: null })
}

function get(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', reject)
    sent.end()
  })
}

test('a server on port 0 says where it listens, and serves a scrape there', async () => {
  const server = createTestServer()
  const { url, host } = await server.listen(0, '127.0.0.1')
  expect(host).toBe('127.0.0.1')
  const response = await fetch(`${url}/metrics`)
  expect(response.status).toBe(200)
  expect(await response.text()).toContain('highwater_records_total{partition="0"} 900\n')
  await server.close()
})

test('closing does not wait for connections that are kept open', async () => {
  const server = createTestServer()
  const { url, port } = await server.listen(0, '127.0.0.1')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  expect(await get(`${url}/-/ready`, agent)).toBe(200)
  const silent = connect(port, '127.0.0.1')
  const isClosed = new Promise((resolve) => silent.on('close', resolve))
  silent.on('error', () => {})
  await new Promise((resolve) => silent.on('connect', resolve))
  silent.write('GET /metrics HTTP/1.1\r\nHost: lo')
  await server.close()
  await isClosed
  await expect(get(`${url}/-/ready`, agent)).rejects.toThrow()
  agent.destroy()
  await server.close()
})

test('what is no HTTP request is answered 400 in the form of every error', async () => {
  const server = createTestServer()
  const { port } = await server.listen(0, '127.0.0.1')
  const socket = connect(port, '127.0.0.1')
  socket.write('HELLO THERE\r\n\r\n')
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  const answer = Buffer.concat(chunks).toString()
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
  expect(body.error.code).toBe('HW_HTTP_BAD_REQUEST')
  await server.close()
})

test('a port that is taken is reported by its system code', async () => {
  const [first, second] = [createTestServer(), createTestServer()]
  const { port } = await first.listen(0, '127.0.0.1')
  await expect(second.listen(port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await Promise.all([first.close(), second.close()])
})
