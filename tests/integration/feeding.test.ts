/** `simulate` and `publish` as people run them, into a worker as `start` runs it. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { CsvSummary } from '../../src/probe/csv.ts'
import type { SimulateSummary } from '../../src/probe/simulate.ts'
import type { PrivateServer } from '../../src/sink/nats-server.ts'
import { readMetric, WorkerProcess } from '../support/kill-worker.ts'
import { startNatsServer } from '../support/nats-server.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const SCENARIO = join(import.meta.dirname, '../../config/scenarios/data-pack')

vi.setConfig({ testTimeout: 120_000 })

let server: PrivateServer
let worker: WorkerProcess
let directory = ''
let url = ''

beforeAll(async () => {
  server = await startNatsServer()
  directory = await mkdtemp(join(tmpdir(), 'highwater-feeding-'))
  const config = join(directory, 'config')
  await cp(SCENARIO, config, { recursive: true })
  const settings = {
    nats: { servers: [server.url] },
    partitions: { count: 2 },
    store: { directory: join(directory, 'store') },
    http: { port: 0 },
  }
  await writeFile(join(config, 'highwater.yaml'), JSON.stringify(settings))
  expect(await highwater(['simulate', '--servers', server.url])).toMatchObject({
    code: 2,
    said: expect.stringContaining('start a worker first'),
  })
  worker = new WorkerProcess(config)
  url = await worker.untilListening()
  while ((await totalOf('highwater_partition_status', 'status="live"')) < 2) await sleep(20)
}, 120_000)

afterAll(async () => {
  await worker?.end('SIGTERM')
  await server?.stop()
  await rm(directory, { recursive: true, force: true })
})

test('everything that a simulated probe makes is counted, repeats once', async () => {
  const before = await totalOf('highwater_records_total')
  const { code, printed, said } = await highwater([
    ...['simulate', '--servers', server.url, '--subscribers', '1000', '--rate', '20000'],
    ...['--for', '2s', '--rhythm', 'flat', '--duplicates', '0.2', '--rows', '100', '--json'],
  ])
  expect(code, said).toBe(0)
  const summary = JSON.parse(printed) as SimulateSummary
  expect(summary.records).toBeGreaterThan(10_000)
  expect(summary.duplicateBatches).toBeGreaterThan(0)
  await untilCounted(before + summary.records)
  const repeats = 'highwater_duplicate_batches_total'
  while ((await totalOf(repeats)) < summary.duplicateBatches) await sleep(20)
  expect(await totalOf(repeats)).toBe(summary.duplicateBatches)
  expect(await totalOf('highwater_records_total')).toBe(before + summary.records)
})

test('a CSV is published once, however often it is given; bad lines are counted', async () => {
  const before = await totalOf('highwater_records_total')
  const repeats = await totalOf('highwater_duplicate_batches_total')
  const file = await writeCsv('usage.csv')
  const map = 'sub=msisdn,bytes=up+down,time=when,rat=radio'
  const args = ['publish', file, '--map', map, '--config', join(directory, 'config'), '--json']
  for (const round of ['first', 'second']) {
    const { code, printed, said } = await highwater(args)
    expect(code, `${round}: ${said}`).toBe(0)
    const summary = JSON.parse(printed) as CsvSummary
    expect(summary).toMatchObject({ lines: 102, records: 100, refused: 2, batches: 2 })
    await untilCounted(before + 100)
  }
  while ((await totalOf('highwater_duplicate_batches_total')) < repeats + 2) await sleep(20)
  expect(await totalOf('highwater_records_total')).toBe(before + 100)
})

test('a dry run publishes nothing and needs no server', async () => {
  const file = await writeCsv('dry.csv')
  const map = 'sub=msisdn,bytes=up+down,time=when'
  const { code, printed } = await highwater(['publish', file, '--map', map, '--dry-run'])
  expect(code).toBe(0)
  expect(printed).toContain('100 records would be published')
  expect(printed).toMatch(/bad-bytes +1 +line 102/)
})

test.each([
  [['simulate', '--partitions', '3'], 'made for 2 partitions'],
  [['simulate', '--rate', 'fast'], '--rate must be a number'],
  [['publish', 'no-such-file.csv', '--map', 'sub=1,bytes=2,time=3'], 'no-such-file.csv'],
  [['publish', 'no-such-file.csv', '--map', 'sub=1,bytes=2'], 'time missing'],
  [['publish'], 'one file'],
])('%j is answered with a sentence', async (args, sentence) => {
  const { code, said } = await highwater([...args, '--servers', server.url])
  expect(code).toBe(2)
  expect(said).toContain(sentence)
})

/** 100 good lines of now, and two bad ones; gzip, to be unpacked on the way. */
async function writeCsv(name: string): Promise<string> {
  const seconds = Math.floor(Date.now() / 1_000)
  const good = Array.from(
    { length: 100 },
    (_, i) => `${13_900_000_000 + i},${i},1000,${seconds},4g`,
  )
  const lines = [
    'msisdn,up,down,when,radio',
    ...good,
    `13900000001,x,1,${seconds},4g`,
    'a,1,1,1,4g',
  ]
  const path = join(directory, name)
  await writeFile(path, gzipSync(`${lines.join('\n')}\n`))
  return path
}

async function untilCounted(records: number): Promise<void> {
  while ((await totalOf('highwater_records_total')) < records) await sleep(20)
}

/** A metric over both partitions. */
async function totalOf(name: string, label = ''): Promise<number> {
  const end = label === '' ? '' : `,${label}`
  const numbers = [0, 1].map((each) => readMetric(url, `${name}{partition="${each}"${end}}`))
  return (await Promise.all(numbers)).reduce((sum, number) => sum + number, 0)
}

async function highwater(
  args: readonly string[],
): Promise<{ code: number; printed: string; said: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [printed, said] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, printed, said }
}
