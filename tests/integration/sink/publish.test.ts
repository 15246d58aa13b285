import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BrokerRefusedError, PartitionHaltedError, StreamFullError } from '../../../src/errors.ts'
import type { OutputStream } from '../../../src/model/ports.ts'
import { connectToNats } from '../../../src/sink/connection.ts'
import { openControlWriter } from '../../../src/sink/control-writer.ts'
import { openInputWriter } from '../../../src/sink/input-writer.ts'
import type { PrivateServer } from '../../../src/sink/nats-server.ts'
import { openOutputStream } from '../../../src/sink/output-stream.ts'
import { openRejectStream } from '../../../src/sink/reject-stream.ts'
import { DEFAULT_STREAM_LIMITS } from '../../../src/sink/stream-settings.ts'
import { ensureStreams } from '../../../src/sink/streams.ts'
import { startNatsServer } from '../../support/nats-server.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (data: Uint8Array): string => new TextDecoder().decode(data)

let server: PrivateServer
let connection: NatsConnection

beforeAll(async () => {
  server = await startNatsServer()
  connection = await connectToNats({ servers: [server.url], name: 'publish-test' })
})

afterAll(async () => {
  await connection.close()
  await server.stop()
})

/** A fresh partition's output stream; partitions are numbered by the tests. */
async function makeOutput(partition: number, timeoutMs?: number): Promise<OutputStream> {
  await ensureStreams(connection, partition, DEFAULT_STREAM_LIMITS, bytes('genesis'))
  return openOutputStream(connection, partition, timeoutMs)
}

async function readAll(output: OutputStream, first: number, last: number): Promise<string[]> {
  const messages: string[] = []
  for await (const message of output.read(first, last)) {
    messages.push(`${message.sequence}:${text(message.data)}`)
  }
  return messages
}

describe('the output chain', () => {
  test('stores what expects the last sequence, and says which sequence it got', async () => {
    const output = await makeOutput(0)
    expect(await output.publish(bytes('claim'), null)).toEqual({ kind: 'stored', sequence: 1 })
    expect(await output.publish(bytes('a'), 1)).toEqual({ kind: 'stored', sequence: 2 })
    expect(await output.publish(bytes('b'), 2)).toEqual({ kind: 'stored', sequence: 3 })
    expect(await output.state()).toMatchObject({ firstSequence: 1, lastSequence: 3 })
    expect(await readAll(output, 1, 3)).toEqual(['1:claim', '2:a', '3:b'])
  })

  test('refuses every further publish of an owner once another one has claimed', async () => {
    const older = await makeOutput(1)
    const connection2 = await connectToNats({ servers: [server.url], name: 'newer' })
    const newer = await openOutputStream(connection2, 1)
    await older.publish(bytes('older claim'), null)
    await older.publish(bytes('older 1'), 1)
    expect(await newer.publish(bytes('newer claim'), null)).toEqual({ kind: 'stored', sequence: 3 })
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await older.publish(bytes('older 2'), 2)).toEqual({ kind: 'refused' })
    }
    expect(await newer.publish(bytes('newer 1'), 3)).toEqual({ kind: 'stored', sequence: 4 })
    expect(await readAll(newer, 1, 4)).toEqual([
      '1:older claim',
      '2:older 1',
      '3:newer claim',
      '4:newer 1',
    ])
    await connection2.close()
  })

  test('expects an empty stream with 0, not without expectation', async () => {
    const output = await makeOutput(2)
    expect(await output.publish(bytes('first'), 0)).toEqual({ kind: 'stored', sequence: 1 })
    expect(await output.publish(bytes('second'), 0)).toEqual({ kind: 'refused' })
  })

  test('reads thousands of messages back in order', async () => {
    const output = await makeOutput(3)
    const count = 2_000
    for (let i = 1; i <= count; i++) await output.publish(bytes(`m${i}`), i - 1)
    const messages = await readAll(output, 501, count)
    expect(messages).toHaveLength(1_500)
    expect(messages.every((message, i) => message === `${i + 501}:m${i + 501}`)).toBe(true)
    expect(await readAll(output, 7, 6)).toEqual([])
  })

  test('halts at a hole instead of reading past it', async () => {
    const manager = await jetstreamManager(connection)
    await manager.streams.add({ name: 'OUT_4', subjects: ['out.4'] })
    const output = await openOutputStream(connection, 4)
    for (let i = 1; i <= 6; i++) await output.publish(bytes(`m${i}`), i - 1)
    await manager.streams.deleteMessage('OUT_4', 4)
    const seen: number[] = []
    const reading = (async () => {
      for await (const message of output.read(2, 6)) seen.push(message.sequence)
    })()
    await expect(reading).rejects.toThrow(PartitionHaltedError)
    await expect(reading).rejects.toMatchObject({ reason: 'output-gap' })
    expect(seen).toEqual([2, 3])
  })

  test('throws on a message that the stream can never take', async () => {
    const output = await makeOutput(5)
    const large = new Uint8Array(2 * 1024 ** 2)
    await expect(output.publish(large, null)).rejects.toThrow(BrokerRefusedError)
    expect((await output.state()).lastSequence).toBe(0)
  })

  test('does not take silence for an answer: no stream is unknown', async () => {
    const output = await openOutputStream(connection, 99, 500)
    expect(await output.publish(bytes('lost'), 0)).toMatchObject({ kind: 'unknown' })
    await expect(output.state()).rejects.toThrow(BrokerRefusedError)
  })
})

describe('a full stream', () => {
  test('refuses output and input as full and stores nothing', async () => {
    const limits = { ...DEFAULT_STREAM_LIMITS, inputMaxSize: 20_000, outputMaxSize: 20_000 }
    await ensureStreams(connection, 10, limits, bytes('genesis'))
    const output = await openOutputStream(connection, 10)
    const data = new Uint8Array(8_000)
    expect(await output.publish(data, 0)).toMatchObject({ kind: 'stored' })
    expect(await output.publish(data, 1)).toMatchObject({ kind: 'stored' })
    expect(await output.publish(data, 2)).toEqual({ kind: 'full' })
    expect(await output.publish(data, 2)).toEqual({ kind: 'full' })
    expect((await output.state()).lastSequence).toBe(2)
    expect(await output.publish(bytes('small'), 2)).toEqual({ kind: 'stored', sequence: 3 })

    const writer = openInputWriter(connection, 10)
    await writer.publish('usage.10.probe', data)
    await writer.publish('usage.10.probe', data)
    await expect(writer.publish('usage.10.probe', data)).rejects.toThrow(StreamFullError)
    const control = openControlWriter(connection, 10)
    expect(await control.publish(data, null)).toEqual({ kind: 'full' })
  })

  test('of rejects drops its oldest, so that bad input stops nobody', async () => {
    const limits = { ...DEFAULT_STREAM_LIMITS, rejectMaxSize: 20_000 }
    await ensureStreams(connection, 11, limits, bytes('genesis'))
    const rejects = openRejectStream(connection, 11)
    for (let i = 1; i <= 10; i++) {
      expect(await rejects.publish(new Uint8Array(8_000), `id-${i}`)).toMatchObject({
        kind: 'stored',
        sequence: i,
      })
    }
  })
})

describe('rejects and control', () => {
  test('store a reject once however often it is sent', async () => {
    await makeOutput(20)
    const rejects = openRejectStream(connection, 20)
    const outcomes = [
      await rejects.publish(bytes('bad'), '17/0/0'),
      await rejects.publish(bytes('bad'), '17/0/0'),
      await rejects.publish(bytes('bad'), '17/0/1'),
    ]
    expect(outcomes).toEqual([
      { kind: 'stored', sequence: 1 },
      { kind: 'stored', sequence: 1 },
      { kind: 'stored', sequence: 2 },
    ])
  })

  test('let exactly one of two writers that saw the same state set a config', async () => {
    await makeOutput(21)
    const control = openControlWriter(connection, 21)
    const outcomes = await Promise.all([
      control.publish(bytes('mine'), 1),
      control.publish(bytes('yours'), 1),
    ])
    expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual(['refused', 'stored'])
    expect(await control.publish(bytes('tick'), null)).toEqual({ kind: 'stored', sequence: 3 })
  })

  test('keep a subject of another partition out', async () => {
    await makeOutput(22)
    await makeOutput(23)
    const writer = openInputWriter(connection, 22)
    await expect(writer.publish('usage.23.probe', bytes('stray'))).rejects.toThrow(
      BrokerRefusedError,
    )
  })
})
