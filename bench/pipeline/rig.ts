/** The parts that pipeline benches share: a private broker, a worker over it, a way to fill IN. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NatsConnection } from 'nats'
import { engineIdentity } from '../../src/commands/engine.ts'
import { letHeapGrow } from '../../src/commands/heap-growth.ts'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { ClockMode } from '../../src/model/messages.ts'
import type { PageStore, Source } from '../../src/model/ports.ts'
import { SYSTEM_CLOCK } from '../../src/partition/system-clock.ts'
import { PartitionWorker } from '../../src/partition/worker.ts'
import { encodeTick } from '../../src/probe/encode.ts'
import { brokerLink } from '../../src/sink/broker-link.ts'
import { connectToNats } from '../../src/sink/connection.ts'
import { openControlWriter } from '../../src/sink/control-writer.ts'
import { openInputWriter } from '../../src/sink/input-writer.ts'
import { type PrivateServer, startPrivateServer } from '../../src/sink/nats-server.ts'
import { openOutputStream } from '../../src/sink/output-stream.ts'
import { openRejectStream } from '../../src/sink/reject-stream.ts'
import { DEFAULT_STREAM_LIMITS } from '../../src/sink/stream-settings.ts'
import { ensureStreams } from '../../src/sink/streams.ts'
import { createJetStreamSource } from '../../src/source/jetstream-source.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { benchGenesis } from './traffic.ts'

const IN_FLIGHT_MAX = 256
const CHECKPOINT_BANDWIDTH = 200_000_000

/** A broker with the streams of partition 0, or of several, on real files. */
export class Rig {
  readonly server: PrivateServer
  readonly connection: NatsConnection
  readonly directory: string

  private constructor(server: PrivateServer, connection: NatsConnection, directory: string) {
    this.server = server
    this.connection = connection
    this.directory = directory
  }

  /** Starts everything; genesis on a real clock unless `clock` says otherwise. */
  static async start(files?: ConfigFiles, clock?: ClockMode, partitionCount = 1): Promise<Rig> {
    const directory = await mkdtemp(join(tmpdir(), 'highwater-bench-'))
    const server = await startPrivateServer({ storeDirectory: join(directory, 'jetstream') })
    const connection = await connectToNats({ servers: [server.url], name: 'bench' })
    for (let partition = 0; partition < partitionCount; partition++) {
      const genesis = benchGenesis(files, clock, partition, partitionCount)
      await ensureStreams(connection, partition, DEFAULT_STREAM_LIMITS, genesis)
    }
    return new Rig(server, connection, directory)
  }

  async stop(): Promise<void> {
    await this.connection.close()
    await this.server.stop()
    await rm(this.directory, { recursive: true, force: true })
  }

  get storeDirectory(): string {
    return join(this.directory, 'store')
  }

  openStore(): Promise<PageStore> {
    return openStore(this.storeDirectory)
  }

  async source(): Promise<Source> {
    return createJetStreamSource(this.connection, brokerLink(this.connection), { stream: 'IN_0' })
  }

  /** See `benchWorker`: of partition 0. */
  worker(checkpointEveryMs: number): Promise<PartitionWorker> {
    return benchWorker(this.connection, 0, this.storeDirectory, checkpointEveryMs)
  }

  /** See `publishAll`. */
  fill(subject: string, next: () => Uint8Array | null, partition = 0): Promise<void> {
    return publishAll(this.connection, subject, next, partition)
  }
}

/** A worker as production has it, with a checkpoint every `checkpointEveryMs`. */
export async function benchWorker(
  connection: NatsConnection,
  partition: number,
  storeDirectory: string,
  checkpointEveryMs: number,
): Promise<PartitionWorker> {
  letHeapGrow()
  const link = brokerLink(connection)
  return new PartitionWorker(
    {
      source: await createJetStreamSource(connection, link, { stream: `IN_${partition}` }),
      output: await openOutputStream(connection, partition),
      rejects: openRejectStream(connection, partition),
      control: openControlWriter(connection, partition),
      store: await openStore(storeDirectory),
      clock: SYSTEM_CLOCK,
    },
    {
      partition,
      worker: 'bench',
      engine: engineIdentity(),
      checkpoint: { everyMs: checkpointEveryMs, bandwidth: CHECKPOINT_BANDWIDTH },
      outbox: { latencyMs: 2, batchDecisionsMax: 1000, batchSizeMax: 512 * 1024 },
      pendingDecisionsMax: 100_000,
      encodeTick: (id) => encodeTick({ id }),
    },
  )
}

/**
 * Publishes messages that `next` makes into a partition until it returns null, many under way;
 * resolves when all are stored.
 */
export async function publishAll(
  connection: NatsConnection,
  subject: string,
  next: () => Uint8Array | null,
  partition = 0,
): Promise<void> {
  const writer = openInputWriter(connection, partition, 60_000)
  const underWay = new Set<Promise<void>>()
  for (let data = next(); data !== null; data = next()) {
    const stored = writer.publish(subject, data).then(() => {
      underWay.delete(stored)
    })
    underWay.add(stored)
    if (underWay.size >= IN_FLIGHT_MAX) await Promise.race(underWay)
  }
  await Promise.all(underWay)
}
