/** The streams that a gateway writes: GATE_<p>_<channel>, and DELIVERY_<channel> for readers. */

import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { GateBrokenError } from '../errors.ts'
import type { OutputStream } from '../model/ports.ts'
import { openChainStream } from './chain-stream.ts'
import { PUBLISH_TIMEOUT_MS } from './publish.ts'
import { deliveryStreamName, deliverySubject, gateStreamName, gateSubject } from './stream-names.ts'
import { createManager } from './stream-reader.ts'
import type { StreamPlan } from './stream-settings.ts'
import { ensureStream } from './streams.ts'

/** Limits of a gateway's streams. Ages in ms. */
export interface GateLimits {
  readonly replicas: number
  /** As long as OUT keeps decisions. */
  readonly maxAgeMs: number
}

const NANOSECONDS_PER_MS = 1_000_000
const SHORTEST_DUPLICATE_WINDOW_MS = 1_000
/** A delivery that is published again within this time is dropped by its id. */
const DELIVERY_DUPLICATE_WINDOW_MS = 600_000

/**
 * Makes GATE of one channel of one partition if it is missing.
 * @throws {BrokerRefusedError} it cannot serve, or is missing and this user may not make it
 */
export async function ensureGateStream(
  connection: NatsConnection,
  partition: number,
  channel: string,
  limits: GateLimits,
): Promise<void> {
  const name = gateStreamName(partition, channel)
  await ensure(connection, {
    ...planOf(limits, SHORTEST_DUPLICATE_WINDOW_MS),
    name,
    subjects: [gateSubject(partition, channel)],
  })
}

/** Makes DELIVERY of one channel if it is missing; errors as of `ensureGateStream`. */
export async function ensureDeliveryStream(
  connection: NatsConnection,
  channel: string,
  limits: GateLimits,
): Promise<void> {
  const name = deliveryStreamName(channel)
  await ensure(connection, {
    ...planOf(limits, DELIVERY_DUPLICATE_WINDOW_MS),
    name,
    subjects: [deliverySubject(channel)],
  })
}

async function ensure(connection: NatsConnection, plan: StreamPlan): Promise<void> {
  const manager = await createManager(connection, PUBLISH_TIMEOUT_MS)
  await ensureStream(manager, plan, plan)
}

function planOf(
  { replicas, maxAgeMs }: GateLimits,
  duplicateWindowMs: number,
): Omit<StreamPlan, 'name' | 'subjects'> {
  return {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    deny_delete: true,
    deny_purge: true,
    max_age: maxAgeMs * NANOSECONDS_PER_MS,
    max_bytes: -1,
    max_msg_size: -1,
    duplicate_window: duplicateWindowMs * NANOSECONDS_PER_MS,
  }
}

/**
 * Opens GATE of one channel of one partition, as `openChainStream` does. Reading throws
 * GateBrokenError when the stream does not hold a message.
 */
export function openGateStream(
  connection: NatsConnection,
  partition: number,
  channel: string,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
): Promise<OutputStream> {
  const place = {
    stream: gateStreamName(partition, channel),
    subject: gateSubject(partition, channel),
    missing: (message: string) => new GateBrokenError(message),
  }
  return openChainStream(connection, place, timeoutMs)
}
