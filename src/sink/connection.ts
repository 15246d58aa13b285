/** The connection to NATS, with the client's defaults replaced by ones that survive an outage. */

import {
  type Auth,
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from 'nats'
import {
  BrokerRefusedError,
  BrokerTlsError,
  BrokerUnavailableError,
  SecretError,
} from '../errors.ts'
import { brokerLink } from './broker-link.ts'
import { connectTapped, type FrameReceivers } from './tapped-connection.ts'
import { findTlsRefusal, type NatsTlsSettings, tlsOptionsOf, tlsProblemOf } from './tls.ts'

/** A connection to NATS, for those who own one and hand it on without speaking NATS themselves. */
export type BrokerConnection = NatsConnection

/** Gives a secret as it is now; called at each dial, so that a new one takes no restart. */
export type Secret = string | (() => string)

/** Where NATS is and who we are. Secrets are never logged. */
export interface NatsSettings {
  /** `nats://host:port` or `tls://host:port`, at least one; one `tls:` demands TLS of all. */
  readonly servers: readonly string[]
  /** Shown by the server's monitoring. */
  readonly name: string
  readonly token?: Secret
  readonly user?: string
  readonly password?: Secret
  /** Seed of an nkey: `SU…`. */
  readonly nkeySeed?: Secret
  /** Text of a credentials file: a user JWT and its key. */
  readonly credentials?: Secret
  readonly tls?: NatsTlsSettings
  /** How long the first connect and each later dial may take. Default 5,000. */
  readonly connectTimeoutMs?: number
  /** Prefix of reply subjects, for users with narrow rights. */
  readonly inboxPrefix?: string
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
 * @throws {BrokerTlsError} when either side does not trust the other's certificate, or there is no
 *   TLS where it is asked for
 * @throws {SecretError} when a seed or credentials are none
 */
export async function connectToNats(settings: NatsSettings): Promise<NatsConnection> {
  const options = connectionOptions(settings)
  try {
    const receivers: FrameReceivers = new Map()
    const connection = await connectTapped(options, receivers)
    brokerLink(connection, receivers)
    return connection
  } catch (error) {
    const place = settings.servers.join(', ')
    if (isAuthorizationFailure(error)) {
      throw new BrokerRefusedError(`NATS at ${place} refused the credentials`, { cause: error })
    }
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    const problem =
      isLate && settings.tls !== undefined
        ? await findTlsRefusal(settings.servers, settings.tls)
        : tlsProblemOf(error)
    if (problem !== null) {
      throw new BrokerTlsError(`no TLS with NATS at ${place}: ${problem}`, { cause: error })
    }
    throw new BrokerUnavailableError(`NATS at ${place} cannot be reached`, { cause: error })
  }
}

function connectionOptions(settings: NatsSettings): ConnectionOptions {
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
  const authenticator = authenticatorOf(settings)
  if (authenticator !== null) options.authenticator = authenticator
  const tls = tlsOptionsOf(settings.servers, settings.tls)
  if (tls !== null) options.tls = tls
  return options
}

/** How we say who we are; secrets that cannot be ones are found before the first dial. */
function authenticatorOf(settings: NatsSettings): Authenticator | null {
  const { token, user, password, nkeySeed, credentials } = settings
  const authenticators: Authenticator[] = []
  if (token !== undefined) authenticators.push(tokenAuthenticator(token))
  if (user !== undefined) authenticators.push(usernamePasswordAuthenticator(user, password))
  if (nkeySeed !== undefined) {
    const seed = nkeyAuthenticator(() => bytesOf(nkeySeed))
    authenticators.push(checked(seed, 'the nkey seed is none: it begins with SU'))
  }
  if (credentials !== undefined) {
    const pair = credsAuthenticator(() => bytesOf(credentials))
    authenticators.push(checked(pair, 'the credentials hold no user JWT with its seed'))
  }
  const [first, ...others] = authenticators
  if (first === undefined) return null
  return others.length === 0 ? first : (nonce) => mergeAuth(authenticators, nonce)
}

function mergeAuth(authenticators: readonly Authenticator[], nonce: string | undefined): Auth {
  return Object.assign({}, ...authenticators.map((each) => each(nonce)))
}

/**
 * Tries it now, and has an answer later: an error in the middle of a dial would end the connection
 * for good, where a server's refusal is followed by the next dial.
 */
function checked(authenticator: Authenticator, problem: string): Authenticator {
  try {
    authenticator('nonce')
  } catch {
    // The library's error may quote what it could not read.
    throw new SecretError(problem)
  }
  return (nonce) => {
    try {
      return authenticator(nonce)
    } catch {
      return undefined
    }
  }
}

function bytesOf(secret: Secret): Uint8Array {
  return new TextEncoder().encode(typeof secret === 'string' ? secret : secret())
}

function isAuthorizationFailure(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'AuthorizationError' || cause.name === 'UserAuthenticationExpiredError') {
      return true
    }
  }
  return false
}
