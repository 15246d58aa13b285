/**
 * The worker's HTTP server on a real socket, under requests that no client would send: damaged
 * request lines and headers, lengths that lie, bodies of anything, paths of everything. Every
 * answer is one that the documentation knows, and the server goes on answering.
 */

import { connect } from 'node:net'
import { createHttpServer } from '../../src/http/server.ts'
import { Random } from '../support/workload/random.ts'
import { createFakeSubscriber, createFakeWorker } from '../support/worker-view.ts'
import { mutate } from '../unit/decode/wire-cases.ts'
import { type FuzzTarget, FuzzTally, hold } from './target.ts'

const METRICS = { contentType: 'text/plain; version=0.0.4', render: async () => 'up 1\n' }
/** What answers too many requests is not what is tried here. */
const LAVISH = { writesPerMinute: 1e9, readsPerMinute: 1e9, connectionsMax: 1_000 }
const TOKEN = 'a-token-for-this-very-test'
const SUBSCRIBER = 13_800_000_001
const CONNECTIONS = 16
const ANSWER_TIMEOUT_MS = 10_000

const METHODS = [
  ...['GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'POST', 'POST'],
  'PUT',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'get',
  'X\u0000',
]
const PATHS = [
  ...['/', '/metrics', '/-/healthy', '/-/ready', '/-/reload', '/v1/triggers', '/v1/partitions'],
  ...[`/v1/subscribers/${SUBSCRIBER}`, '/v1/subscribers/', '/v1/subscribers/1e9', '/openapi.json'],
  ...[
    '/v1/subscribers/%31',
    '/v1/subscribers/-1',
    '/v1/subscribers/__proto__',
    '/../../etc/passwd',
  ],
  ...[
    '/%',
    '/%00',
    '/%E0%A4%A',
    '//evil',
    '*',
    'http://other/metrics',
    `/${'a'.repeat(9_000)}`,
    '/?a=b',
  ],
]
const HEADERS = [
  ...['authorization: Bearer wrong', `authorization: Bearer ${TOKEN}`, 'authorization: Basic eDp5'],
  ...[
    'host: evil.example',
    'origin: http://evil.example',
    'x-forwarded-for: 1.2.3.4',
    'connection: close',
  ],
  ...['content-type: application/json', 'content-type: \u0000', 'transfer-encoding: chunked'],
  ...[
    'content-length: 5',
    'content-length: -1',
    'content-length: 99999999',
    'expect: 100-continue',
  ],
  ...[
    'upgrade: websocket',
    `x: ${'y'.repeat(20_000)}`,
    'cookie: a=b',
    'range: bytes=0-',
    ': empty',
  ],
]
const BODIES = [
  '',
  '{}',
  '{"__proto__": {"a": 1}}',
  '\u0000'.repeat(10),
  'x'.repeat(70_000),
  '5\r\nhello\r\n0\r\n\r\n',
]

/** What the server may answer; nothing of it is a fault of ours. */
const ANSWERS = new Set([
  ...[
    100, 200, 202, 204, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415, 417, 422, 429, 431,
  ],
  ...[501, 503, 505],
])

/** Raw requests to a listening server. */
export const httpTarget: FuzzTarget = {
  name: 'http',
  rule: 'every answer is one of the documented kinds, and the server goes on answering',
  cases: 20_000,
  async run({ seed, cases, say }) {
    const random = new Random(seed)
    const tally = new FuzzTally()
    const worker = createFakeWorker(2)
    worker.subscribers.set(SUBSCRIBER, createFakeSubscriber(SUBSCRIBER))
    const server = createHttpServer(worker.view, METRICS, { token: TOKEN, limits: LAVISH })
    const { port, url } = await server.listen(0, '127.0.0.1')
    try {
      while (tally.cases < cases) {
        say(tally.cases)
        const requests = Array.from({ length: CONNECTIONS }, () => makeRequest(random))
        const answers = await Promise.all(requests.map((request) => ask(port, request)))
        for (const [i, request] of requests.entries()) judge(tally, request, answers[i]!)
      }
      const health = await fetch(`${url}/-/healthy`)
      hold(health.status === 200, 'the server still answers')
    } finally {
      await server.close()
    }
    return tally
  },
}

function makeRequest(random: Random): Buffer {
  const lines = [
    `${random.pick(METHODS)} ${random.pick(PATHS)} HTTP/${random.chance(0.05) ? '9' : '1.1'}`,
  ]
  if (random.chance(0.9)) lines.push('host: 127.0.0.1')
  for (let count = random.pick([0, 0, 1, 2]); count > 0; count--) lines.push(random.pick(HEADERS))
  const body = random.chance(0.4) ? random.pick(BODIES) : ''
  if (body !== '' && random.chance(0.8)) lines.push(`content-length: ${body.length}`)
  const text = `${lines.join('\r\n')}\r\n\r\n${body}`
  const bytes = Buffer.from(text, 'latin1')
  if (random.chance(0.5)) return bytes
  return Buffer.from(mutate(bytes, () => random.whole(0, 2 ** 31)))
}

/** Sends and half-closes; resolves with everything that comes back. */
function ask(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ port, host: '127.0.0.1' })
    const finish = (): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => {
      answer += '(no end)'
      finish()
    })
    socket.on('error', finish).on('close', finish)
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text
    })
    socket.end(request)
  })
}

function judge(tally: FuzzTally, request: Buffer, answer: string): void {
  tally.attempt(
    () => {
      hold(!answer.endsWith('(no end)'), 'a request whose sender has gone comes to its end')
      const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, code]) => Number(code))
      for (const status of statuses) hold(ANSWERS.has(status), `answered ${status}`)
      hold(!/\bat .*\.[jt]s:\d+/.test(answer), 'no answer holds a stack trace')
      const last = statuses.at(-1) ?? 0
      if (last >= 400 || last === 0) throw new Refused(last === 0 ? 'closed' : String(last))
    },
    (error) => (error instanceof Refused ? error.message : null),
    () => JSON.stringify(request.toString('latin1').slice(0, 2_000)) + answer.slice(0, 500),
  )
}

class Refused extends Error {}
