import type { NatsConnection } from 'nats'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BrokerUnavailableError } from '../../../src/errors.ts'
import { brokerLink } from '../../../src/sink/broker-link.ts'
import { connectToNats } from '../../../src/sink/connection.ts'
import { openInputWriter } from '../../../src/sink/input-writer.ts'
import type { PrivateServer } from '../../../src/sink/nats-server.ts'
import { openOutputStream } from '../../../src/sink/output-stream.ts'
import { DEFAULT_STREAM_LIMITS } from '../../../src/sink/stream-settings.ts'
import { ensureStreams } from '../../../src/sink/streams.ts'
import { freezeNatsServer, startNatsServer } from '../../support/nats-server.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

let server: PrivateServer
let connection: NatsConnection

beforeEach(async () => {
  server = await startNatsServer()
  connection = await connectToNats({ servers: [server.url], name: 'outage-test' })
  await ensureStreams(connection, 0, DEFAULT_STREAM_LIMITS, bytes('genesis'))
})

afterEach(async () => {
  await connection.close()
  await server.stop()
})

test('a publish without an answer in time is unknown, and the tail tells what became of it', async () => {
  const output = await openOutputStream(connection, 0, 400)
  await output.publish(bytes('claim'), null)
  await freezeNatsServer(server)
  const outcome = await output.publish(bytes('attempt'), 1)
  await server.kill('SIGCONT')
  expect(outcome).toMatchObject({ kind: 'unknown' })
  // The frozen server had the message in its socket and stores it once it goes on.
  await expect.poll(async () => (await output.state()).lastSequence).toBe(2)
  const tail: Uint8Array[] = []
  for await (const message of output.read(2, 2)) tail.push(message.data)
  expect(tail).toEqual([bytes('attempt')])
  expect(await output.publish(bytes('attempt'), 1)).toEqual({ kind: 'refused' })
  expect(await output.publish(bytes('next'), 2)).toEqual({ kind: 'stored', sequence: 3 })
})

test('a publish cut off by a dying broker is unknown at once, and goes on after its restart', async () => {
  // The timeout is far longer than the test may take: the lost connection must answer.
  const output = await openOutputStream(connection, 0, 600_000)
  await output.publish(bytes('claim'), null)
  await freezeNatsServer(server)
  const attempt = output.publish(bytes('attempt'), 1)
  await server.kill('SIGKILL')
  expect(await attempt).toMatchObject({ kind: 'unknown' })
  await server.restart()
  const { lastSequence } = await output.state()
  expect(lastSequence).toBe(1)
  expect(await output.publish(bytes('attempt'), 1)).toEqual({ kind: 'stored', sequence: 2 })
})

test('while the broker is down, a publish waits for it and is sent once', async () => {
  const output = await openOutputStream(connection, 0, 20_000)
  const lost = new Promise((resolve) => brokerLink(connection).onChange(resolve))
  await server.kill()
  expect(await lost).toBe('disconnected')
  const outcome = output.publish(bytes('claim'), null)
  await server.restart()
  expect(await outcome).toEqual({ kind: 'stored', sequence: 1 })
  expect((await output.state()).lastSequence).toBe(1)
})

test('with the broker gone for longer than a timeout, everyone hears that it is unavailable', async () => {
  const output = await openOutputStream(connection, 0, 300)
  const writer = openInputWriter(connection, 0, 300)
  await server.kill()
  expect(await output.publish(bytes('claim'), null)).toMatchObject({ kind: 'unknown' })
  await expect(output.state()).rejects.toThrow(BrokerUnavailableError)
  await expect(writer.publish('usage.0.probe', bytes('batch'))).rejects.toThrow(
    BrokerUnavailableError,
  )
})

test('a connection that its owner closed answers instead of hanging', async () => {
  const output = await openOutputStream(connection, 0, 600_000)
  await freezeNatsServer(server)
  const attempt = output.publish(bytes('claim'), null)
  await connection.close()
  await server.kill('SIGCONT')
  expect(await attempt).toMatchObject({ kind: 'unknown' })
  await expect(output.state()).rejects.toThrow(BrokerUnavailableError)
})

test('nobody connects to a server that is not there, or with the wrong token', async () => {
  await expect(
    connectToNats({ servers: ['nats://127.0.0.1:1'], name: 'nobody' }),
  ).rejects.toMatchObject({ code: 'HW_BROKER_UNAVAILABLE' })
  const guarded = await startNatsServer({ configText: 'authorization { token: "right" }' })
  const servers = [guarded.url]
  await expect(connectToNats({ servers, name: 'nobody', token: 'wrong' })).rejects.toMatchObject({
    code: 'HW_BROKER_REFUSED',
  })
  const welcome = await connectToNats({ servers, name: 'somebody', token: 'right' })
  await welcome.close()
  await guarded.stop()
})
