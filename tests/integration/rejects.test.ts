import { encode } from '@msgpack/msgpack'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { REJECT_REASONS, type RejectReason } from '../../src/model/reject.ts'
import {
  encodeConfig,
  encodeFeedback,
  encodeGenesis,
  encodeTest,
  encodeTick,
  encodeUsageRows,
} from '../../src/probe/encode.ts'
import {
  type Installation,
  LINE_FILES,
  openInstallation,
  range,
  type TestWorker,
  until,
} from '../support/worker-harness.ts'

const SUBJECT = 'usage.0.probe'

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation({ partitionCount: 2 })
})

afterEach(async () => {
  await installation.close()
})

interface BadMessage {
  readonly reason: RejectReason
  readonly subject: string
  readonly data: Uint8Array
}

/** A sound usage batch as a map, and one with some of it changed. */
function batch(changes: Record<string, unknown> = {}): Uint8Array {
  const sound = { v: 1, probe: 'probe', epoch: 1, seq: 100_000, rows: [[2, 10, Date.now()]] }
  return encode({ ...sound, ...changes }, { ignoreUndefined: true })
}

function row(...values: readonly unknown[]): Uint8Array {
  return batch({ rows: [values] })
}

/** One message for each reason that a producer can bring about by its message alone. */
function badMessages(): BadMessage[] {
  const now = Date.now()
  const usage = (reason: RejectReason, data: Uint8Array, subject = SUBJECT): BadMessage => ({
    reason,
    subject,
    data,
  })
  const control = (reason: RejectReason, data: Uint8Array) => usage(reason, data, 'control.0')
  const expired = {
    subscriber: 2,
    kind: 'expired',
    deliveryId: 'line:2:ever:9',
    timeMs: now,
  } as const
  const feedback = { stamp: { probe: 'gateway', epoch: 1, seq: 1 }, rows: [expired] }
  const invalid = { ...LINE_FILES, 'triggers/line.yaml': 'trigger: line\n' }
  const genesis = {
    id: 'again',
    partition: 0,
    partitionCount: 2,
    zone: 'UTC',
    clock: { mode: 'real' },
    generation: 1,
    files: LINE_FILES,
  } as const
  return [
    usage('malformed', Uint8Array.from([...batch(), 0])),
    usage('truncated', batch().subarray(0, 20)),
    usage('oversized', batch({ rows: undefined, n: 10_000_000 })),
    usage('unsupported-version', batch({ v: 2 })),
    usage('missing-field', batch({ epoch: undefined })),
    usage('bad-type', batch({ seq: 'one' })),
    usage('bad-length', row(2, 10)),
    usage('negative', row(2, -1, now)),
    usage('not-a-number', row(2, Number.NaN, now)),
    usage('not-whole', row(2, 1.5, now)),
    usage('out-of-range', row(1e15, 10, now)),
    usage('unknown-code', row(2, 10, now, 11)),
    usage('unknown-name', batch({ colour: 'red' })),
    usage('wrong-partition', row(3, 10, now)),
    usage('foreign-producer', batch({ probe: 'other' })),
    usage('unknown-subject', batch(), 'usage.0.no!name'),
    control('stale-generation', encodeConfig({ id: 'c7', generation: 7, files: LINE_FILES })),
    control('config-invalid', encodeConfig({ id: 'c2', generation: 2, files: invalid })),
    control('unknown-kind', encodeGenesis(genesis)),
    control('not-a-canary', encodeTest({ id: 'test-a', trigger: 'line', subscriber: 2 })),
    usage('unknown-delivery', encodeFeedback(feedback), 'feedback.0.gateway'),
  ]
}

async function applied({ worker }: TestWorker, sequence: number): Promise<void> {
  await until(`input ${sequence} is applied`, () => worker.view().appliedSequence >= sequence)
}

async function lastInput(): Promise<number> {
  return (await (await installation.manager()).streams.info('IN_0')).state.last_seq
}

function countsOf({ worker }: TestWorker): Partial<Record<RejectReason, number>> {
  const counts: Partial<Record<RejectReason, number>> = {}
  REJECT_REASONS.forEach((reason, code) => {
    const count = worker.statistics?.rejects[code] ?? 0
    if (count > 0) counts[reason] = count
  })
  return counts
}

describe('a refused message', () => {
  test('stands in REJ with its reason and input, is counted once, and disturbs nobody', async () => {
    const started = await installation.startLive()
    const expected: [number, RejectReason, string, Uint8Array][] = []
    let subscriber = 2
    for (const { reason, subject, data } of badMessages()) {
      await installation.send(subject, data)
      expected.push([await lastInput(), reason, subject, data])
      await installation.cross([subscriber])
      subscriber += 2
    }
    await applied(started, await lastInput())
    const sound = expected.length
    await until('said', () => started.worker.view().acknowledgedDecisionNumber === sound)
    await until('all are refused', async () => (await installation.rejects()).length === sound)
    const rejects = await installation.rejects()
    expect(
      rejects.map((reject) => [reject.in, reject.reason, reject.subject, reject.body]),
    ).toEqual(expected)
    expect(
      rejects.every(({ part, parts, ordinal }) => part === 0 && parts === 1 && ordinal === 0),
    ).toBe(true)
    const once = Object.fromEntries(expected.map(([, reason]) => [reason, 1]))
    expect(countsOf(started)).toEqual(once)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(
      range(1, sound).map((i) => 2 * i),
    )
  })

  test('is not refused again under another key when it is replayed', async () => {
    const before = await installation.startLive()
    for (const { subject, data } of badMessages()) await installation.send(subject, data)
    const count = badMessages().length
    await until('all are refused', async () => (await installation.rejects()).length === count)
    const rejects = await installation.rejects()
    await before.crash()
    const after = await installation.startLive()
    await installation.stop(after)
    expect(await installation.rejects()).toEqual(rejects)
  })

  test('of 1 MiB travels in parts that make up the very message', async () => {
    const started = await installation.startLive()
    const data = new Uint8Array(1024 * 1024)
    for (let i = 0; i < data.length; i++) data[i] = (i * 31) & 0xff
    installation.connection.publish(SUBJECT, data)
    await installation.cross([2])
    await applied(started, 3)
    await until('both parts are there', async () => (await installation.rejects()).length === 2)
    const parts = (await installation.rejects()).toSorted((a, b) => a.part - b.part)
    expect(parts.map(({ in: input, part, parts: count }) => [input, part, count])).toEqual([
      [2, 0, 2],
      [2, 1, 2],
    ])
    expect(Buffer.concat(parts.map(({ body }) => body)).equals(data)).toBe(true)
    expect(Object.values(countsOf(started))).toEqual([1])
    await until('the rest is said', () => started.worker.view().acknowledgedDecisionNumber === 1)
  })
})

describe('a producer', () => {
  test('that repeats itself changes nothing; what cannot be told from a repeat is refused', async () => {
    const started = await installation.startLive()
    const send = (epoch: number, seq: number) =>
      installation.usage([[2, 100, Date.now()]], { epoch, seq })
    await send(1, 5000)
    await send(1, 5000)
    await send(1, 4000)
    await send(1, 4000)
    await send(1, 3976)
    await send(1, 3975)
    await send(2, 1)
    await send(1, 6000)
    await send(2, 1)
    await applied(started, await lastInput())
    expect(started.worker.statistics?.duplicateBatches).toBe(3)
    expect(countsOf(started)).toEqual({ 'seq-too-old': 1, 'epoch-too-old': 1 })
    expect(started.worker.inspect(2)?.counters[0]?.value).toBe(400)
    await until('both are there', async () => (await installation.rejects()).length === 2)
    const rejects = await installation.rejects()
    expect(rejects.map(({ in: input, reason }) => [input, reason])).toEqual([
      [7, 'seq-too-old'],
      [9, 'epoch-too-old'],
    ])
  })

  test('whose batch was refused may send it again, mended, under the same number', async () => {
    const started = await installation.startLive()
    await installation.usage([[2, -5, Date.now()]], { seq: 9 })
    await installation.usage([[2, 1024, Date.now()]], { seq: 9 })
    await until('it is said', () => started.worker.view().acknowledgedDecisionNumber === 1)
    expect(started.worker.statistics?.duplicateBatches).toBe(0)
  })
})

describe('records outside the accepted time', () => {
  test('are refused one by one, and the others of their batch count', async () => {
    const started = await installation.startLive()
    const now = Date.now()
    const hourMs = 3_600_000
    await installation.usage([
      [2, 1024, now - 49 * hourMs],
      [4, 1024, now],
      [6, 1024, now + 6 * 60_000],
      [8, 1024, now - 47 * hourMs],
      [10, 1024, now - 50 * hourMs],
      [12, 1024, now + 4 * 60_000],
    ])
    await until('three are said', () => started.worker.view().acknowledgedDecisionNumber === 3)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual([4, 8, 12])
    expect(started.worker.statistics).toMatchObject({
      records: 3,
      recordsTooLate: 2,
      recordsTooEarly: 1,
    })
    expect(countsOf(started)).toEqual({})
    await until('both are there', async () => (await installation.rejects()).length === 2)
    const rejects = await installation.rejects()
    expect(
      rejects.map(({ reason, ordinal, position, detail }) => [
        reason,
        ordinal,
        position,
        detail.slice(0, 6),
      ]),
    ).toEqual([
      ['too-late', 0, 'record 0', '2 of 6'],
      ['too-early', 1, 'record 2', '1 of 6'],
    ])
  })
})

describe('what is seen outside', () => {
  test('each reason has a counter of its own in the metrics', async () => {
    const config = await installation.writeConfig('worker', LINE_FILES, {
      partitions: { count: 2 },
    })
    const { supervisor, address } = await installation.serve(config)
    await supervisor.untilLive()
    await installation.send(
      SUBJECT,
      encodeUsageRows({ probe: 'probe', epoch: 1, seq: 1 }, [[3, 1, Date.now()]]),
    )
    await installation.send('control.0', encodeTick({ id: 't' }))
    await until('it is applied', () => supervisor.partitions()[0]?.appliedSequence === 3)
    const metrics = await (await fetch(`${address.url}/metrics`)).text()
    expect(metrics).toMatch(/reject[^\n]*wrong-partition[^\n]* 1\n/)
    expect(metrics).toMatch(/reject[^\n]*"foreign-producer"[^\n]* 0\n/)
  })
})
