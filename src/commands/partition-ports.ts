/** One partition opened for a command that works beside or instead of a worker. */

import { join } from 'node:path'
import type { Settings } from '../config/settings.ts'
import type { PageStore } from '../model/ports.ts'
import { SYSTEM_CLOCK } from '../partition/system-clock.ts'
import type { WorkerPorts } from '../partition/worker.ts'
import { brokerLink } from '../sink/broker-link.ts'
import type { BrokerConnection } from '../sink/connection.ts'
import { openControlWriter } from '../sink/control-writer.ts'
import { openOutputStream } from '../sink/output-stream.ts'
import { openRejectStream } from '../sink/reject-stream.ts'
import { inputStreamName } from '../sink/stream-names.ts'
import { createJetStreamSource } from '../source/jetstream-source.ts'
import { openStore } from '../store/lmdb-store.ts'

/**
 * The store of a partition, locked for this process. Throws StoreLockedError where a worker has it
 * open: then the partition is not halted.
 */
export function openPartitionStore(settings: Settings, partition: number): Promise<PageStore> {
  return openStore(join(settings.store.directory, `partition-${partition}`))
}

/** The ports of a worker, on real adapters; connection and store stay the caller's. */
export async function openPartitionPorts(
  settings: Settings,
  partition: number,
  connection: BrokerConnection,
  store: PageStore,
): Promise<WorkerPorts> {
  const { inboxPrefix } = settings.nats
  const stream = inputStreamName(partition)
  return {
    source: await createJetStreamSource(connection, brokerLink(connection), {
      stream,
      inboxPrefix,
    }),
    output: await openOutputStream(connection, partition),
    rejects: openRejectStream(connection, partition),
    control: openControlWriter(connection, partition),
    store,
    clock: SYSTEM_CLOCK,
  }
}
