/**
 * REPORT on JetStream: reports and alarms for whoever reads them, each once. Repeats are dropped by
 * the server for a day, and found by their ids after that.
 */

import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { BrokerRefusedError } from '../errors.ts'
import type { PublishOutcome } from '../model/ports.ts'
import { isMissingRight, isStreamMissing } from './broker-errors.ts'
import { createPublisher, PUBLISH_TIMEOUT_MS } from './publish.ts'
import { createManager, createStreamReader } from './stream-reader.ts'

/** The stream of reports and alarms, one per installation. */
export const REPORTING_STREAM = 'REPORT'

const NANOSECONDS_PER_DAY = 86_400_000_000_000
const KEPT_DAYS = 400
/** Messages from the end that are searched for an id. */
const SEARCH_MAX = 500

/** Publishes reports and alarms. */
export interface ReportingStream {
  publish(subject: string, id: string, data: Uint8Array): Promise<PublishOutcome>
  /** Which of these ids stand among the stream's last messages. */
  findPublished(ids: ReadonlySet<string>): Promise<ReadonlySet<string>>
}

/**
 * Makes the stream where it is missing, and opens it. The connection stays the caller's.
 * @throws {BrokerRefusedError | BrokerUnavailableError}
 */
export async function openReportingStream(
  connection: NatsConnection,
  replicas: number,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
): Promise<ReportingStream> {
  await ensureReportingStream(connection, replicas, timeoutMs)
  const publisher = createPublisher(connection, timeoutMs)
  const reader = await createStreamReader(connection, REPORTING_STREAM, timeoutMs)
  return {
    publish: (subject, messageId, data) =>
      publisher.publish({
        stream: REPORTING_STREAM,
        subject,
        data,
        expectedLastSequence: null,
        messageId,
      }),
    async findPublished(ids) {
      const found = new Set<string>()
      if (ids.size === 0) return found
      const { firstSequence, lastSequence } = await reader.state()
      const least = Math.max(1, firstSequence, lastSequence - SEARCH_MAX + 1)
      for (let sequence = lastSequence; sequence >= least; sequence--) {
        const stored = await reader.read(sequence)
        const id = stored?.header.get('Nats-Msg-Id') ?? ''
        if (ids.has(id)) found.add(id)
        if (found.size === ids.size) break
      }
      return found
    },
  }
}

/** Makes the stream where it is missing; one that is there stays as it is. */
export async function ensureReportingStream(
  connection: NatsConnection,
  replicas: number,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
): Promise<'made' | 'present'> {
  const manager = await createManager(connection, timeoutMs)
  try {
    await manager.ask(`looking for ${REPORTING_STREAM}`, (m) => m.streams.info(REPORTING_STREAM))
    return 'present'
  } catch (error) {
    if (!isStreamMissing(error)) throw error
  }
  const plan: Partial<StreamConfig> & { name: string } = {
    name: REPORTING_STREAM,
    subjects: ['report.>', 'alarm.>'],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: KEPT_DAYS * NANOSECONDS_PER_DAY,
    num_replicas: replicas,
    duplicate_window: NANOSECONDS_PER_DAY,
  }
  try {
    await manager.ask(`creating ${REPORTING_STREAM}`, (m) => m.streams.add(plan))
    return 'made'
  } catch (error) {
    if (!isMissingRight(error)) throw error
    const text = `${REPORTING_STREAM} is missing, and this user may not make it; somebody who may runs: highwater init`
    throw new BrokerRefusedError(text, { cause: error })
  }
}
