/**
 * `highwater gateway --config DIR`: sends what the engine decided, until it is told to stop. A
 * process of its own: it reads OUT, writes GATE and feedback, and shares nothing with the workers.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { type Logger, pino } from 'pino'
import { loadConfigDirectory } from '../config/load.ts'
import type { ChannelSettings } from '../config/gateway-grammar.ts'
import type { Settings } from '../config/settings.ts'
import { decodeSaidMessage } from '../decode/decisions.ts'
import { HighwaterError, UsageError } from '../errors.ts'
import { Gateway } from '../gateway/gateway.ts'
import type { LanePorts } from '../gateway/lane-start.ts'
import { createGatewayServer } from '../http/gateway-server.ts'
import type { HttpServer } from '../http/server.ts'
import { createGatewayMetrics } from '../metrics/gateway-metrics.ts'
import type { LaneView } from '../model/gateway-view.ts'
import { maskDigits } from '../model/masking.ts'
import type { WaitingClock } from '../model/ports.ts'
import type { FeedPlace } from '../model/said.ts'
import { producerSubject } from '../model/wire.ts'
import { SYSTEM_CLOCK } from '../partition/system-clock.ts'
import { brokerLink } from '../sink/broker-link.ts'
import { type BrokerConnection, connectToNats } from '../sink/connection.ts'
import { openGateStream } from '../sink/gate-stream.ts'
import { type InputWriter, openInputWriter } from '../sink/input-writer.ts'
import { outputStreamName } from '../sink/stream-names.ts'
import { findFeedPlace, openDecisionFeed } from '../source/decision-feed.ts'
import { createJetStreamSource } from '../source/jetstream-source.ts'
import { packageVersion } from './engine.ts'
import { createChannel } from './gateway-channels.ts'
import { ensureGatewayStreams } from './gateway-streams.ts'
import { awaitEnding } from './interrupt.ts'
import { natsSettings } from './nats-settings.ts'
import { textOption } from './option-values.ts'
import { CONFIG_DEFAULT, parse, texts } from './parse-options.ts'

/** Options of `gateway`. */
export interface GatewayOptions {
  readonly config: string
  /** Channels of the settings that this process speaks to; null: all. */
  readonly channels: readonly string[] | null
  /** Partitions that it sends for; null: those that the settings say are owned. */
  readonly partitions: readonly number[] | null
}

/**
 * Options out of a command line.
 * @throws {UsageError}
 */
export function gatewayOptions(args: string[]): GatewayOptions {
  const config = { type: 'string', default: CONFIG_DEFAULT } as const
  const values = parse(args, { config, ...texts('channels', 'partitions') })
  const partitions = textOption(values, 'partitions', null)
  if (partitions !== null && !/^\d{1,4}(,\d{1,4})*$/.test(partitions)) {
    throw new UsageError('--partitions takes 0,1,5')
  }
  return {
    config: values.config as string,
    channels: textOption(values, 'channels', null)?.split(',') ?? null,
    partitions: partitions === null ? null : [...new Set(partitions.split(',').map(Number))],
  }
}

/** A running gateway. */
export interface RunningGateway {
  readonly gateway: Gateway
  readonly url: string
  /** Drains and closes everything. */
  stop(): Promise<void>
}

/** Waiting keeps no process up: what is connected does. */
const CLOCK: WaitingClock = {
  ...SYSTEM_CLOCK,
  pause: (ms) => pause(ms, undefined, { ref: false }),
}

/** Bytes of decisions that each lane holds at most, besides those it has decoded. */
const FEED_BUFFER_SIZE = 4 * 1024 ** 2

/**
 * Runs until SIGTERM or SIGINT (drain; 0), or until nothing can be sent any more (1). A channel of
 * a partition that had to halt makes it 1, too.
 */
export async function runGateway(options: GatewayOptions): Promise<number> {
  const { asked } = awaitEnding()
  const { settings } = await loadConfigDirectory(options.config)
  const logger = pino({ level: settings.log.level })
  const running = await startGateway(settings, options, logger)
  const signal = await Promise.race([running.gateway.untilHalted().then(() => null), asked])
  logger.info({ signal }, signal === null ? 'nothing can be sent any more' : 'draining')
  const hasHalted = running.gateway.lanes().some(({ status }) => status === 'halted')
  await running.stop()
  return hasHalted ? 1 : 0
}

/**
 * Starts a gateway; resolves when its HTTP answers and every lane has begun to start.
 * @throws {UsageError} there is nothing to send through
 */
export async function startGateway(
  settings: Settings,
  options: GatewayOptions,
  logger: Logger,
): Promise<RunningGateway> {
  const chosen = chosenChannels(settings, options.channels)
  const partitions = options.partitions ?? ownedBySettings(settings)
  const { count } = settings.partitions
  const surplus = partitions.find((partition) => partition >= count)
  if (surplus !== undefined) throw new UsageError(`there is no partition ${surplus} of ${count}`)
  const warn = (message: string): void => logger.warn({ message }, 'security warning')
  const connection = await connectToNats(natsSettings(settings.nats, warn))
  brokerLink(connection).onChange((state) => {
    if (state !== 'closed') logger.info({ state }, 'connection to NATS')
  })
  let http: HttpServer | null = null
  try {
    const parts = {
      connection,
      clock: CLOCK,
      receiptHorizonMs: settings.gateway.receiptsWithinMs,
      warn,
      onTrouble: (channel: string, what: string) => logger.warn({ channel, what }, 'target'),
    }
    const gateway = new Gateway({
      name: settings.gateway.name,
      version: packageVersion(),
      partitions,
      partitionCount: settings.partitions.count,
      channels: chosen.map((channel) => createChannel(channel, parts)),
      clock: CLOCK,
      portsOf: (channel, partition) => openLanePorts(connection, settings, channel, partition),
      onHalt: (lane, error) => logHalt(logger, lane, error),
    })
    await ensureGatewayStreams(connection, settings, chosen, partitions)
    const { host, port } = settings.gateway
    http = createGatewayServer(gateway, createGatewayMetrics(gateway))
    const address = await http.listen(port, host)
    logger.info({ url: address.url, channels: chosen.map(({ name }) => name) }, 'gateway')
    await gateway.start()
    const server = http
    const stop = async (): Promise<void> => {
      await gateway.stop(settings.shutdown.timeoutMs)
      await server.close()
      await connection.close()
    }
    return { gateway, url: address.url, stop }
  } catch (error) {
    await http?.close()
    await connection.close()
    throw error
  }
}

function chosenChannels(
  { gateway: { channels } }: Settings,
  names: readonly string[] | null,
): readonly ChannelSettings[] {
  const unknown = names?.find((name) => channels.every((channel) => channel.name !== name))
  if (unknown !== undefined)
    throw new UsageError(`the settings have no gateway.channels.${unknown}`)
  const chosen = channels.filter(({ name }) => names?.includes(name) ?? true)
  if (chosen.length === 0) {
    throw new UsageError('the settings name no channel to send through: gateway.channels')
  }
  return chosen
}

function ownedBySettings({ partitions: { count, owned } }: Settings): readonly number[] {
  return owned === 'all' ? [...Array(count).keys()] : owned
}

async function openLanePorts(
  connection: BrokerConnection,
  settings: Settings,
  channel: string,
  partition: number,
): Promise<LanePorts> {
  const { inboxPrefix } = settings.nats
  const stream = outputStreamName(partition)
  const link = brokerLink(connection)
  const writers = new Map<number, InputWriter>()
  const writerOf = (target: number): InputWriter => {
    const writer = writers.get(target) ?? openInputWriter(connection, target)
    writers.set(target, writer)
    return writer
  }
  const sourceSettings = { stream, inboxPrefix, bufferSizeMax: FEED_BUFFER_SIZE }
  return {
    gate: await openGateStream(connection, partition, channel),
    openFeed: async (place: FeedPlace | null) => {
      const source = await createJetStreamSource(connection, link, sourceSettings)
      const where = settings.gateway.begin === 'all' ? 'oldest' : 'newest'
      const after = place ?? (await findFeedPlace(source, decodeSaidMessage, where))
      return openDecisionFeed(source, decodeSaidMessage, after)
    },
    publishFeedback: (target, source, data) =>
      writerOf(target).publish(producerSubject('feedback', target, source), data),
    clock: CLOCK,
  }
}

function logHalt(logger: Logger, { channel, partition }: LaneView, error: unknown): void {
  const code = error instanceof HighwaterError ? error.code : 'HW_INTERNAL'
  const text = maskDigits(error instanceof Error ? error.message : String(error))
  logger.fatal({ channel, partition, code, error: text }, 'a channel cannot go on')
}
