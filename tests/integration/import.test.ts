/** `import` as people run it, into a worker of two partitions as `start` runs it. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { SubscriberView } from '../../src/model/view.ts'
import type { ImportSummary } from '../../src/probe/profile-import.ts'
import type { PrivateServer } from '../../src/sink/nats-server.ts'
import { readMetric, WorkerProcess } from '../support/kill-worker.ts'
import { startNatsServer } from '../support/nats-server.ts'
import { runProgram } from '../support/program.ts'
import { LINE_FILES, writeFiles } from '../support/worker-harness.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const FIRST = 13_800_000_000
const FILES: ConfigFiles = {
  ...LINE_FILES,
  'profiles.yaml': `
tags: { vip: {}, seed: { versioned: true } }
fields:
  plan: { type: enum, words: [basic, gold] }
  spend: { type: number }
  born: { type: date }
`,
}

vi.setConfig({ testTimeout: 120_000 })

let server: PrivateServer
let worker: WorkerProcess
let directory = ''
let config = ''
let url = ''

beforeAll(async () => {
  server = await startNatsServer()
  directory = await mkdtemp(join(tmpdir(), 'highwater-import-'))
  config = join(directory, 'config')
  await mkdir(config)
  const settings = {
    nats: { servers: [server.url] },
    partitions: { count: 2 },
    store: { directory: join(directory, 'store') },
    http: { port: 0 },
  }
  await writeFiles(config, { ...FILES, 'highwater.yaml': JSON.stringify(settings) })
  worker = new WorkerProcess(config)
  url = await worker.untilListening()
  while ((await totalOf('highwater_partition_status', 'status="live"')) < 2) await sleep(20)
}, 120_000)

afterAll(async () => {
  await worker?.end('SIGTERM')
  await server?.stop()
  await rm(directory, { recursive: true, force: true })
})

test('a CSV is imported once, however often it is given; bad lines are left out', async () => {
  const header = 'sub;vip;seed;plan;spend;born;lists.black;zone;cycleDay'
  const lines = [
    `${FIRST + 1};yes;202611;gold;-12.5;1964-02-29;no;Europe/Berlin;31`,
    `${FIRST + 2};no;;basic;;;yes;;`,
    `${FIRST + 3};yes;;golden;;;;;`,
    `${FIRST + 4};yes;;;;29.02.1964;;;`,
    'nobody;yes;;;;;;;',
  ]
  const file = join(directory, 'crm.csv.gz')
  await writeFile(file, gzipSync(`${[header, ...lines].join('\n')}\n`))
  const rejects = join(directory, 'rejects.csv')
  const dry = await runProgram('import', file, '--config', config, '--dry-run')
  expect(dry.output).toContain('2 rows would be imported')
  expect(await totalOf('highwater_profile_rows_total')).toBe(0)
  for (const round of [1, 2]) {
    const { code, output } = await runProgram(
      ...['import', file, '--config', config, '--rejects', rejects],
    )
    expect(code, output).toBe(1)
    expect(output).toContain('line 4, plan: unknown-word: "golden" is none of basic, gold')
    expect(output).toContain('line 5, born: bad-date')
    expect(output).toContain('line 6, sub: bad-subscriber')
    expect(output).not.toMatch(/1380000000\d/)
    await untilTotal('highwater_duplicate_batches_total', (round - 1) * 2)
    await untilTotal('highwater_profile_rows_total', 2)
  }
  expect((await readFile(rejects, 'utf8')).trim().split('\n')).toHaveLength(4)
  expect(await view(FIRST + 1)).toMatchObject({
    tags: { vip: true, seed: 202_611 },
    fields: { plan: 'gold', spend: -12.5, born: '1964-02-29' },
    lists: [],
    zone: 'Europe/Berlin',
    cycleDay: 31,
  })
  expect(await view(FIRST + 2)).toMatchObject({ fields: { plan: 'basic' }, lists: ['black'] })
  expect(await totalOf('highwater_rejects_total')).toBe(0)
})

test('numbers from standard input take profiles away, but not an opt-out', async () => {
  const file = join(directory, 'opt-outs.csv')
  await writeFile(file, `sub,optOut\n${FIRST + 1},yes\n`)
  expect((await runProgram('import', file, '--config', config)).code).toBe(0)
  const rows = await totalOf('highwater_profile_rows_total')
  const child = spawn(process.execPath, [MAIN, 'import', '-', '--delete', '--config', config], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.stdin.end(`${FIRST + 1}\n`)
  expect(await once(child, 'close')).toEqual([0, null])
  await untilTotal('highwater_profile_rows_total', rows + 1)
  const { tags, fields, lists, zone, cycleDay } = await view(FIRST + 1)
  expect(Object.values(tags).filter(Boolean)).toEqual([])
  expect({ fields, lists, zone, cycleDay }).toEqual({
    fields: {},
    lists: ['optOut'],
    zone: 'Asia/Shanghai',
    cycleDay: 1,
  })
})

test('an importer that was killed on its way and run again leaves the same as one run', async () => {
  const count = 12_000
  // Everybody twice, far apart: the last line wins, whatever was sent before the kill.
  const lines = [1, 2].flatMap((round) =>
    Array.from({ length: count }, (_, i) => `${FIRST + i},${round * 1_000_000 + i}`),
  )
  const file = join(directory, 'spend.csv')
  await writeFile(file, `sub,spend\n${lines.join('\n')}\n`)
  const before = await totalOf('highwater_profile_rows_total')
  const repeatsBefore = await totalOf('highwater_duplicate_batches_total')
  const args = ['import', file, '--config', config, '--json']
  const child = spawn(process.execPath, [MAIN, ...args, '--rate', '2000'], { stdio: 'ignore' })
  while ((await totalOf('highwater_profile_rows_total')) < before + 4_000) {
    await sleep(10)
  }
  child.kill('SIGKILL')
  await once(child, 'close')
  const { code, output } = await runProgram(...args)
  expect(code, output).toBe(0)
  const printed = output.split('\n').find((line) => line.startsWith('{"lines"'))!
  const summary = JSON.parse(printed) as ImportSummary
  expect(summary).toMatchObject({ lines: 2 * count, rows: 2 * count, rejected: 0, batches: 48 })
  await untilTotal('highwater_profile_rows_total', before + 2 * count)
  // All that the first run had stored was recognised, and that was not all there is.
  const repeats = (await totalOf('highwater_duplicate_batches_total')) - repeatsBefore
  expect(repeats).toBeGreaterThanOrEqual(4_000 / 500)
  expect(repeats).toBeLessThan(48)
  for (let i = 0; i < count; i += 97) {
    expect((await view(FIRST + i)).fields.spend).toBe(2_000_000 + i)
  }
  expect(await totalOf('highwater_rejects_total')).toBe(0)
})

/** One metric over both partitions. */
async function totalOf(name: string, label = ''): Promise<number> {
  const end = label === '' ? '' : `,${label}`
  const numbers = [0, 1].map((each) => readMetric(url, `${name}{partition="${each}"${end}`))
  return (await Promise.all(numbers)).reduce((sum, number) => sum + number, 0)
}

/** Exactly so much; more is more than there should be. */
async function untilTotal(name: string, total: number): Promise<void> {
  while ((await totalOf(name)) < total) await sleep(10)
  expect(await totalOf(name), name).toBe(total)
}

async function view(subscriber: number): Promise<SubscriberView> {
  const response = await fetch(new URL(`/v1/subscribers/${subscriber}`, url))
  expect(response.status).toBe(200)
  return (await response.json()) as SubscriberView
}
