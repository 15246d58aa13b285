/** What users of an installation with rights try, and how its outcome reads. */

import { decode } from '@msgpack/msgpack'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { encodeUsageRows } from '../../src/probe/encode.ts'
import type { SecuredInstallation } from './secured-installation.ts'

/** Name and text of what a request came to. */
export async function outcomeOf(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => 'done',
    (error: Error) => `${error.name} ${error.message}`,
  )
}

/** A batch of one record, now. */
export function usage(
  subscriber: number,
  bytes: number,
  seq: number,
  probe = 'probe-7',
): Uint8Array {
  return encodeUsageRows({ probe, epoch: 1, seq }, [[subscriber, bytes, Date.now()]])
}

/** Decisions in OUT_0, read as a report reads them. */
export async function readAsReport(
  installation: SecuredInstallation,
): Promise<readonly { sub: number; trigger: string }[]> {
  const connection = await installation.connectAs('REPORTS')
  const options = { checkAPI: false, apiPrefix: 'HIGHWATER.API' }
  const manager = await jetstreamManager(connection, options)
  const { state } = await manager.streams.info('OUT_0')
  const decisions = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('OUT_0', { seq })
    const body = decode(message!.data) as { decisions?: { sub: number; trigger: string }[] }
    decisions.push(...(body.decisions ?? []))
  }
  await connection.close()
  return decisions
}

/** What a consumer is made with here. */
export const PLAIN_CONSUMER = { storage: 'file', max_msgs: 1 } as never
/** What a worker must not be able to do, by name. */
export const ATTACKS: Readonly<Record<string, (m: JetStreamManager) => Promise<unknown>>> = {
  'purge of the input': (m) => m.streams.purge('IN_0'),
  'purge of the output': (m) => m.streams.purge('OUT_0'),
  'deleting a stream': (m) => m.streams.delete('OUT_0'),
  'changing a stream': (m) => m.streams.update('IN_0', { max_age: 1e9 }),
  'making a stream': (m) => m.streams.add({ name: 'MINE', subjects: ['mine'] }),
  'deleting a message': (m) => m.streams.deleteMessage('OUT_0', 1),
  'a consumer on the output': (m) => m.consumers.add('OUT_0', PLAIN_CONSUMER),
  'deleting a consumer of the output': (m) => m.consumers.delete('OUT_0', 'reader'),
  'reading what was rejected': (m) => m.streams.getMessage('REJ_0', { seq: 1 }),
  'a list of streams': (m) => m.streams.names().next(),
}
