/** The settings of NATS as its adapter takes them: with readers of their secrets. */

import {
  checkReadable,
  openSecret,
  type SecretReader,
  warnIfReadableByAll,
} from '../config/secrets.ts'
import type { NatsConnectionSettings } from '../config/settings.ts'
import { UsageError } from '../errors.ts'
import type { NatsSettings } from '../sink/connection.ts'

/**
 * Connection settings with readers of their secrets, which read the files again at each dial.
 * `warn` gets sentences for operators.
 *
 * @throws {SecretError} when a secret cannot be had
 * @throws {UsageError} when file and environment together name more than one user
 */
export function natsSettings(
  settings: NatsConnectionSettings,
  warn: (message: string) => void,
): NatsSettings {
  const { user, tls, inboxPrefix, servers } = settings
  const password = openSecret('nats.passwordFile', settings.passwordFile, warn)
  const token = openSecret('nats.tokenFile', settings.tokenFile, warn)
  const nkeySeed = openSecret('nats.nkeyFile', settings.nkeyFile, warn)
  const credentials = openSecret('nats.credentialsFile', settings.credentialsFile, warn)
  const identities = [user, token, nkeySeed, credentials].filter((each) => each !== null)
  if (identities.length > 1) throw new UsageError('settings and environment name several users')
  if (password !== null && user === null) throw new UsageError('a password needs its nats.user')
  const { caFile, certFile, keyFile } = tls
  for (const [key, file] of Object.entries({ caFile, certFile, keyFile })) {
    if (file !== null) checkReadable(`nats.tls${key[0]!.toUpperCase()}${key.slice(1)}`, file)
  }
  if (keyFile !== null) warnIfReadableByAll('nats.tlsKeyFile', keyFile, warn)
  const tlsOptions = present(tls)
  const hasTls = Object.keys(tlsOptions).length > 0
  warnIfReadable(servers, hasTls, password ?? token, warn)
  return {
    servers,
    name: 'highwater',
    ...present({ user, password, token, nkeySeed, credentials, inboxPrefix }),
    ...(hasTls ? { tls: tlsOptions } : {}),
  }
}

/** An nkey and a JWT sign a nonce; a password and a token travel as they are. */
function warnIfReadable(
  servers: readonly string[],
  hasTls: boolean,
  secret: SecretReader | null,
  warn: (message: string) => void,
): void {
  if (secret === null || hasTls) return
  const isPlain = (server: string): boolean =>
    server.startsWith('nats:') && !/^nats:\/\/(?:127\.|localhost|\[::1\])/.test(server)
  if (servers.some(isPlain)) warn('the secret for NATS goes over the network without TLS')
}

type Present<T> = { readonly [K in keyof T]?: NonNullable<T[K]> }

/** What is not null. */
function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null),
  ) as Present<T>
}
