/**
 * A partition's worker on real adapters, without HTTP and supervisor: for families that wrap its
 * ports or its connection.
 */

import { mkdir } from 'node:fs/promises'
import type { NatsConnection } from 'nats'
import { engineIdentity } from '../../src/commands/engine.ts'
import { SYSTEM_CLOCK } from '../../src/partition/system-clock.ts'
import { PartitionWorker, type WorkerPorts } from '../../src/partition/worker.ts'
import { encodeGenesis, encodeTick } from '../../src/probe/encode.ts'
import { brokerLink } from '../../src/sink/broker-link.ts'
import { connectToNats } from '../../src/sink/connection.ts'
import { openControlWriter } from '../../src/sink/control-writer.ts'
import { openOutputStream } from '../../src/sink/output-stream.ts'
import { openRejectStream } from '../../src/sink/reject-stream.ts'
import { DEFAULT_STREAM_LIMITS } from '../../src/sink/stream-settings.ts'
import { ensureStreams } from '../../src/sink/streams.ts'
import { createJetStreamSource } from '../../src/source/jetstream-source.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import type { Story } from './story.ts'

/** Where a partition lives and how it is made to fail. */
export interface RealPartitionChoice {
  readonly url: string
  readonly storeDirectory: string
  /** In its claims. */
  readonly name?: string
  readonly checkpointEveryMs?: number
  /** Bytes of pages per second. */
  readonly checkpointBandwidth?: number
  readonly wrap?: (ports: WorkerPorts) => WorkerPorts
}

/** A started partition; `close` after it stopped, halted or is to be cut off. */
export interface RealPartition {
  readonly worker: PartitionWorker
  readonly connection: NatsConnection
  /** Resolves when it stopped or halted. */
  readonly done: Promise<void>
  /** Drains the worker unless it halted, and closes what is its own. */
  close(): Promise<void>
}

/** Makes the streams of partition 0 with the story's genesis. */
export async function makeStreams(story: Story, connection: NatsConnection): Promise<void> {
  const genesis = encodeGenesis({
    id: 'genesis-0',
    partitionCount: 1,
    partition: 0,
    zone: 'Asia/Shanghai',
    clock: story.clock,
    generation: 1,
    files: story.files,
  })
  await ensureStreams(connection, 0, DEFAULT_STREAM_LIMITS, genesis)
}

/** Starts partition 0 on streams that are there; does not wait for it to be live. */
export async function startPartition(choice: RealPartitionChoice): Promise<RealPartition> {
  const { url, storeDirectory, name = 'a', wrap = (ports) => ports } = choice
  const connection = await connectToNats({ servers: [url], name: `worker-${name}` })
  await mkdir(storeDirectory, { recursive: true })
  const store = await openStore(storeDirectory)
  const link = brokerLink(connection)
  const ports = wrap({
    source: await createJetStreamSource(connection, link, { stream: 'IN_0' }),
    output: await openOutputStream(connection, 0),
    rejects: openRejectStream(connection, 0),
    control: openControlWriter(connection, 0),
    store,
    clock: SYSTEM_CLOCK,
  })
  const worker = new PartitionWorker(ports, {
    partition: 0,
    worker: name,
    engine: engineIdentity(),
    checkpoint: {
      everyMs: choice.checkpointEveryMs ?? 100,
      bandwidth: choice.checkpointBandwidth ?? 10e6,
    },
    outbox: { latencyMs: 2, batchDecisionsMax: 1000, batchSizeMax: 512 * 1024 },
    pendingDecisionsMax: 100_000,
    encodeTick: (id) => encodeTick({ id }),
  })
  const done = worker.start()
  const close = async (): Promise<void> => {
    await worker.stop()
    await connection.close()
  }
  return { worker, connection, done, close }
}
