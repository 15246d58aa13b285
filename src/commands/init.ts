/**
 * `highwater init --config DIR`: makes the streams of all partitions and publishes genesis, as a
 * user that may. Workers then need no right to make, change or delete a stream. Running it again
 * changes nothing.
 */

import { type LoadedConfig, loadConfigDirectory } from '../config/load.ts'
import type { NatsConnectionSettings } from '../config/settings.ts'
import { UsageError } from '../errors.ts'
import { MESSAGE_SIZE_MAX } from '../model/wire.ts'
import { parseForGenesis } from '../partition/config-change.ts'
import { type BrokerConnection, connectToNats } from '../sink/connection.ts'
import { ensureReportingStream, REPORTING_STREAM } from '../sink/reporting-stream.ts'
import { ensureStreams, type PartitionStreams } from '../sink/streams.ts'
import { genesisOf } from '../supervisor.ts'
import { ensureGatewayStreams } from './gateway-streams.ts'
import { natsSettings } from './nats-settings.ts'
import { type OptionValues, textOption } from './option-values.ts'
import { readPartitionCount } from './stream-writer.ts'

/** Options of `init`. The identity, where one is given, takes the place of the settings' own. */
export interface InitOptions {
  readonly config: string
  readonly user: string | null
  readonly passwordFile: string | null
  readonly nkeyFile: string | null
  readonly credentialsFile: string | null
  readonly inboxPrefix: string | null
}

/** Names of the options that hold a text, as they are written. */
export const INIT_TEXTS = [
  'user',
  'password-file',
  'nkey-file',
  'credentials-file',
  'inbox-prefix',
] as const

/** Options out of a command line, with the directory under `config`. */
export function initOptions(values: OptionValues): InitOptions {
  return {
    config: textOption(values, 'config', ''),
    user: textOption(values, 'user', null),
    passwordFile: textOption(values, 'password-file', null),
    nkeyFile: textOption(values, 'nkey-file', null),
    credentialsFile: textOption(values, 'credentials-file', null),
    inboxPrefix: textOption(values, 'inbox-prefix', null),
  }
}

/**
 * Makes what is missing and says so; resolves with 0.
 * @throws {UsageError} when the streams were made for another number of partitions
 */
export async function runInit(options: InitOptions): Promise<number> {
  const config = await loadConfigDirectory(options.config)
  const { settings } = config
  parseForGenesis(config.files)
  const warn = (message: string): void => console.error(`warning: ${message}`)
  const connection = await connectToNats(natsSettings(identify(settings.nats, options), warn))
  try {
    await makeStreams(connection, config)
    const made = await ensureReportingStream(connection, settings.streams.replicas)
    console.log(`${REPORTING_STREAM} ${made === 'made' ? 'made' : 'there already'}`)
    await makeGatewayStreams(connection, config)
  } finally {
    await connection.close()
  }
  return 0
}

async function makeStreams(connection: BrokerConnection, config: LoadedConfig): Promise<void> {
  const { count } = config.settings.partitions
  const limits = { ...config.settings.streams, messageMaxSize: MESSAGE_SIZE_MAX }
  for (let partition = 0; partition < count; partition++) {
    const genesis = genesisOf(config, partition)
    const made = await ensureStreams(connection, partition, limits, genesis)
    const known = partition === 0 ? await readPartitionCount(connection) : null
    if (known !== null && known !== count) {
      throw new UsageError(`the streams were made for ${known} partitions, not ${count}`)
    }
    describe(partition, made)
  }
}

/** What the gateway of these settings will write, so that it needs no right to make a stream. */
async function makeGatewayStreams(
  connection: BrokerConnection,
  { settings }: LoadedConfig,
): Promise<void> {
  const { channels } = settings.gateway
  const partitions = [...Array(settings.partitions.count).keys()]
  await ensureGatewayStreams(connection, settings, channels, partitions)
  for (const { name } of channels) console.log(`channel ${name}: streams of the gateway are there`)
}

function describe(partition: number, { genesis, warnings, ...streams }: PartitionStreams): void {
  const names = [streams.input, streams.output, streams.reject].map(({ name }) => name).join(', ')
  const what = genesis === 'published' ? 'made, genesis published' : 'there already'
  console.log(`partition ${partition}: ${names} ${what}`)
  for (const { message } of warnings) console.log(`  warning: ${message}`)
}

/** Servers and TLS stay those of the settings. */
function identify(
  settings: NatsConnectionSettings,
  { user, passwordFile, nkeyFile, credentialsFile, inboxPrefix }: InitOptions,
): NatsConnectionSettings {
  const prefixed = inboxPrefix === null ? settings : { ...settings, inboxPrefix }
  if (user === null && nkeyFile === null && credentialsFile === null) return prefixed
  return { ...prefixed, user, passwordFile, nkeyFile, credentialsFile, tokenFile: null }
}
