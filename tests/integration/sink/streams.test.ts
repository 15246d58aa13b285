import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BrokerRefusedError } from '../../../src/errors.ts'
import { connectToNats } from '../../../src/sink/connection.ts'
import { openInputWriter } from '../../../src/sink/input-writer.ts'
import type { PrivateServer } from '../../../src/sink/nats-server.ts'
import { openOutputStream } from '../../../src/sink/output-stream.ts'
import { DEFAULT_STREAM_LIMITS } from '../../../src/sink/stream-settings.ts'
import { ensureStreams, publishGenesis, serverWarnings } from '../../../src/sink/streams.ts'
import { startNatsServer } from '../../support/nats-server.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

let server: PrivateServer
let connection: NatsConnection

beforeAll(async () => {
  server = await startNatsServer()
  connection = await connectToNats({ servers: [server.url], name: 'streams-test' })
})

afterAll(async () => {
  await connection.close()
  await server.stop()
})

describe('ensureStreams', () => {
  test('makes three protected streams with genesis at sequence 1 and reports what they cannot survive', async () => {
    const streams = await ensureStreams(connection, 0, DEFAULT_STREAM_LIMITS, bytes('genesis'))
    expect(streams.genesis).toBe('published')
    expect(streams.input).toMatchObject({ name: 'IN_0', firstSequence: 1, lastSequence: 1 })
    expect(streams.output.lastSequence).toBe(0)
    expect(Date.parse(streams.input.created)).toBeGreaterThan(0)
    const codes = streams.warnings.map((warning) => warning.code)
    expect(codes.filter((code) => code === 'one-replica')).toHaveLength(3)
    expect(codes.includes('server-cannot-sync')).toBe(/^2\.[0-9]\./.test(connection.info!.version))

    const manager = await jetstreamManager(connection)
    const input = (await manager.streams.info('IN_0')).config
    expect(input.subjects).toEqual(['control.0', 'usage.0.*', 'profile.0.*', 'feedback.0.*'])
    for (const name of ['IN_0', 'OUT_0', 'REJ_0']) {
      await expect(manager.streams.purge(name)).rejects.toThrow()
      await expect(manager.streams.deleteMessage(name, 1)).rejects.toThrow()
    }
  })

  test('changes nothing when repeated and keeps the first genesis', async () => {
    const first = await ensureStreams(connection, 1, DEFAULT_STREAM_LIMITS, bytes('first'))
    const again = await ensureStreams(connection, 1, DEFAULT_STREAM_LIMITS, bytes('second'))
    expect(again.genesis).toBe('present')
    expect(again.input).toEqual(first.input)
    const manager = await jetstreamManager(connection)
    expect((await manager.streams.getMessage('IN_1', { seq: 1 }))?.string()).toBe('first')
  })

  test('lets exactly one of several racing creators win, and all of them go on', async () => {
    const connections = await Promise.all(
      [1, 2, 3, 4].map((n) => connectToNats({ servers: [server.url], name: `creator-${n}` })),
    )
    const results = await Promise.all(
      connections.map((each, i) =>
        ensureStreams(each, 2, DEFAULT_STREAM_LIMITS, bytes(`genesis of ${i}`)),
      ),
    )
    await Promise.all(connections.map((each) => each.close()))
    const winners = results.flatMap((each, i) => (each.genesis === 'published' ? [i] : []))
    expect(winners).toHaveLength(1)
    const manager = await jetstreamManager(connection)
    const stored = await manager.streams.getMessage('IN_2', { seq: 1 })
    expect(stored?.string()).toBe(`genesis of ${winners[0]}`)
    expect((await manager.streams.info('IN_2')).state.last_seq).toBe(1)
    expect((await manager.streams.info('IN_2')).config.subjects).toHaveLength(4)
  })

  test('takes no usage before genesis, and finishes what a crash left half done', async () => {
    // As if the creator had died right after making the streams, then right after genesis.
    const manager = await jetstreamManager(connection)
    await ensureStreams(connection, 3, DEFAULT_STREAM_LIMITS, bytes('pattern'))
    const pattern = (await manager.streams.info('IN_3')).config
    await manager.streams.add({ ...pattern, name: 'IN_4', subjects: ['control.4'] })
    const writer = openInputWriter(connection, 4, 500)
    await expect(writer.publish('usage.4.probe', bytes('early'))).rejects.toMatchObject({
      code: 'HW_BROKER_UNAVAILABLE',
    })
    expect(await publishGenesis(connection, 4, bytes('genesis'))).toBe('published')
    await expect(writer.publish('usage.4.probe', bytes('still early'))).rejects.toThrow()
    const streams = await ensureStreams(connection, 4, DEFAULT_STREAM_LIMITS, bytes('late genesis'))
    expect(streams.genesis).toBe('present')
    await writer.publish('usage.4.probe', bytes('in time'))
    expect((await manager.streams.getMessage('IN_4', { seq: 2 }))?.string()).toBe('in time')
  })

  test('refuses a stream that could lose messages, naming everything that is wrong', async () => {
    const manager = await jetstreamManager(connection)
    await manager.streams.add({ name: 'IN_5', subjects: ['control.5', 'stray.5'] })
    const failure = ensureStreams(connection, 5, DEFAULT_STREAM_LIMITS, bytes('genesis'))
    await expect(failure).rejects.toThrow(BrokerRefusedError)
    await expect(failure).rejects.toThrow(/discard new.*deny deletes.*deny purges.*stray\.5/)
  })

  test('refuses an output that forgets before its input does', async () => {
    const limits = { ...DEFAULT_STREAM_LIMITS, inputMaxAgeMs: 3_600_000, outputMaxAgeMs: 60_000 }
    await expect(ensureStreams(connection, 6, limits, bytes('genesis'))).rejects.toThrow(
      /OUT_6 must keep messages at least as long as IN_6/,
    )
  })

  test('makes no new beginning for a partition that has lived', async () => {
    await expect(ensureStreams(connection, 7, DEFAULT_STREAM_LIMITS, null)).rejects.toThrow(
      /OUT_7 is missing/,
    )
    await ensureStreams(connection, 7, DEFAULT_STREAM_LIMITS, bytes('genesis'))
    const output = await openOutputStream(connection, 7)
    await output.publish(bytes('decisions'), 0)
    const manager = await jetstreamManager(connection)
    await manager.streams.delete('IN_7')
    await expect(
      ensureStreams(connection, 7, DEFAULT_STREAM_LIMITS, bytes('genesis')),
    ).rejects.toThrow(/IN_7 is empty, but OUT_7 holds decisions/)
  })
})

test('a server that cannot sync is warned of, and one whose cluster forgets streams', () => {
  const codes = (version: string, replicas: number): string[] =>
    serverWarnings(version, replicas).map(({ code }) => code)
  expect(codes('2.9.10', 1)).toEqual(['server-cannot-sync'])
  expect(codes('2.12.2', 3)).toEqual(['server-forgets'])
  expect(codes('2.12.2', 1)).toEqual([])
  expect(codes('2.12.15', 3)).toEqual([])
  expect(codes('something', 3)).toEqual([])
})
