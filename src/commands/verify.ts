/**
 * `highwater verify --config DIR`: is what a worker would start from whole, does it agree with
 * itself, and does it go with the streams? Changes nothing.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfigDirectory } from '../config/load.ts'
import { ownedPartitions, type Settings } from '../config/settings.ts'
import { HighwaterError, StoreLockedError, UsageError } from '../errors.ts'
import type { ImageReader } from '../model/backup.ts'
import type { ManifestHead } from '../partition/image.ts'
import { type Check, reasonOf, verifyImage } from '../partition/verify.ts'
import { verifyStreams } from '../partition/verify-streams.ts'
import { brokerLink } from '../sink/broker-link.ts'
import { type BrokerConnection, connectToNats } from '../sink/connection.ts'
import { openOutputStream } from '../sink/output-stream.ts'
import { inputStreamName } from '../sink/stream-names.ts'
import { createJetStreamSource } from '../source/jetstream-source.ts'
import { openBackupFile } from '../store/backup-file.ts'
import { openStore } from '../store/lmdb-store.ts'
import { partitionDirectory } from '../store/partition-directory.ts'
import { engineIdentity } from './engine.ts'
import { natsSettings } from './nats-settings.ts'

/** Options of `verify`. */
export interface VerifyOptions {
  readonly config: string
  /** Null: all that the configuration owns. */
  readonly partition: number | null
  /** A backup in the place of a store. */
  readonly backup: string | null
  /** Leaves the streams out. */
  readonly isOffline: boolean
  readonly isJson: boolean
}

/** What was found of one partition. */
export interface PartitionVerdict {
  readonly partition: number
  readonly checks: readonly Check[]
}

/** Prints a line per check; exit code 1 when one failed. */
export async function runVerify(options: VerifyOptions): Promise<number> {
  const { settings } = await loadConfigDirectory(options.config)
  const verdicts = await verifyAll(settings, options)
  if (options.isJson) console.log(JSON.stringify(verdicts))
  else for (const verdict of verdicts) printVerdict(verdict)
  const isFailed = verdicts.some(({ checks }) => checks.some(({ outcome }) => outcome === 'failed'))
  return isFailed ? 1 : 0
}

/** Checks a backup as the image of a partition, without its store. */
export async function verifyBackup(
  settings: Settings,
  partition: number,
  backup: string,
  isOffline: boolean,
): Promise<PartitionVerdict> {
  const options = { config: '', partition, backup, isOffline, isJson: false }
  const [verdict] = await verifyAll(settings, options)
  return verdict!
}

/** Prints what was found of one partition, for people. */
export function printVerdict({ partition, checks }: PartitionVerdict): void {
  for (const { name, outcome, detail } of checks) {
    console.log(`partition ${partition}  ${name.padEnd(13)} ${outcome.padEnd(7)} ${detail}`)
  }
}

async function verifyAll(
  settings: Settings,
  options: VerifyOptions,
): Promise<readonly PartitionVerdict[]> {
  const { count } = settings.partitions
  const partitions = options.partition === null ? ownedPartitions(settings) : [options.partition]
  if (partitions.some((partition) => partition >= count)) {
    throw new UsageError(`the configuration has partitions 0 to ${count - 1}`)
  }
  if (options.backup !== null && partitions.length !== 1) {
    throw new UsageError('--backup is of one partition: say which with --partition')
  }
  const streams = await openStreams(settings, options.isOffline)
  try {
    const verdicts: PartitionVerdict[] = []
    for (const partition of partitions) {
      const { head, checks } = await verifyOne(settings, partition, options.backup)
      const stream = head === undefined ? [] : await streams.check(partition, head)
      verdicts.push({ partition, checks: [...checks, ...stream] })
    }
    return verdicts
  } finally {
    await streams.close()
  }
}

/** `head` undefined: it could not be read, and nothing can be said of the streams. */
async function verifyOne(
  settings: Settings,
  partition: number,
  backup: string | null,
): Promise<{ readonly head: ManifestHead | null | undefined; readonly checks: readonly Check[] }> {
  const owner = { partition, partitionCount: settings.partitions.count }
  const verify = (image: ImageReader) => {
    const { head, checks } = verifyImage(image, owner)
    const isManifestWhole = checks[0]?.outcome === 'ok'
    return { head: isManifestWhole ? head : undefined, checks }
  }
  try {
    if (backup !== null) {
      const file = openBackupFile(backup)
      try {
        return verify(file)
      } finally {
        file.close()
      }
    }
    const directory = partitionDirectory(settings.store.directory, partition)
    // Opening would make it.
    if (!existsSync(join(directory, 'state.mdb'))) {
      const detail = 'no image: the partition begins with genesis'
      return { head: null, checks: [{ name: 'manifest', outcome: 'ok', detail }] }
    }
    const store = await openStore(directory)
    try {
      return verify(store)
    } finally {
      await store.close()
    }
  } catch (error) {
    if (!(error instanceof HighwaterError)) throw error
    const detail =
      error instanceof StoreLockedError
        ? 'a worker holds the store: take a backup (highwater backup) and check that (--backup FILE)'
        : reasonOf(error)
    return { head: undefined, checks: [{ name: 'store', outcome: 'failed', detail }] }
  }
}

interface Streams {
  check(partition: number, head: ManifestHead | null): Promise<readonly Check[]>
  close(): Promise<void>
}

/** The broker may be away: then the streams are said to be skipped. */
async function openStreams(settings: Settings, isOffline: boolean): Promise<Streams> {
  const skip = (detail: string): Streams => ({
    check: async () => [{ name: 'streams', outcome: 'skipped', detail }],
    close: async () => undefined,
  })
  if (isOffline) return skip('--offline')
  let connection: BrokerConnection
  try {
    connection = await connectToNats(
      natsSettings(settings.nats, (message) => console.error(message)),
    )
  } catch (error) {
    if (!(error instanceof HighwaterError) || !error.retryable) throw error
    return skip(error.message)
  }
  return {
    check: async (partition, head) => {
      try {
        return await checkStreamsOf(connection, settings, partition, head)
      } catch (error) {
        if (!(error instanceof HighwaterError)) throw error
        return [{ name: 'streams', outcome: 'failed', detail: reasonOf(error) }]
      }
    },
    close: () => connection.close(),
  }
}

async function checkStreamsOf(
  connection: BrokerConnection,
  settings: Settings,
  partition: number,
  head: ManifestHead | null,
): Promise<readonly Check[]> {
  const stream = inputStreamName(partition)
  const { inboxPrefix } = settings.nats
  const link = brokerLink(connection)
  const source = await createJetStreamSource(connection, link, { stream, inboxPrefix })
  const output = await openOutputStream(connection, partition)
  try {
    return await verifyStreams(head, source, output, engineIdentity())
  } finally {
    await Promise.allSettled([source.close(), output.close()])
  }
}
