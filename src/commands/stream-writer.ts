/**
 * The way into a running installation for probes: which partitions there are, and a writer to each.
 */

import { loadConfigDirectory } from '../config/load.ts'
import { decodeControl } from '../decode/control.ts'
import { BrokerRefusedError, HighwaterError, UsageError } from '../errors.ts'
import type { UsageWriter } from '../probe/publisher.ts'
import { parseCatalog } from '../rules/parse-catalog.ts'
import { isMissingRight } from '../sink/broker-errors.ts'
import { type BrokerConnection, connectToNats, type NatsSettings } from '../sink/connection.ts'
import { type InputWriter, openInputWriter } from '../sink/input-writer.ts'
import { PUBLISH_TIMEOUT_MS } from '../sink/publish.ts'
import { createStreamReader } from '../sink/stream-reader.ts'
import { inputStreamName } from '../sink/stream-names.ts'
import { natsSettings } from './nats-settings.ts'

/** Where to publish, as the command line says it. */
export interface StreamTarget {
  /** Addresses of NATS servers; empty: those of the configuration, or this machine's. */
  readonly servers: readonly string[]
  /** A worker's config directory: connection, partitions and app dictionary; null: none. */
  readonly configDirectory: string | null
  /** null: what the log's first message says. */
  readonly partitionCount: number | null
}

/** A connection for publishing into all partitions; whoever opened it closes it. */
export interface OpenStreams {
  readonly writer: UsageWriter
  readonly partitionCount: number
  close(): Promise<void>
}

const SERVER_DEFAULT = 'nats://127.0.0.1:4222'

/** A connection to a running installation; whoever opened it closes it. */
export interface OpenTarget {
  readonly connection: BrokerConnection
  readonly partitionCount: number
  close(): Promise<void>
}

/** Connects for publishing usage, see `openTarget`. */
export async function openStreams(target: StreamTarget, name: string): Promise<OpenStreams> {
  const { connection, partitionCount, close } = await openTarget(target, name)
  const writers = Array.from({ length: partitionCount }, (_, partition) =>
    openInputWriter(connection, partition),
  )
  return { writer: routeByPartition(writers), partitionCount, close }
}

/**
 * Connects and makes sure that the streams of all partitions are there and of that many partitions.
 * @throws UsageError with a sentence when no worker has made them yet, or for another partition
 *   count
 */
export async function openTarget(target: StreamTarget, name: string): Promise<OpenTarget> {
  const connection = await connectToNats({ ...(await connectionSettings(target)), name })
  try {
    const partitionCount = await settlePartitionCount(connection, target.partitionCount)
    const close = (): Promise<void> => connection.close()
    return { connection, partitionCount, close }
  } catch (error) {
    await connection.close()
    throw error
  }
}

async function settlePartitionCount(
  connection: BrokerConnection,
  told: number | null,
): Promise<number> {
  try {
    const known = await readPartitionCount(connection)
    const asked = told ?? known
    if (asked === null) {
      throw new UsageError('the log no longer holds its first message: say --partitions')
    }
    if (known !== null && known !== asked) {
      throw new UsageError(`the streams were made for ${known} partitions, not ${asked}`)
    }
    for (let partition = 1; partition < asked; partition++) await findStream(connection, partition)
    return asked
  } catch (error) {
    if (!isMissingRight(error)) throw error
    // A probe with the least rights may look at nothing: what it was told counts.
    if (told !== null) return told
    throw new UsageError('this user may not look at the streams: say --partitions')
  }
}

/** App names and codes of a configuration's dictionary; empty without one. */
export async function readAppWords(
  configDirectory: string | null,
): Promise<ReadonlyMap<string, number>> {
  if (configDirectory === null) return new Map()
  return parseCatalog((await loadConfigDirectory(configDirectory)).files).catalog.apps
}

async function connectionSettings(target: StreamTarget): Promise<NatsSettings> {
  const { servers, configDirectory } = target
  const fallback = { servers: servers.length > 0 ? servers : [SERVER_DEFAULT], name: 'highwater' }
  if (configDirectory === null) return fallback
  const { settings } = await loadConfigDirectory(configDirectory)
  const configured = natsSettings(settings.nats, (message) => console.error(message))
  return servers.length > 0 ? { ...configured, servers } : configured
}

/** The partition count that genesis gave; null when retention has taken genesis away. */
export async function readPartitionCount(connection: BrokerConnection): Promise<number | null> {
  const reader = await findStream(connection, 0)
  const first = await reader.read(1)
  if (first === null) return null
  const control = decodeControl(first.data)
  return control.kind === 'genesis' ? control.partitionCount : null
}

async function findStream(connection: BrokerConnection, partition: number) {
  const stream = inputStreamName(partition)
  const reader = await createStreamReader(connection, stream, PUBLISH_TIMEOUT_MS)
  try {
    const { lastSequence } = await reader.state()
    if (lastSequence > 0) return reader
  } catch (error) {
    if (isMissingRight(error)) throw error
    const isMissing = error instanceof BrokerRefusedError
    if (!isMissing && error instanceof HighwaterError) throw error
  }
  throw new UsageError(
    `there is no stream ${stream} to publish into: ` +
      'start a worker first (highwater start), which makes it',
  )
}

/** `usage.<partition>.<probe>` goes to that partition's stream. */
function routeByPartition(writers: readonly InputWriter[]): UsageWriter {
  return {
    publish(subject: string, data: Uint8Array): Promise<void> {
      const partition = Number(subject.split('.', 2)[1])
      return writers[partition]!.publish(subject, data)
    },
  }
}
