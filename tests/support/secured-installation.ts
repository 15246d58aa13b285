/**
 * An installation whose server knows rights: config/nats/accounts.conf as it is shipped, an nkey
 * for each of its users, and connections with them.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { connect, type NatsConnection, nkeyAuthenticator, nkeys } from 'nats'
import { PROJECT_ROOT } from '../../src/launch.mjs'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { PrivateServer } from '../../src/sink/nats-server.ts'
import { startNatsServer } from './nats-server.ts'
import { writeFiles } from './worker-harness.ts'

/** The users of accounts.conf, by the ends of their variables. */
export const SECURED_USERS = [
  'ADMIN',
  'WORKER',
  'WATCH',
  'GATEWAY',
  'PROBE_7',
  'CRM',
  'SMS_GATEWAY',
  'REPORTS',
] as const
export type SecuredUser = (typeof SECURED_USERS)[number]

/** Users of the account that holds the streams have inboxes of their own. */
const INBOX_PREFIXES: Partial<Record<SecuredUser, string>> = {
  ADMIN: '_INBOX_admin',
  WORKER: '_INBOX_worker',
  WATCH: '_INBOX_watch',
  GATEWAY: '_INBOX_gateway',
}

/** Starts the server. */
export async function openSecuredInstallation(): Promise<SecuredInstallation> {
  const directory = await mkdtemp(join(tmpdir(), 'highwater-secured-'))
  const seeds = {} as Record<SecuredUser, string>
  for (const user of SECURED_USERS) {
    const key = nkeys.createUser()
    seeds[user] = new TextDecoder().decode(key.getSeed())
    // The server inherits our environment, and finds its variables there.
    process.env[`HIGHWATER_${user}`] = key.getPublicKey()
    await writeFile(join(directory, `${user}.nk`), seeds[user], { mode: 0o600 })
  }
  // The server takes the path as relative to its own file, which is in a folder beside ours.
  const accounts = relative(directory, join(PROJECT_ROOT, 'config', 'nats', 'accounts.conf'))
  const server = await startNatsServer({ configText: `include "${accounts}"` })
  for (const user of SECURED_USERS) delete process.env[`HIGHWATER_${user}`]
  return new SecuredInstallation(directory, server, seeds)
}

/** Server, seeds and connections; `close` ends all of it. */
export class SecuredInstallation {
  readonly directory: string
  readonly server: PrivateServer
  readonly seeds: Readonly<Record<SecuredUser, string>>
  readonly #connections: NatsConnection[] = []

  constructor(directory: string, server: PrivateServer, seeds: Record<SecuredUser, string>) {
    this.directory = directory
    this.server = server
    this.seeds = seeds
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) await connection.close()
    await this.server.stop()
    await rm(this.directory, { recursive: true, force: true })
  }

  /** File that holds a user's seed. */
  seedFile(user: SecuredUser): string {
    return join(this.directory, `${user}.nk`)
  }

  /** A bare connection, as any program would make it. */
  async connectAs(user: SecuredUser): Promise<NatsConnection> {
    const connection = await connect({
      servers: [this.server.url],
      authenticator: nkeyAuthenticator(new TextEncoder().encode(this.seeds[user])),
      inboxPrefix: INBOX_PREFIXES[user] ?? '_INBOX',
      reconnect: false,
      timeout: 5_000,
    })
    this.#connections.push(connection)
    return connection
  }

  /** A config directory whose settings name a user. */
  async writeConfig(
    user: SecuredUser,
    files: ConfigFiles,
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const directory = join(this.directory, `config-${user}`)
    const inboxPrefix = INBOX_PREFIXES[user]
    const nats = {
      servers: [this.server.url],
      nkeyFile: this.seedFile(user),
      ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    }
    const basics = {
      nats,
      partitions: { count: 2 },
      store: { directory: join(this.directory, 'store') },
      http: { port: 0 },
    }
    const text = JSON.stringify({ ...basics, ...settings })
    await writeFiles(directory, { 'highwater.yaml': text, ...files })
    return directory
  }
}
