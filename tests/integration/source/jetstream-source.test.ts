import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from 'nats'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerRefusedError, BrokerUnavailableError } from '../../../src/errors.ts'
import type { InputMessage, Source } from '../../../src/model/ports.ts'
import { brokerLink } from '../../../src/sink/broker-link.ts'
import { connectToNats } from '../../../src/sink/connection.ts'
import type { PrivateServer } from '../../../src/sink/nats-server.ts'
import { DEFAULT_STREAM_LIMITS } from '../../../src/sink/stream-settings.ts'
import { ensureStreams } from '../../../src/sink/streams.ts'
import {
  type ConnectionLink,
  createJetStreamSource,
  type JetStreamSourceSettings,
} from '../../../src/source/jetstream-source.ts'
import { startNatsServer } from '../../support/nats-server.ts'

const MIB = 1024 ** 2
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

let server: PrivateServer
let connection: NatsConnection
let producer: NatsConnection
const sources: Source[] = []

beforeEach(async () => {
  server = await startNatsServer({ configText: 'max_payload: 8MB' })
  connection = await connectToNats({ servers: [server.url], name: 'source-test' })
  producer = await connectToNats({ servers: [server.url], name: 'producer-test' })
})

afterEach(async () => {
  for (const source of sources.splice(0)) await source.close()
  await connection.close()
  await producer.close()
  await server.stop()
})

async function makeSource(settings: Partial<JetStreamSourceSettings> = {}): Promise<Source> {
  const source = await createJetStreamSource(connection, brokerLink(connection), {
    stream: 'IN_0',
    ...settings,
  })
  sources.push(source)
  return source
}

/** Fills IN_0 up to `count` messages: genesis, then usage with the sequence as text. */
async function fill(count: number, size = 0): Promise<void> {
  const limits = { ...DEFAULT_STREAM_LIMITS, messageMaxSize: 8 * MIB }
  await ensureStreams(connection, 0, limits, bytes('1'))
  await publish(2, count, size)
}

async function publish(first: number, last: number, size = 0): Promise<void> {
  const client = jetstream(producer)
  for (let sequence = first; sequence <= last; sequence++) {
    const data = new Uint8Array(Math.max(size, 16))
    data.set(bytes(String(sequence)))
    await client.publish('usage.0.probe', data)
  }
}

/** Takes until `last` has come. */
async function takeUntil(source: Source, last: number, max = 64): Promise<InputMessage[]> {
  const taken: InputMessage[] = []
  while (taken.at(-1)?.sequence !== last) {
    await source.wait(1_000)
    for (const message of source.take(max)) taken.push({ ...message, data: message.data.slice() })
  }
  return taken
}

function sequencesOf(messages: readonly InputMessage[]): number[] {
  return messages.map((message) => message.sequence)
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

describe('reading', () => {
  test('starts at the chosen sequence and agrees with what the leader holds', async () => {
    await fill(50)
    const source = await makeSource()
    await source.open(10)
    const messages = await takeUntil(source, 50)
    expect(sequencesOf(messages)).toEqual(range(10, 50))
    for (const message of messages.slice(0, 5)) {
      expect(message).toEqual(await source.read(message.sequence))
    }
    expect((await source.read(1))?.subject).toBe('control.0')
    expect(await source.read(51)).toBeNull()
    const manager = await jetstreamManager(connection)
    const { created } = await manager.streams.info('IN_0')
    expect(await source.state()).toMatchObject({ created, firstSequence: 1, lastSequence: 50 })
  })

  test('goes on with what is published later, and waits without an answer until then', async () => {
    await fill(3)
    const source = await makeSource()
    await source.open(4)
    await source.wait(50)
    expect(source.take(10)).toEqual([])
    await publish(4, 6)
    expect(sequencesOf(await takeUntil(source, 6))).toEqual([4, 5, 6])
    expect(source.reconnectCount()).toBe(0)
  })

  test('never buffers more than its bound, however slow the reader is', async () => {
    await fill(300, 40_000)
    const bufferSizeMax = 2 * MIB
    const source = await makeSource({ bufferSizeMax })
    await source.open(2)
    const sequences: number[] = []
    let bufferedMax = 0
    while (sequences.at(-1) !== 300) {
      await source.wait(1_000)
      // Time for whatever the server would send.
      await new Promise((resolve) => setTimeout(resolve, 5))
      bufferedMax = Math.max(bufferedMax, source.bufferedSize())
      sequences.push(...sequencesOf(source.take(7)))
    }
    expect(sequences).toEqual(range(2, 300))
    expect(bufferedMax).toBeLessThanOrEqual(bufferSizeMax)
    expect(bufferedMax).toBeGreaterThan(bufferSizeMax / 2)
    expect(source.bufferedSize()).toBe(0)
  })

  test('bounds the number of messages as well', async () => {
    await fill(200)
    const source = await makeSource({ bufferMessagesMax: 16 })
    await source.open(1)
    const sequences: number[] = []
    while (sequences.at(-1) !== 200) {
      await source.wait(1_000)
      await new Promise((resolve) => setTimeout(resolve, 2))
      const messages = source.take(1_000)
      expect(messages.length).toBeLessThanOrEqual(16)
      sequences.push(...sequencesOf(messages))
    }
    expect(sequences).toEqual(range(1, 200))
  })

  test('asks for heartbeats and an end only where the stream may have nothing to send', async () => {
    await fill(100)
    const requests: { batch: number; idle_heartbeat?: number; expires?: number }[] = []
    producer.subscribe('$JS.API.CONSUMER.MSG.NEXT.>', {
      callback: (_error, message) => {
        requests.push(message.json())
      },
    })
    await producer.flush()
    const source = await makeSource({ bufferMessagesMax: 16 })
    await source.open(1)
    const sequences = sequencesOf(await takeUntil(source, 100))
    await source.wait(50)
    await publish(101, 102)
    sequences.push(...sequencesOf(await takeUntil(source, 102)))
    expect(sequences).toEqual(range(1, 102))
    expect(source.reconnectCount()).toBe(0)
    await expect.poll(() => requests.length).toBeGreaterThan(6)
    // Nothing is known before the first message.
    const first = requests.shift()!
    let asked = first.batch
    expect([first.idle_heartbeat, first.expires]).toEqual([1e9, 30e9])
    for (const { batch, idle_heartbeat, expires } of requests) {
      asked += batch
      const isHeld = asked <= 100
      expect([asked, idle_heartbeat, expires]).toEqual(
        isHeld ? [asked, undefined, undefined] : [asked, 1e9, 30e9],
      )
    }
  })

  test('brings a message that is larger than the whole buffer', async () => {
    await fill(2)
    await publish(3, 3, 3 * MIB)
    await publish(4, 5)
    const source = await makeSource({ bufferSizeMax: 2 * MIB })
    await source.open(1)
    const messages = await takeUntil(source, 5)
    expect(sequencesOf(messages)).toEqual(range(1, 5))
    expect(messages[2]?.data).toHaveLength(3 * MIB)
  })

  test('shows a hole in the stream as a jump of the sequence', async () => {
    const manager = await jetstreamManager(connection)
    await manager.streams.add({ name: 'IN_0', subjects: ['usage.0.*'] })
    await publish(1, 10)
    await manager.streams.deleteMessage('IN_0', 4)
    await manager.streams.deleteMessage('IN_0', 5)
    const source = await makeSource()
    await source.open(1)
    expect(sequencesOf(await takeUntil(source, 10))).toEqual([1, 2, 3, 6, 7, 8, 9, 10])
    expect(await source.read(4)).toBeNull()
  })

  test.each([
    ['from the bytes of the socket', true],
    ['from the client, where they cannot be had', false],
  ])('takes deliveries %s, with headers or without', async (_place, isDiverting) => {
    await fill(20)
    const marked = { headers: headers() }
    marked.headers.set('Nats-Msg-Id', 'x')
    await jetstream(producer).publish('usage.0.probe', bytes('21'), marked)
    await publish(22, 40)
    const link = brokerLink(connection)
    let received = 0
    const watched: ConnectionLink = {
      untilConnected: (timeoutMs) => link.untilConnected(timeoutMs),
      whileConnected: (answer) => link.whileConnected(answer),
      onChange: (callback) => link.onChange(callback),
      divert: (subscription, receiver) => {
        if (!isDiverting) return () => undefined
        return link.divert(subscription, (frame) => {
          const isReceived = receiver(frame)
          if (isReceived) received += 1
          return isReceived
        })
      },
    }
    const source = await createJetStreamSource(connection, watched, { stream: 'IN_0' })
    sources.push(source)
    await source.open(1)
    const messages = await takeUntil(source, 40)
    expect(sequencesOf(messages)).toEqual(range(1, 40))
    expect(messages[20]).toEqual(await source.read(21))
    expect(received).toBe(isDiverting ? 40 : 0)
  })

  test('leaves no consumer behind when it is closed', async () => {
    await fill(5)
    const source = await makeSource()
    await source.open(1)
    await takeUntil(source, 5)
    await source.close()
    const manager = await jetstreamManager(connection)
    expect((await manager.streams.info('IN_0')).state.consumer_count).toBe(0)
  })
})

describe('what is lost', () => {
  test('a broker killed and restarted under way neither loses nor reorders nor repeats', async () => {
    await fill(400, 20_000)
    const source = await makeSource({ bufferSizeMax: 2 * MIB })
    await source.open(1)
    const sequences: number[] = []
    for (let outage = 1; outage <= 3; outage++) {
      while (sequences.length < outage * 100) {
        await source.wait(1_000)
        sequences.push(...sequencesOf(source.take(9)))
      }
      await server.kill()
      // While it is down, what was buffered can still be taken, and waiting is quiet.
      sequences.push(...sequencesOf(source.take(9)))
      await source.wait(20)
      await server.restart()
    }
    sequences.push(...sequencesOf(await takeUntil(source, 400)))
    expect(sequences).toEqual(range(1, 400))
    expect(source.reconnectCount()).toBeGreaterThanOrEqual(1)
  })

  test('a deleted consumer is replaced where it stood', async () => {
    await fill(100, 40_000)
    const source = await makeSource({ bufferSizeMax: 2 * MIB })
    await source.open(1)
    await source.wait(1_000)
    const sequences = sequencesOf(source.take(5))
    const manager = await jetstreamManager(connection)
    for await (const consumer of manager.consumers.list('IN_0')) {
      await manager.consumers.delete('IN_0', consumer.name)
    }
    sequences.push(...sequencesOf(await takeUntil(source, 100)))
    expect(sequences).toEqual(range(1, 100))
    expect(source.reconnectCount()).toBe(1)
  })

  test('a stream that is gone ends the source, after what was buffered', async () => {
    await fill(5)
    const source = await makeSource()
    await source.open(1)
    await expect.poll(() => source.bufferedSize()).toBeGreaterThanOrEqual(5 * 16 - 15)
    const manager = await jetstreamManager(connection)
    await manager.streams.delete('IN_0')
    expect(sequencesOf(await takeUntil(source, 5))).toEqual(range(1, 5))
    await expect(
      (async () => {
        for (;;) await source.wait(1_000)
      })(),
    ).rejects.toThrow(BrokerRefusedError)
  })

  test('a stream made anew in its place is announced before its first message', async () => {
    await fill(5)
    const source = await makeSource()
    await source.open(1)
    await takeUntil(source, 5)
    const before = await source.state()
    const manager = await jetstreamManager(connection)
    const { config } = await manager.streams.info('IN_0')
    await manager.streams.delete('IN_0')
    await manager.streams.add(config)
    await publish(1, 8)
    while (source.take(1).length === 0) await source.wait(1_000)
    expect(source.reconnectCount()).toBe(1)
    expect((await source.state()).created).not.toBe(before.created)
  })

  test('a connection that its owner closed ends the source', async () => {
    await fill(1)
    const source = await makeSource()
    await source.open(2)
    const waiting = source.wait(600_000)
    await connection.close()
    await expect(waiting).rejects.toThrow(BrokerUnavailableError)
  })

  test('a stream that never was refuses to open', async () => {
    const source = await makeSource({ stream: 'IN_77' })
    await expect(source.open(1)).rejects.toThrow(BrokerRefusedError)
    await expect(source.state()).rejects.toThrow(BrokerRefusedError)
  })
})
