/**
 * A whole worker: connection, partitions, HTTP, metrics, config watch. Used by `start` and by the
 * demo.
 */

import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { type LoadedConfig, loadConfigDirectory } from '../config/load.ts'
import type { NatsConnectionSettings } from '../config/settings.ts'
import { watchDirectory } from '../config/watch.ts'
import { type HttpAddress, createHttpServer, type HttpServer } from '../http/server.ts'
import { createMetrics } from '../metrics/registry.ts'
import { type BrokerConnection, connectToNats, type NatsSettings } from '../sink/connection.ts'
import { Supervisor } from '../supervisor.ts'
import { engineIdentity } from './engine.ts'

/** What a worker process is started with. `config` absent: read from the directory. */
export interface ServeOptions {
  readonly configDirectory: string
  readonly config?: LoadedConfig
  readonly logger: Logger
  /** Whether changes of the directory are noticed by themselves. */
  readonly isWatching: boolean
}

/** A running worker process. */
export interface RunningWorker {
  readonly supervisor: Supervisor
  readonly address: HttpAddress
  readonly connection: BrokerConnection
  /** Drains and closes everything; may be called twice. */
  stop(): Promise<void>
}

/**
 * Starts a worker; resolves when HTTP answers and all partitions recover (not when they are live).
 */
export async function serve(options: ServeOptions): Promise<RunningWorker> {
  const { configDirectory, logger } = options
  const config = options.config ?? (await loadConfigDirectory(configDirectory))
  const { settings } = config
  const connection = await connectToNats(await natsSettings(settings.nats))
  const supervisor = new Supervisor({
    configDirectory,
    config,
    connection,
    engine: engineIdentity(),
    logger,
  })
  const watching = new AbortController()
  let http: HttpServer | null = null
  try {
    // Liveness is answered while partitions recover; readiness waits for them.
    const token = await readSecret(settings.http.tokenFile)
    http = createHttpServer(supervisor, createMetrics(supervisor), { token, logger })
    const address = await http.listen(settings.http.port, settings.http.host)
    logger.info({ url: address.url }, 'HTTP listens')
    await supervisor.start()
    if (options.isWatching) void watchOnceLive(supervisor, configDirectory, watching.signal)
    let stopping: Promise<void> | null = null
    const stop = (): Promise<void> => {
      stopping ??= stopAll(watching, supervisor, http, connection)
      return stopping
    }
    return { supervisor, address, connection, stop }
  } catch (error) {
    await stopAll(watching, supervisor, http, connection)
    throw error
  }
}

async function stopAll(
  watching: AbortController,
  supervisor: Supervisor,
  http: HttpServer | null,
  connection: BrokerConnection,
): Promise<void> {
  watching.abort()
  await supervisor.stop()
  await http?.close()
  await connection.close()
}

/**
 * The directory is the truth: what changed while nobody ran is sent through the log once we are
 * live.
 */
async function watchOnceLive(
  supervisor: Supervisor,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await supervisor.untilLive()
  } catch {
    return
  }
  if (signal.aborted) return
  const onChange = async (): Promise<void> => {
    await supervisor.reload('file change')
  }
  // Watched first, so that no change falls between the first look and the watching.
  await watchDirectory(directory, onChange, { signal })
  if (!signal.aborted) await supervisor.reload('start')
}

/** Connection settings with their secrets read from files. */
export async function natsSettings(settings: NatsConnectionSettings): Promise<NatsSettings> {
  const password = await readSecret(settings.passwordFile)
  const token = await readSecret(settings.tokenFile)
  const { caFile, certFile, keyFile } = settings.tls
  const hasTls = caFile !== null || certFile !== null
  return {
    servers: settings.servers,
    name: 'highwater',
    ...(settings.user === null ? {} : { user: settings.user }),
    ...(password === null ? {} : { password }),
    ...(token === null ? {} : { token }),
    ...(settings.credentialsFile === null ? {} : { credentialsFile: settings.credentialsFile }),
    ...(hasTls
      ? {
          tls: {
            ...(caFile === null ? {} : { caFile }),
            ...(certFile === null ? {} : { certFile }),
            ...(keyFile === null ? {} : { keyFile }),
          },
        }
      : {}),
  }
}

async function readSecret(file: string | null): Promise<string | null> {
  return file === null ? null : (await readFile(file, 'utf8')).trim()
}
