/** The connection to NATS, with the client's defaults replaced by ones that survive an outage. */

import { readFile } from 'node:fs/promises'
import { type ConnectionOptions, connect, credsAuthenticator, type NatsConnection } from 'nats'
import { BrokerRefusedError, BrokerUnavailableError } from '../errors.ts'
import { brokerLink } from './broker-link.ts'

/** A connection to NATS, for those who own one and hand it on without speaking NATS themselves. */
export type BrokerConnection = NatsConnection

/** Where NATS is and who we are. Secrets are never logged. */
export interface NatsSettings {
  /** `nats://host:port` or `tls://host:port`, at least one. */
  readonly servers: readonly string[]
  /** Shown by the server's monitoring. */
  readonly name: string
  readonly token?: string
  readonly user?: string
  readonly password?: string
  /** File with a user JWT and its key. */
  readonly credentialsFile?: string
  readonly tls?: NatsTlsSettings
  /** How long the first connect and each later dial may take. Default 5,000. */
  readonly connectTimeoutMs?: number
  /** Prefix of reply subjects, for users with narrow rights. */
  readonly inboxPrefix?: string
}

/** TLS by files in PEM; an empty object asks for TLS with the system's authorities. */
export interface NatsTlsSettings {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
}

/**
 * A dead peer is noticed after two unanswered pings: 10 to 15 s (the client's default is 2 minutes
 * each).
 */
const PING_INTERVAL_MS = 5_000
const PINGS_UNANSWERED_MAX = 2
const RECONNECT_WAIT_MS = 250
const RECONNECT_JITTER_MS = 250

/**
 * Connects; once connected, it reconnects for ever. The caller owns the connection and closes it.
 * @throws {BrokerUnavailableError} when no server answers now
 * @throws {BrokerRefusedError} when the server rejects who we are
 */
export async function connectToNats(settings: NatsSettings): Promise<NatsConnection> {
  const options = await connectionOptions(settings)
  try {
    const connection = await connect(options)
    brokerLink(connection)
    return connection
  } catch (error) {
    const place = settings.servers.join(', ')
    if (isAuthorizationFailure(error)) {
      throw new BrokerRefusedError(`NATS at ${place} refused the credentials`, { cause: error })
    }
    throw new BrokerUnavailableError(`NATS at ${place} cannot be reached`, { cause: error })
  }
}

async function connectionOptions(settings: NatsSettings): Promise<ConnectionOptions> {
  const options: ConnectionOptions = {
    servers: [...settings.servers],
    name: settings.name,
    timeout: settings.connectTimeoutMs ?? 5_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    reconnectJitterTLS: RECONNECT_JITTER_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_UNANSWERED_MAX,
    noEcho: false,
    // A broker that comes back before its accounts do must not end the connection for good.
    ignoreAuthErrorAbort: true,
    // A stack per request costs more than the request.
    noAsyncTraces: true,
  }
  if (settings.inboxPrefix !== undefined) options.inboxPrefix = settings.inboxPrefix
  if (settings.token !== undefined) options.token = settings.token
  if (settings.user !== undefined) options.user = settings.user
  if (settings.password !== undefined) options.pass = settings.password
  if (settings.tls !== undefined) options.tls = { ...settings.tls }
  if (settings.credentialsFile !== undefined) {
    options.authenticator = credsAuthenticator(await readFile(settings.credentialsFile))
  }
  return options
}

function isAuthorizationFailure(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'AuthorizationError' || cause.name === 'UserAuthenticationExpiredError') {
      return true
    }
  }
  return false
}
