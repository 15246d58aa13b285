/** What the real server refuses, in the form of every error; and the line that stays of it. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openAuditLog } from '../../src/commands/audit-log.ts'
import type { HttpOptions } from '../../src/http/app.ts'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'
import { createMetrics } from '../../src/metrics/registry.ts'
import type { AuditEntry } from '../../src/model/audit.ts'
import { createFakeSubscriber, createFakeWorker } from '../support/worker-view.ts'
import { until } from '../support/worker-harness.ts'

const SUBSCRIBER = 138_001_234_567_890
const TOKENS = 'ops correct-horse-battery\nstaple-alone-is-unnamed\n'
const LIMITS = { writesPerMinute: 1_000, readsPerMinute: 1_000, connectionsMax: 64 }

let worker: ReturnType<typeof createFakeWorker>
let server: HttpServer
let url: string
let port: number
let entries: AuditEntry[]

async function start(options: Partial<HttpOptions> = {}): Promise<void> {
  worker = createFakeWorker(1)
  worker.subscribers.set(SUBSCRIBER, createFakeSubscriber(SUBSCRIBER))
  entries = []
  const audit = { record: (entry: AuditEntry) => void entries.push(entry) }
  const metrics = createMetrics(worker.view, { isProcessIncluded: false })
  server = createHttpServer(worker.view, metrics, {
    token: null,
    limits: LIMITS,
    audit,
    ...options,
  })
  const address = await server.listen(0, '127.0.0.1')
  url = address.url
  port = address.port
}

afterEach(() => server.close())

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Status and error code of an answer. */
async function ask(path: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`${url}${path}`, init)
  const body = (await response.json()) as { error?: { code: string } }
  return `${response.status} ${body.error?.code ?? ''}`.trim()
}

/** Writes bytes and reads the answer to its end. */
async function raw(text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(text)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}

describe('refused with its code is', () => {
  test('who has no token, or a wrong one: 401', async () => {
    await start({ token: TOKENS })
    const method = 'PUT'
    expect(await ask('/-/reload', { method })).toBe('401 HW_HTTP_UNAUTHORIZED')
    for (const wrong of ['correct-horse', 'ops', 'correct-horse-battery2', 'ops%20correct']) {
      const init = { method, headers: bearer(wrong) }
      expect(await ask('/-/reload', init)).toBe('401 HW_HTTP_UNAUTHORIZED')
    }
    expect(worker.reloadCauses).toEqual([])
    expect(await ask('/-/reload', { method, headers: bearer('correct-horse-battery') })).toBe('200')
    const second = bearer('staple-alone-is-unnamed')
    expect(await ask('/-/reload', { method, headers: second })).toBe('200')
    expect(worker.reloadCauses).toHaveLength(2)
  })

  test('a web page that writes without a token: 403', async () => {
    await start()
    const headers = { origin: 'https://evil.example' }
    expect(await ask('/-/reload', { method: 'POST', headers })).toBe('403 HW_HTTP_FORBIDDEN')
  })

  test('a body that is too large: 413, also one that does not say how long it is', async () => {
    await start()
    const body = 'x'.repeat(65 * 1024)
    expect(await ask('/-/reload', { method: 'PUT', body })).toBe('413 HW_HTTP_TOO_LARGE')
    const sent = httpRequest(`${url}/-/reload`, { method: 'PUT' })
    const answer = new Promise<number>((resolve) => {
      sent.on('response', (response) => resolve(response.statusCode ?? 0))
      sent.on('error', () => undefined)
    })
    for (let i = 0; i < 20; i++) sent.write(body)
    sent.end()
    expect(await answer).toBe(413)
    expect(worker.reloadCauses).toEqual([])
  })

  test('a header or an address that is too long: 431', async () => {
    await start()
    const long = 'x'.repeat(9_000)
    const lines = ['GET /metrics HTTP/1.1', 'host: localhost', `x-a: ${long}`, '', '']
    for (const text of [lines.join('\r\n'), `GET /${long} HTTP/1.1\r\nhost: a\r\n\r\n`]) {
      const answer = await raw(text)
      expect(answer).toMatch(/^HTTP\/1\.1 431 /)
      expect(answer).toContain('HW_HTTP_HEADERS_TOO_LARGE')
    }
  })

  test('who writes too often: 429 with the time to wait, wrong tokens included', async () => {
    await start({ token: TOKENS, limits: { ...LIMITS, writesPerMinute: 5 } })
    const guess = () => ask('/-/reload', { method: 'PUT', headers: bearer('guess') })
    for (let i = 0; i < 5; i++) expect(await guess()).toBe('401 HW_HTTP_UNAUTHORIZED')
    const init = { method: 'PUT', headers: bearer('correct-horse-battery') }
    const refused = await fetch(`${url}/-/reload`, init)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ error: { code: 'HW_HTTP_TOO_MANY' } })
    expect(worker.reloadCauses).toEqual([])
    // Another budget.
    expect((await fetch(`${url}/metrics`)).status).toBe(200)
  })

  test('who reads too often: 429, also of what is not there; health is never refused', async () => {
    await start({ limits: { ...LIMITS, readsPerMinute: 10 } })
    for (let i = 0; i < 5; i++) expect(await ask('/v1/partitions')).toBe('200')
    for (let i = 0; i < 5; i++) expect(await ask('/nothing')).toBe('404 HW_HTTP_NOT_FOUND')
    const path = `/v1/subscribers/${SUBSCRIBER}`
    for (const each of [path, '/metrics', '/nothing', '/openapi.json']) {
      expect(await ask(each)).toBe('429 HW_HTTP_TOO_MANY')
    }
    for (let i = 0; i < 20; i++) expect(await ask('/-/ready')).toBe('200')
    expect(await ask('/-/healthy')).toBe('200')
  })

  test('the connection beyond the bound: closed without a word', async () => {
    await start({ limits: { ...LIMITS, connectionsMax: 8 } })
    const open: Socket[] = []
    for (let i = 0; i < 8; i++) {
      const socket = connect(port, '127.0.0.1')
      await new Promise((resolve) => socket.once('connect', resolve))
      open.push(socket)
    }
    expect(await raw('GET /-/healthy HTTP/1.1\r\nhost: localhost\r\n\r\n')).toBe('')
    open[0]!.destroy()
    await until('there is room', async () => {
      const text = 'GET /-/healthy HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'
      return (await raw(text)).startsWith('HTTP/1.1 200')
    })
    for (const socket of open) socket.destroy()
  })
})

describe('the audit', () => {
  test('has a line for every writing request, done or refused, and none for reading', async () => {
    await start({ token: TOKENS })
    const put = (headers: Record<string, string>) => ask('/-/reload', { method: 'PUT', headers })
    await put({})
    await put(bearer('correct-horse-battery'))
    worker.reloadOutcome = () => ({ kind: 'unchanged', generation: 2 })
    await put(bearer('staple-alone-is-unnamed'))
    worker.reloadOutcome = () => ({ kind: 'invalid', problems: ['a'] })
    await put(bearer('correct-horse-battery'))
    worker.reloadOutcome = () => {
      throw new Error('unexpected')
    }
    await put(bearer('correct-horse-battery'))
    await ask('/metrics?x=1', { method: 'DELETE' })
    await ask(`/v1/subscribers/${SUBSCRIBER}/x`, { method: 'POST' })
    await ask(`/v1/subscribers/${SUBSCRIBER}`)
    await ask('/v1/partitions')
    const generation = worker.partitions[0]!.configGeneration
    const ops = 'token ops from 127.0.0.1'
    const reload = 'PUT /-/reload'
    expect(entries.map(({ operation, actor, outcome }) => [operation, actor, outcome])).toEqual([
      [reload, '127.0.0.1', 'HW_HTTP_UNAUTHORIZED'],
      [reload, ops, 'applied'],
      [reload, 'token default from 127.0.0.1', 'unchanged'],
      [reload, ops, 'HW_CONFIG_INVALID'],
      [reload, ops, 'HW_HTTP_INTERNAL'],
      ['DELETE /metrics', '127.0.0.1', 'HW_HTTP_METHOD_NOT_ALLOWED'],
      ['POST /v#/subscribers/###############/x', '127.0.0.1', 'HW_HTTP_NOT_FOUND'],
    ])
    expect(new Set(entries.map((entry) => entry.generation))).toEqual(new Set([generation]))
  })

  test('does not forget who hung up before the answer', async () => {
    await start()
    const gate = Promise.withResolvers<void>()
    const { promise: began, resolve: begin } = Promise.withResolvers<void>()
    const reload = async () => {
      begin()
      await gate.promise
      return { kind: 'unchanged', generation: 2 } as const
    }
    Object.assign(worker.view, { reload })
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('POST /-/reload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n')
    await began
    socket.destroy()
    await new Promise((resolve) => socket.once('close', resolve))
    gate.resolve()
    await until('the line is there', () => entries.length === 1)
    expect(entries[0]).toMatchObject({ operation: 'POST /-/reload', outcome: 'unchanged' })
  })
})

describe('lines of the audit', () => {
  let folder: string
  const entry: AuditEntry = {
    operation: `erase ${SUBSCRIBER}`,
    actor: `token ops from 192.0.2.7`,
    outcome: 'done',
    generation: 3,
  }

  beforeEach(async () => {
    await start()
    folder = await mkdtemp(join(tmpdir(), 'highwater-audit-'))
  })

  afterEach(() => rm(folder, { recursive: true, force: true }))

  function collect(level: string) {
    const lines: string[] = []
    const logger = pino({ level }, { write: (line: string) => void lines.push(line) })
    return { lines, logger }
  }

  test('are added to the file, also after it was rotated, without a subscriber number', async () => {
    const file = join(folder, 'audit.log')
    await writeFile(file, 'before\n')
    const { lines, logger } = collect('info')
    const audit = openAuditLog({ file, logger, nowMs: () => Date.UTC(2026, 10, 22) })
    audit.record(entry)
    const line =
      '{"time":"2026-11-22T00:00:00.000Z","operation":"erase #####",' +
      '"actor":"token ops from 192.0.2.7","outcome":"done","generation":3}\n'
    expect(await readFile(file, 'utf8')).toBe(`before\n${line}`)
    await rm(file)
    audit.record(entry)
    expect(await readFile(file, 'utf8')).toBe(line)
    expect(lines).toEqual([])
  })

  test('stand in the log without a file, even where the log is silent', () => {
    for (const level of ['info', 'error', 'silent']) {
      const { lines, logger } = collect(level)
      openAuditLog({ file: null, logger }).record(entry)
      expect(lines).toHaveLength(1)
      const line = JSON.parse(lines[0]!)
      expect(line).toMatchObject({ audit: true, operation: 'erase #####', outcome: 'done' })
    }
  })

  test('stand in the log with a complaint when the file cannot be written', () => {
    const { lines, logger } = collect('silent')
    openAuditLog({ file: join(folder, 'missing', 'audit.log'), logger }).record(entry)
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 60, outcome: 'done', code: 'ENOENT' })
  })
})
