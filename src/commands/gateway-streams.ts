/** The streams that a gateway writes, made by itself or by `highwater init`. */

import type { ChannelSettings } from '../config/gateway-grammar.ts'
import type { Settings } from '../config/settings.ts'
import type { BrokerConnection } from '../sink/connection.ts'
import { ensureDeliveryStream, ensureGateStream } from '../sink/gate-stream.ts'

/**
 * Makes the streams that a gateway with these settings writes, where they are missing.
 * @throws {BrokerRefusedError} one cannot serve, or this user may not make it
 */
export async function ensureGatewayStreams(
  connection: BrokerConnection,
  settings: Settings,
  channels: readonly ChannelSettings[],
  partitions: readonly number[],
): Promise<void> {
  const { replicas, outputMaxAgeMs: maxAgeMs } = settings.streams
  const limits = { replicas, maxAgeMs }
  for (const { name, kind } of channels) {
    if (kind === 'nats') await ensureDeliveryStream(connection, name, limits)
    for (const partition of partitions) await ensureGateStream(connection, partition, name, limits)
  }
}
