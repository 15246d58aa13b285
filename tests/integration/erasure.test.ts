/** Erasure on real parts: the bytes of the store, of OUT and of what is printed are searched. */

import { spawn } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runErase } from '../../src/commands/erase.ts'
import { UsageError } from '../../src/errors.ts'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { PageStore } from '../../src/model/ports.ts'
import type { PartitionWorker } from '../../src/partition/worker.ts'
import { encodeErase, encodeTick } from '../../src/probe/encode.ts'
import { at } from '../support/machine-script.ts'
import { replacing } from '../support/port-wrappers.ts'
import { type Installation, openInstallation, range, until } from '../support/worker-harness.ts'

/** No accident of other bytes. */
const ERASED = 713_579_246_801_357
const ROWS = range(1, 900)

/** One line that all cross at once, and one that speaks at noon of the next day. */
const FILES: ConfigFiles = {
  'counters.yaml':
    'counters:\n  data: { sum: bytes, per: [lifetime, last 30 days] }\n' +
    "  calls: { count: records, where: 'kind == voice', per: [month] }\n",
  'triggers/line.yaml':
    'trigger: line\nwhen: data.lifetime >= 1 * KiB\nonce: ever\ndeliver: { channel: sms }\nmessage: a\n',
  'triggers/noon.yaml':
    "trigger: noon\nwhen: 'calls.month >= 1'\ndeliver: { channel: sms, at: next day 12:00, " +
    "contactWindow: { from: '09:00', to: '21:00', outside: defer, expires: 72h } }\nmessage: b\n",
}

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation({ files: FILES })
})

afterEach(async () => {
  await installation.close()
})

/** The number in every form that anything here writes it in. */
function formsOf(subscriber: number): Buffer[] {
  const bytes = (write: (buffer: Buffer) => void): Buffer => {
    const buffer = Buffer.alloc(8)
    write(buffer)
    return buffer
  }
  return [
    bytes((buffer) => buffer.writeDoubleLE(subscriber)),
    bytes((buffer) => buffer.writeDoubleBE(subscriber)),
    bytes((buffer) => buffer.writeBigUInt64LE(BigInt(subscriber))),
    bytes((buffer) => buffer.writeBigUInt64BE(BigInt(subscriber))),
    Buffer.from(String(subscriber)),
  ]
}

/** How often the number stands in files of the store, in whatever form. */
async function countInStore(subscriber: number, name = 'a'): Promise<number> {
  const directory = installation.storeDirectory(name)
  let count = 0
  for (const file of await readdir(directory)) {
    const content = await readFile(join(directory, file))
    for (const form of formsOf(subscriber)) {
      for (let from = content.indexOf(form); from !== -1; from = content.indexOf(form, from + 1)) {
        count += 1
      }
    }
  }
  return count
}

async function feed(kind = 0, subscribers: readonly number[] = [...ROWS, ERASED]): Promise<void> {
  const now = Date.now()
  await installation.usage(
    subscribers.map((subscriber) => [subscriber, 1_024, now, 6, 0, 0, kind] as const),
  )
}

async function erase(id: string, subscribers: readonly number[] = [ERASED]): Promise<void> {
  await installation.send('control.0', encodeErase({ id, subscribers }))
}

/** Applied and said: everything that was published so far. */
async function untilApplied(worker: PartitionWorker): Promise<void> {
  const { state } = await (await installation.manager()).streams.info('IN_0')
  await until('all is applied', () => worker.view().appliedSequence >= state.last_seq)
  const { decisionNumber } = worker.view()
  await until('all is said', () => worker.view().acknowledgedDecisionNumber >= decisionNumber)
}

/** Checkpoints with the number in both slots of its pages, and in pages that LMDB has freed. */
async function fillStore(worker: PartitionWorker): Promise<void> {
  for (const kind of [0, 1, 0, 0]) {
    await feed(kind)
    await untilApplied(worker)
    await worker.checkpoint()
  }
}

describe('the file of the store', () => {
  test('holds nothing of the number once a checkpoint has followed the erasure', async () => {
    const started = await installation.startLive()
    const { worker } = started
    await fillStore(worker)
    expect(await countInStore(ERASED)).toBeGreaterThan(2)
    await erase('request-1')
    await untilApplied(worker)
    expect(worker.inspect(ERASED)).toBeNull()
    expect(worker.view()).toMatchObject({ hasErasureResidue: true, subscriberCount: ROWS.length })
    await worker.checkpoint()
    expect(worker.view().hasErasureResidue).toBe(false)
    expect(await countInStore(ERASED)).toBe(0)
    const files = await readdir(installation.storeDirectory())
    expect(files.filter((file) => file.includes('compact'))).toEqual([])
    await feed(0, ROWS)
    await untilApplied(worker)
    await worker.checkpoint()
    await started.crash()
    const after = await installation.startLive()
    expect(after.worker.statistics?.records).toBe(0)
    expect(after.worker.view()).toMatchObject({
      hasErasureResidue: false,
      subscriberCount: ROWS.length,
    })
    expect(after.worker.inspect(ERASED)).toBeNull()
    expect(after.worker.inspect(1)?.counters[0]?.value).toBe(5 * 1_024)
  })

  test('would hold it still, in freed pages and older slots, were it not written anew', async () => {
    const { worker } = await installation.startLive({
      wrap: (ports) => ({ ...ports, store: withoutCompaction(ports.store) }),
    })
    await fillStore(worker)
    await erase('request-1')
    await untilApplied(worker)
    for (const _ of range(1, 2)) {
      await feed(0, ROWS)
      await untilApplied(worker)
      await worker.checkpoint()
    }
    expect(worker.view().hasErasureResidue).toBe(true)
    expect(await countInStore(ERASED)).toBeGreaterThan(0)
  })

  test('is written anew by itself, though nothing else happens', async () => {
    const { worker } = await installation.startLive({ checkpointEveryMs: 20 })
    await feed()
    await untilApplied(worker)
    await erase('request-1')
    await until('the erasure is applied', () => worker.statistics?.subscribersErased === 1)
    await until('nothing is left', () => !worker.view().hasErasureResidue)
    expect(await countInStore(ERASED)).toBe(0)
  })

  test('is clean after an orderly stop', async () => {
    const started = await installation.startLive()
    await fillStore(started.worker)
    await erase('request-1')
    await untilApplied(started.worker)
    await installation.stop(started)
    expect(await countInStore(ERASED)).toBe(0)
  })

  test('is written anew by the next worker when this one died or failed before', async () => {
    const failing = await installation.startLive({
      wrap: (ports) => ({
        ...ports,
        store: replacing(ports.store, {
          compact: async () => {
            throw new Error('no space left on device')
          },
        }),
      }),
    })
    await fillStore(failing.worker)
    await erase('request-1')
    await untilApplied(failing.worker)
    await failing.worker.checkpoint()
    expect(failing.worker.view()).toMatchObject({ status: 'live', hasErasureResidue: true })
    expect(failing.worker.view().statistics.compactionFailures).toBe(1)
    await failing.crash()
    // What a compaction that died had written is none of the next one's business.
    await writeFile(join(installation.storeDirectory(), 'state.mdb.compact'), 'half of something')
    const after = await installation.startLive()
    expect(after.worker.view()).toMatchObject({ hasErasureResidue: true })
    expect(after.worker.inspect(ERASED)).toBeNull()
    await after.worker.checkpoint()
    expect(after.worker.view().hasErasureResidue).toBe(false)
    expect(await countInStore(ERASED)).toBe(0)
  })

  test('survives deaths at any moment of it', async () => {
    for (const life of range(1, 4)) {
      const started = await installation.startLive({ checkpointEveryMs: 1 })
      await feed()
      await erase(`request-${life}`)
      await new Promise((resolve) => setTimeout(resolve, life * 9))
      await started.crash()
    }
    const last = await installation.startLive()
    await untilApplied(last.worker)
    await last.worker.checkpoint()
    expect(await countInStore(ERASED)).toBe(0)
    expect(last.worker.inspect(1)?.counters[0]?.value).toBe(4 * 1_024)
    const said = (await installation.decisions()).map(({ id }) => id)
    expect(new Set(said).size).toBe(said.length)
    expect(said.filter((id) => id?.startsWith(`line:${ERASED}:`))).toHaveLength(4)
  })
})

/** A store whose file is never written anew. */
function withoutCompaction(store: PageStore): PageStore {
  return new Proxy(store, {
    get(inner, key): unknown {
      if (key === 'compact') return undefined
      const value: unknown = Reflect.get(inner, key)
      return typeof value === 'function' ? value.bind(inner) : value
    },
  })
}

test('a delivery that waits for noon is not sent when its subscriber is erased before', async () => {
  await installation.close()
  const clock = { mode: 'virtual', writer: 'test', startMs: at('2026-11-20 10:00') } as const
  installation = await openInstallation({ files: FILES, clock })
  const { worker } = await installation.startLive()
  const call = (subscriber: number) => [subscriber, 60, at('2026-11-20 10:00'), 6, 0, 0, 1] as const
  await installation.usage([call(ERASED), call(5)])
  await untilApplied(worker)
  expect(worker.inspect(ERASED)?.deliveries).toMatchObject([{ status: 'pending' }])
  await erase('request-1')
  for (const timeMs of [at('2026-11-21 12:00'), at('2026-11-23 12:00')]) {
    await installation.send('control.0', encodeTick({ id: `${timeMs}`, writer: 'test', timeMs }))
  }
  await untilApplied(worker)
  expect((await installation.decisions()).map(({ sub, kind }) => [sub, kind])).toEqual([
    [5, 'delivery'],
  ])
  expect(worker.view().statistics.suppressed.reduce((sum, count) => sum + count)).toBe(1)
})

test('the command line refuses what is no number, and names its line only', async () => {
  const target = { servers: [], configDirectory: null, partitionCount: null }
  const file = join(installation.directory, 'numbers')
  await writeFile(file, `5\n${ERASED}x\n`)
  const choices = [{ file }, { subscriber: `${ERASED}0` }, { subscriber: '0' }, {}]
  for (const choice of [...choices, { file, subscriber: '5' }, { file: `${file}-not` }]) {
    const options = { target, subscriber: null, file: null, isJson: false, ...choice }
    const error = await runErase(options).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(UsageError)
    expect(String(error)).not.toContain(String(ERASED))
    if (choice === choices[0]) expect(String(error)).toContain('line 2')
  }
})

test('by HTTP and by the command line: stored, answered, done, and never printed', async () => {
  const config = await installation.writeConfig('served', FILES)
  const child = await installation.spawn(config)
  const worker = child.url()
  const ready = async (): Promise<boolean> => (await fetch(`${worker}/-/ready`)).ok
  await until('it is ready', ready)
  const knows = async (subscriber: number): Promise<boolean> =>
    (await fetch(`${worker}/v1/subscribers/${subscriber}`)).ok
  const others = [ERASED + 1, ERASED + 2]
  await feed(0, [ERASED, ...others])
  await until('all are known', async () => (await knows(ERASED)) && (await knows(others[1]!)))

  const url = `${worker}/v1/subscribers/${ERASED}`
  const response = await fetch(url, { method: 'DELETE' })
  expect(response.status).toBe(202)
  const receipt = (await response.json()) as { id: string; sequence: number }
  expect(receipt).toMatchObject({ partition: 0, count: 1 })
  await until('it is forgotten', async () => !(await knows(ERASED)))
  type Body = { partitions: { input: { appliedSequence: number; subscribersErased: number } }[] }
  const body = (await (await fetch(`${worker}/v1/partitions`)).json()) as Body
  expect(body.partitions[0]!.input.appliedSequence).toBeGreaterThanOrEqual(receipt.sequence)

  const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
  const command = spawn(process.execPath, [main, 'erase', '--config', config, '--file', '-'])
  command.stdin.end(`${others[0]}\r\n\n ${others[1]}\n`)
  const exited = new Promise<number>((resolve) => command.on('exit', (code) => resolve(code!)))
  const [printed, audited] = await Promise.all([text(command.stdout), text(command.stderr)])
  expect(await exited).toBe(0)
  expect(printed).toMatch(/erase-[a-p]+: 2 subscribers of partition 0, input \d+/)
  await until('they are forgotten', async () => !(await knows(others[0]!)))
  expect(await knows(others[1]!)).toBe(false)

  const said = [...child.output, printed, audited].join('\n')
  expect(said).toContain(receipt.id)
  for (const subscriber of [ERASED, ...others]) expect(said).not.toContain(String(subscriber))
})
