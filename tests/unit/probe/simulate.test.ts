import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerRefusedError, BrokerUnavailableError, UsageError } from '../../../src/errors.ts'
import { Publisher } from '../../../src/probe/publisher.ts'
import { type SimulateOptions, simulate } from '../../../src/probe/simulate.ts'
import { CollectingWriter, decodeAll, virtualHooks } from './collecting-writer.ts'

const START_MS = Date.UTC(2026, 10, 21, 4)
const options: SimulateOptions = {
  seed: 11,
  subscriberCount: 1_000,
  probe: 'sim-1',
  partitionCount: 4,
  recordsPerSecond: 5_000,
  rhythm: 'flat',
  durationMs: 3_000,
}

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'highwater-probe-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('a simulated probe', () => {
  test('makes the chosen number of records with event times of the run', async () => {
    const writer = new CollectingWriter()
    const summary = await simulate(options, writer, virtualHooks(START_MS))
    const records = decodeAll(writer.published, 4)
    expect(records).toHaveLength(15_000)
    expect(summary).toMatchObject({
      records: 15_000,
      retries: 0,
      recordsSkipped: 0,
      epoch: START_MS,
      seed: 11,
    })
    expect(summary.batches).toBe(writer.published.length)
    for (const { values } of records) {
      expect(values[2]).toBeGreaterThanOrEqual(START_MS)
      expect(values[2]).toBeLessThan(START_MS + 3_000)
    }
  })

  test('makes the same messages from the same seed and start', async () => {
    const digests = await Promise.all(
      [1, 2].map(async () => {
        const writer = new CollectingWriter()
        await simulate(options, writer, virtualHooks(START_MS))
        return writer.digest()
      }),
    )
    expect(digests[0]).toBe(digests[1])
  })

  test('uses each seq of a partition for one batch only, also when batches come late and twice', async () => {
    const writer = new CollectingWriter()
    const disturbed = { ...options, lateBatchShare: 0.1, duplicateBatchShare: 0.1 }
    const summary = await simulate(disturbed, writer, virtualHooks(START_MS))
    const bytes = new Map<string, string>()
    for (const { subject, data } of writer.published) {
      const record = decodeAll([{ subject, data }], 4)[0]!
      const key = `${subject} ${record.seq}`
      const text = Buffer.from(data).toString('base64')
      expect(bytes.get(key) ?? text).toBe(text)
      bytes.set(key, text)
    }
    expect(summary.duplicateBatches).toBeGreaterThan(0)
    expect(summary.lateBatches).toBeGreaterThan(0)
    expect(writer.published.length).toBe(bytes.size + summary.duplicateBatches)
  })

  test('repeats a failed batch unchanged until it is stored', async () => {
    const writer = new CollectingWriter()
    let calls = 0
    writer.before = async () => {
      calls += 1
      if (calls % 3 === 0) throw new BrokerUnavailableError('no answer')
    }
    const summary = await simulate(options, writer, virtualHooks(START_MS))
    const whole = new CollectingWriter()
    await simulate(options, whole, virtualHooks(START_MS))
    const sorted = (published: CollectingWriter['published']) =>
      published.map(({ subject, data }) => subject + Buffer.from(data).toString('base64')).sort()
    expect(summary.retries).toBeGreaterThan(10)
    expect(decodeAll(writer.published, 4)).toHaveLength(summary.records)
    expect(summary.recordsSkipped + summary.records).toBeGreaterThanOrEqual(15_000)
    expect(new Set(sorted(writer.published)).size).toBe(writer.published.length)
  })

  test('stops at a refusal that no retry cures', async () => {
    const writer = new CollectingWriter()
    writer.before = async () => {
      throw new BrokerRefusedError('no rights')
    }
    await expect(simulate(options, writer, virtualHooks(START_MS))).rejects.toThrow(
      BrokerRefusedError,
    )
  })

  test('ends when told, with everything stored that was made', async () => {
    const writer = new CollectingWriter()
    const ending = new AbortController()
    writer.before = async () => {
      if (writer.published.length === 20) ending.abort()
    }
    const summary = await simulate(
      { ...options, durationMs: null, signal: ending.signal },
      writer,
      virtualHooks(START_MS),
    )
    expect(decodeAll(writer.published, 4)).toHaveLength(summary.records)
  })

  test('gives up after a while when it is ended and the broker does not answer', async () => {
    const writer = new CollectingWriter()
    const ending = new AbortController()
    writer.before = async () => {
      ending.abort()
      throw new BrokerUnavailableError('no answer')
    }
    await expect(
      simulate(
        { ...options, durationMs: null, signal: ending.signal },
        writer,
        virtualHooks(START_MS),
      ),
    ).rejects.toThrow(BrokerUnavailableError)
  })

  test('takes a higher epoch with each start, without a state file', async () => {
    const first = await simulate(options, new CollectingWriter(), virtualHooks(START_MS))
    const second = await simulate(options, new CollectingWriter(), virtualHooks(START_MS + 5_000))
    expect(second.epoch).toBeGreaterThan(first.epoch)
  })

  test('goes on in its epoch above all seqs used, with a state file', async () => {
    const statePath = join(folder, 'seq.json')
    const first = new CollectingWriter()
    const second = new CollectingWriter()
    const before = await simulate({ ...options, statePath }, first, virtualHooks(START_MS))
    const after = await simulate({ ...options, statePath }, second, virtualHooks(START_MS + 9_000))
    expect(after.epoch).toBe(before.epoch)
    for (let partition = 0; partition < 4; partition++) {
      const seqs = (writer: CollectingWriter) =>
        decodeAll(writer.published, 4)
          .filter((record) => record.partition === partition)
          .map((record) => record.seq)
      expect(Math.min(...seqs(second))).toBe(Math.max(...seqs(first)) + 1)
    }
  })

  test('reserves seqs before it uses them, so that a kill costs none twice', async () => {
    const statePath = join(folder, 'seq.json')
    const writer = new CollectingWriter()
    writer.before = async (subject, data) => {
      const saved = JSON.parse(await readFile(statePath, 'utf8'))
      const { partition, seq } = decodeAll([{ subject, data }], 4)[0]!
      expect(saved.nextSeqs[partition]).toBeGreaterThan(seq)
    }
    await simulate({ ...options, statePath }, writer, virtualHooks(START_MS))
    expect(writer.published.length).toBeGreaterThan(0)
  })

  test.each([
    ['another probe', { version: 1, probe: 'other', epoch: 1, nextSeqs: [0, 0, 0, 0] }],
    ['other partitions', { version: 1, probe: 'sim-1', epoch: 1, nextSeqs: [0] }],
    ['nonsense', [1, 2]],
    ['a negative seq', { version: 1, probe: 'sim-1', epoch: 1, nextSeqs: [0, 0, 0, -1] }],
  ])('refuses a state file of %s', async (_, content) => {
    const statePath = join(folder, 'seq.json')
    await writeFile(statePath, JSON.stringify(content))
    await expect(
      simulate({ ...options, statePath }, new CollectingWriter(), virtualHooks(START_MS)),
    ).rejects.toThrow(UsageError)
  })

  test.each([
    { probe: 'a.b' },
    { partitionCount: 0 },
    { subscriberCount: 1.5 },
    { recordsPerSecond: 0 },
    { recordsPerSecond: Number.NaN },
    { durationMs: -1 },
    { batchRecordsMax: 40_000 },
  ])('refuses %j', async (wrong) => {
    await expect(
      simulate({ ...options, ...wrong }, new CollectingWriter(), virtualHooks(START_MS)),
    ).rejects.toThrow(UsageError)
  })
})

test('a publisher never has more messages under way than allowed', async () => {
  let underWay = 0
  let highest = 0
  const writer = {
    publish: async () => {
      highest = Math.max(highest, ++underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay -= 1
    },
  }
  const publisher = new Publisher(writer, { inFlightMax: 5 }, virtualHooks(0))
  for (let i = 0; i < 40; i++) await publisher.publish('usage.0.a', new Uint8Array(1))
  await publisher.drain()
  expect(highest).toBe(5)
  expect(publisher.storedCount).toBe(40)
  expect(publisher.underWayCount).toBe(0)
})
