/**
 * A whole worker: connection, partitions, HTTP, metrics, config watch. Used by `start` and by the
 * demo.
 */

import type { Logger } from 'pino'
import { type LoadedConfig, loadConfigDirectory } from '../config/load.ts'
import { openSecret } from '../config/secrets.ts'
import { watchDirectory } from '../config/watch.ts'
import { type HttpAddress, createHttpServer, type HttpServer } from '../http/server.ts'
import { createMetrics } from '../metrics/registry.ts'
import type { AuditLog } from '../model/audit.ts'
import type { CancelDeliveries } from '../model/cancellation.ts'
import type { EraseSubscribers } from '../model/erasure.ts'
import type { SelectSegment } from '../model/selection.ts'
import type { SendTest } from '../model/test-send.ts'
import type { PartitionOfferDesk } from '../partition/offer-desk.ts'
import { sendCancellation } from '../probe/cancellation.ts'
import { sendTest as storeTest } from '../probe/direct-sends.ts'
import { sendSelection } from '../probe/selection.ts'
import { sendErasures } from '../probe/erasure.ts'
import { brokerLink } from '../sink/broker-link.ts'
import { type BrokerConnection, connectToNats } from '../sink/connection.ts'
import { Supervisor } from '../supervisor.ts'
import { openAuditLog } from './audit-log.ts'
import { backupSettings } from './backup.ts'
import { createBackups } from './backups.ts'
import { ChannelAlarms } from './channel-alarms.ts'
import { engineIdentity } from './engine.ts'
import { createControlPorts } from './control-ports.ts'
import { createOfferDesk, OFFERS_STOP_MS } from './offer-desk.ts'
import { letHeapGrow } from './heap-growth.ts'
import { natsSettings } from './nats-settings.ts'

/** What a worker process is started with. `config` absent: read from the directory. */
export interface ServeOptions {
  readonly configDirectory: string
  readonly config?: LoadedConfig
  readonly logger: Logger
  /** Whether changes of the directory are noticed by themselves. */
  readonly isWatching: boolean
  /** Aborted: what is being started comes to an end, and the worker resolves to be stopped. */
  readonly signal?: AbortSignal
}

/** A running worker process. */
export interface RunningWorker {
  readonly supervisor: Supervisor
  readonly address: HttpAddress
  readonly connection: BrokerConnection
  /** Reloads because of what `cause` names (a signal, a file), with a line in the audit. */
  reload(cause: string): Promise<void>
  /** Drains and closes everything; may be called twice. */
  stop(): Promise<void>
}

/**
 * Starts a worker; resolves when HTTP answers and all partitions recover (not when they are live).
 */
export async function serve(options: ServeOptions): Promise<RunningWorker> {
  letHeapGrow()
  const { configDirectory, logger } = options
  const config = options.config ?? (await loadConfigDirectory(configDirectory))
  const { settings } = config
  const warn = (message: string): void => logger.warn({ message }, 'security warning')
  const connection = await connectToNats(natsSettings(settings.nats, warn))
  brokerLink(connection).onChange((state) => {
    const level = state === 'connected' ? 'info' : 'warn'
    if (state !== 'closed') logger[level]({ state }, 'connection to NATS')
  })
  const supervisor = new Supervisor({
    configDirectory,
    config,
    connection,
    engine: engineIdentity(),
    logger,
  })
  const audit = openAuditLog({ file: settings.log.auditFile, logger })
  const watching = new AbortController()
  let http: HttpServer | null = null
  let offers: PartitionOfferDesk | null = null
  try {
    // Liveness is answered while partitions recover; readiness waits for them.
    const { host, port, tokenFile, ...limits } = settings.http
    const token = openSecret('http.tokenFile', tokenFile, warn)?.() ?? null
    const backup = createBackups(
      backupSettings(settings),
      () => supervisor.partitions().map(({ partition }) => partition),
      supervisor.snapshot,
    )
    const { promote } = supervisor
    const ports = createControlPorts(connection, settings.partitions.count)
    const erase: EraseSubscribers = (subscribers) => sendErasures(subscribers, ports)
    const cancel: CancelDeliveries = (request) => sendCancellation(request, ports)
    const select: SelectSegment = (segment, version) => sendSelection(segment, version, ports)
    const sendTest: SendTest = (request) => storeTest(request, ports)
    offers = createOfferDesk(supervisor, ports)
    const ways = { offers, erase, cancel, select, sendTest, backup, promote }
    const httpOptions = { token, logger, limits, audit, ...ways }
    http = createHttpServer(
      supervisor,
      createMetrics(supervisor, { offers: offers.view }),
      httpOptions,
    )
    const address = await http.listen(port, host)
    logger.info({ url: address.url }, 'HTTP listens')
    if (!address.isLoopback) warn(token === null ? OPEN_WITHOUT_TOKEN : OPEN_WITHOUT_TLS)
    options.signal?.addEventListener('abort', () => void supervisor.stop())
    if (options.signal?.aborted !== true) await supervisor.start()
    new ChannelAlarms(logger).watch(supervisor.partitions, watching.signal)
    const reload = (cause: string): Promise<void> => auditedReload(supervisor, audit, cause)
    if (options.isWatching && options.signal?.aborted !== true) {
      void watchOnceLive(supervisor, reload, configDirectory, watching.signal)
    }
    let stopping: Promise<void> | null = null
    const stop = (): Promise<void> => {
      stopping ??= stopAll({ watching, supervisor, http, offers, connection })
      return stopping
    }
    return { supervisor, address, connection, reload, stop }
  } catch (error) {
    await stopAll({ watching, supervisor, http, offers, connection })
    throw error
  }
}

const OPEN_WITHOUT_TOKEN =
  'HTTP listens beyond this machine and no token is configured: metrics and states of partitions ' +
  'are open to whoever reaches the port; writing and subscribers stay with this machine'
const OPEN_WITHOUT_TLS =
  'HTTP listens beyond this machine: put TLS in front of it, or the token is readable on the way'

/** A reload that nobody asked for by HTTP (which has its own line), with a line in the audit. */
async function auditedReload(
  supervisor: Supervisor,
  audit: AuditLog,
  cause: string,
): Promise<void> {
  const outcome = await supervisor.reload(cause)
  const generation = supervisor.partitions()[0]?.configGeneration ?? null
  const actor = cause === 'SIGHUP' ? 'a signal' : 'the config directory'
  audit.record({ operation: `reload: ${cause}`, actor, outcome: outcome.kind, generation })
}

/** What there is to be stopped of a worker; null: it did not come so far. */
interface Stoppable {
  readonly watching: AbortController
  readonly supervisor: Supervisor
  readonly http: HttpServer | null
  readonly offers: PartitionOfferDesk | null
  readonly connection: BrokerConnection
}

async function stopAll(all: Stoppable): Promise<void> {
  all.watching.abort()
  await all.supervisor.stop()
  await all.http?.close()
  await all.offers?.stop(OFFERS_STOP_MS)
  await all.connection.close()
}

/**
 * The directory is the truth: what changed while nobody ran is sent through the log once we are
 * live.
 */
async function watchOnceLive(
  supervisor: Supervisor,
  reload: (cause: string) => Promise<void>,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await supervisor.untilLive()
  } catch {
    return
  }
  if (signal.aborted) return
  // Whoever follows has no say: the owner's directory is the truth. One that was promoted speaks
  // up with the next change, not at once: its copy may be an old one.
  const onChange = async (): Promise<void> => {
    if (!supervisor.isFollowing) await reload('file change')
  }
  // Watched first, so that no change falls between the first look and the watching.
  await watchDirectory(directory, onChange, { signal })
  if (!signal.aborted && !supervisor.isFollowing) await reload('start')
}
