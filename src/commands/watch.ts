/** `highwater watch`: reports, levels and live statistics, from OUT of all partitions. */

import { mkdir } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { type Logger, pino } from 'pino'
import { type LoadedConfig, loadConfigDirectory } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import { watchDirectory } from '../config/watch.ts'
import { HighwaterError } from '../errors.ts'
import { createWatchServer } from '../http/server.ts'
import { createWatchMetrics } from '../metrics/watch-metrics.ts'
import { type WatchConfiguration, WatchMachine } from '../report/watch-machine.ts'
import { parseCatalog } from '../rules/parse-catalog.ts'
import { brokerLink } from '../sink/broker-link.ts'
import { type BrokerConnection, connectToNats } from '../sink/connection.ts'
import { openReportingStream } from '../sink/reporting-stream.ts'
import { ZoneClock } from '../state/zone.ts'
import { lockDirectory } from '../store/process-lock.ts'
import { createControlPorts } from './control-ports.ts'
import { packageVersion } from './engine.ts'
import { awaitEnding } from './interrupt.ts'
import { natsSettings } from './nats-settings.ts'
import { openOutputFeed } from './output-feeds.ts'
import { Workers } from './planned-poll.ts'
import { TimedOutput } from './timed-output.ts'
import { WatchFiles } from './watch-files.ts'
import { GRACE_MS, WatchLoop } from './watch-loop.ts'
import { createWatchView } from './watch-view.ts'
import { WatchVoice } from './watch-voice.ts'

const RETRY_MS = 1_000

/** Runs until SIGTERM or SIGINT; resolves with the exit code. */
export async function runWatch(options: { readonly config: string }): Promise<number> {
  const { signal } = awaitEnding()
  const config = await loadConfigDirectory(options.config)
  const logger = pino({ level: config.settings.log.level })
  const { directory } = config.settings.watch
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const lock = lockDirectory(directory)
  try {
    await watch(options.config, config, logger, signal)
    return 0
  } finally {
    lock.release()
  }
}

async function watch(
  configDirectory: string,
  config: LoadedConfig,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { settings } = config
  const { zone, clock: clockMode } = settings.genesis
  const partitionCount = settings.partitions.count
  const clock = new ZoneClock(zone)
  const files = new WatchFiles(settings.watch.directory, { zone, partitionCount }, logger)
  let configuration = configurationOf(config)
  warnOfRoles(configuration, settings, logger)
  const fold = await files.readFold(clock)
  const machine = new WatchMachine(fold, configuration, await files.readState())
  machine.begin(clockMode.mode === 'virtual' ? clockMode.startMs : Date.now() - GRACE_MS)
  let loop: WatchLoop | null = null
  let voice: WatchVoice | null = null
  const view = createWatchView({
    ...{ version: packageVersion(), partitionCount, fold, machine },
    configuration: () => configuration,
    loop: () => loop,
    voice: () => voice,
  })
  const { host: _host, port: _port, tokenFile: _token, ...limits } = settings.http
  const http = createWatchServer(view, createWatchMetrics(view), { limits, logger })
  const address = await http.listen(settings.watch.port, settings.watch.host)
  logger.info({ url: address.url }, 'HTTP listens')
  const warn = (message: string): void => logger.warn({ message }, 'security warning')
  const connection = await connect(settings, warn, logger, signal)
  const outputs: TimedOutput[] = []
  try {
    if (connection === null) return
    const reports = await patiently(logger, signal, () =>
      openReportingStream(connection, settings.streams.replicas),
    )
    for (let partition = 0; partition < partitionCount; partition++) {
      const output = await patiently(logger, signal, () =>
        openOutputFeed(connection, settings.nats.inboxPrefix, partition, fold),
      )
      if (output !== null) outputs.push(new TimedOutput(output, fold))
    }
    if (reports === null || outputs.length < partitionCount) return
    const isVirtual = clockMode.mode === 'virtual'
    const control = createControlPorts(connection, partitionCount)
    const { recipients, snapshotEveryMs } = settings.watch
    voice = new WatchVoice({ reports, control, recipients, logger, isVirtual })
    const workers = new Workers(settings.watch, settings.http)
    const parts = { fold, machine, outputs, files, voice, workers, logger }
    loop = new WatchLoop({ ...parts, isVirtual, snapshotEveryMs })
    const reload = async (): Promise<void> => {
      configuration = await reloaded(configDirectory, configuration, logger)
      machine.configure(configuration)
    }
    await watchDirectory(configDirectory, reload, { signal })
    logger.info({ partitions: partitionCount, looks: 'begin' }, 'watching')
    await loop.run(signal)
  } finally {
    await http.close()
    for (const output of outputs) await output.close()
    await connection?.close()
  }
}

function configurationOf({ settings, files }: LoadedConfig): WatchConfiguration {
  const { reporting, triggers } = parseCatalog(files).catalog
  return { zone: settings.genesis.zone, reporting, triggers }
}

/** The new texts, or on any mistake the old ones; the settings stay those of the start. */
async function reloaded(
  directory: string,
  before: WatchConfiguration,
  logger: Logger,
): Promise<WatchConfiguration> {
  try {
    const { files } = await loadConfigDirectory(directory)
    const { reporting, triggers } = parseCatalog(files).catalog
    logger.info('configuration loaded again')
    return { ...before, reporting, triggers }
  } catch (error) {
    if (!(error instanceof HighwaterError)) throw error
    logger.error({ code: error.code, error: error.message }, 'the old configuration is kept')
    return before
  }
}

/** A role that nobody has would be found out when its message is due. */
function warnOfRoles(
  { reporting }: WatchConfiguration,
  { watch: { recipients } }: Settings,
  logger: Logger,
): void {
  const { reports, watch: watched } = reporting
  const messages = [
    ...reports.map(({ message }) => message),
    watched?.message ?? null,
    watched?.dailyMaximum?.message ?? null,
  ]
  const roles = new Set(messages.flatMap((message) => message?.to ?? []))
  for (const role of roles) {
    if ((recipients[role]?.length ?? 0) > 0) continue
    logger.warn({ role }, 'watch.recipients names nobody of this role')
  }
}

async function connect(
  settings: Settings,
  warn: (message: string) => void,
  logger: Logger,
  signal: AbortSignal,
): Promise<BrokerConnection | null> {
  const connection = await patiently(logger, signal, () =>
    connectToNats(natsSettings(settings.nats, warn)),
  )
  if (connection === null) return null
  brokerLink(connection).onChange((state) => {
    const level = state === 'connected' ? 'info' : 'warn'
    if (state !== 'closed') logger[level]({ state }, 'connection to NATS')
  })
  return connection
}

/** Tries until it succeeds or fails for good; null: it was stopped before. */
async function patiently<T>(
  logger: Logger,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T | null> {
  while (!signal.aborted) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof HighwaterError) || !error.retryable) throw error
      logger.warn({ code: error.code, error: error.message }, 'watch waits')
      await pause(RETRY_MS)
    }
  }
  return null
}
