/** A server that is starting denies streams that it has, and has no peers for new ones. */

import { setTimeout as sleep } from 'node:timers/promises'
import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { brokerError } from '../../../src/sink/broker-errors.ts'
import { brokerLink } from '../../../src/sink/broker-link.ts'
import { connectToNats } from '../../../src/sink/connection.ts'
import type { PrivateServer } from '../../../src/sink/nats-server.ts'
import { openOutputStream } from '../../../src/sink/output-stream.ts'
import { createJetStreamSource } from '../../../src/source/jetstream-source.ts'
import { startNatsServer } from '../../support/nats-server.ts'

let server: PrivateServer
let connection: NatsConnection

beforeAll(async () => {
  server = await startNatsServer()
  connection = await connectToNats({ servers: [server.url], name: 'test' })
})

afterAll(async () => {
  await connection.close()
  await server.stop()
})

test('a stream that is denied once or twice and then there again has a state', async () => {
  const source = await createJetStreamSource(connection, brokerLink(connection), { stream: 'IN_0' })
  const output = await openOutputStream(connection, 0)
  const states = Promise.all([source.state(), output.state()])
  await sleep(300)
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: 'IN_0', subjects: ['control.0'] })
  await manager.streams.add({ name: 'OUT_0', subjects: ['out.0'] })
  const found = await states
  expect(found.map(({ lastSequence }) => lastSequence)).toEqual([0, 0])
})

test('a stream that stays denied is refused', async () => {
  const source = await createJetStreamSource(connection, brokerLink(connection), { stream: 'IN_7' })
  const output = await openOutputStream(connection, 7)
  const outcomes = await Promise.allSettled([source.state(), output.state()])
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'HW_BROKER_REFUSED' } })
  }
})

test('a cluster without peers for a new stream is unavailable, not a refusal', () => {
  const answer = new JetStreamApiError({
    code: 400,
    err_code: 10005,
    description: 'no suitable peers for placement',
  })
  expect(brokerError(answer, 'creating OUT_0')).toMatchObject({ code: 'HW_BROKER_UNAVAILABLE' })
})
