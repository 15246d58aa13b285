/**
 * The settings of one process, `highwater.yaml`: everything that differs between machines and
 * changes no decision. What decides stands in the other files and travels through the log.
 */

import { ConfigInvalidError } from '../errors.ts'
import type { ClockMode } from '../model/messages.ts'
import { type ReadSettings, readSettings, type SettingsReading } from './read-settings.ts'
import { checkChannels, type GatewaySettings } from './gateway-settings.ts'
import { NAMED_SETTINGS, SETTINGS_FIELDS } from './settings-grammar.ts'

/** The settings of a process, checked, in base units. Frozen. */
export interface Settings {
  readonly nats: NatsConnectionSettings
  readonly partitions: PartitionSettings
  /** `promoteAfterMs` null: a standby is promoted only when told. */
  readonly standby: { readonly promoteAfterMs: number | null }
  /** Used once, when the streams are made. */
  readonly genesis: { readonly zone: string; readonly clock: ClockMode }
  readonly store: { readonly directory: string }
  /** Null: no backups are taken. */
  readonly backup: { readonly directory: string | null }
  readonly checkpoint: { readonly everyMs: number; readonly bandwidthBytesPerSecond: number }
  readonly outbox: OutboxSettings
  readonly shutdown: { readonly timeoutMs: number }
  readonly streams: StreamSettings
  readonly http: {
    readonly host: string
    readonly port: number
    readonly tokenFile: string | null
    /** Per client address. */
    readonly writesPerMinute: number
    readonly readsPerMinute: number
    readonly offersPerMinute: number
    readonly connectionsMax: number
  }
  readonly watch: WatchSettings
  readonly gateway: GatewaySettings
  readonly log: { readonly level: LogLevel; readonly auditFile: string | null }
  /** Folders below the config directory whose YAML files belong to other programs. */
  readonly rules: { readonly exclude: readonly string[] }
}

/** `count` is fixed at genesis; `owned`: partitions that this process works on. */
export interface PartitionSettings {
  readonly count: number
  readonly owned: readonly number[] | 'all'
  /** Partitions that this process follows, whether `owned` names them or not. */
  readonly standby: readonly number[] | 'all'
}

/** How to reach NATS. Secrets are read from files, so that they appear in no configuration. */
export interface NatsConnectionSettings {
  readonly servers: readonly string[]
  readonly user: string | null
  readonly passwordFile: string | null
  readonly tokenFile: string | null
  readonly nkeyFile: string | null
  readonly credentialsFile: string | null
  readonly inboxPrefix: string | null
  readonly tls: {
    readonly caFile: string | null
    readonly certFile: string | null
    readonly keyFile: string | null
    readonly serverName: string | null
  }
}

/** Of `highwater watch`. */
export interface WatchSettings {
  readonly directory: string
  readonly snapshotEveryMs: number
  readonly host: string
  readonly port: number
  /** Addresses of workers; empty: the one of `http`. */
  readonly workers: readonly string[]
  /** Numbers of people by role: never logged, never shown. */
  readonly recipients: Readonly<Record<string, readonly number[]>>
}

/** How decisions are gathered into messages, and how many may wait. Times in ms, sizes in bytes. */
export interface OutboxSettings {
  readonly latencyMs: number
  readonly batchDecisionsMax: number
  readonly batchSizeMax: number
  readonly pendingDecisionsMax: number
}

/** Limits of the streams that genesis makes. Sizes in bytes, -1: no limit of our own. */
export interface StreamSettings {
  readonly inputMaxAgeMs: number
  readonly inputMaxSize: number
  readonly outputMaxAgeMs: number
  readonly outputMaxSize: number
  readonly rejectMaxAgeMs: number
  readonly rejectMaxSize: number
  readonly replicas: number
}

/** Levels of the log, most talkative first. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/**
 * Reads the text of `highwater.yaml`; an empty text gives the defaults.
 *
 * @throws ConfigInvalidError with every problem and its place in `file`.
 */
export function parseSettings(file: string, text: string): Settings {
  const reading = readSettings(file, text, SETTINGS_FIELDS, NAMED_SETTINGS)
  const channels = checkChannels(reading.named['gateway.channels'] ?? [], reading.report)
  checkClock(reading)
  checkPartitions(reading)
  checkStreams(reading)
  checkSecrets(reading)
  if (reading.problems.length > 0) throw new ConfigInvalidError(reading.problems)
  return toSettings(reading.values, channels)
}

/** Numbers of the partitions that a process with these settings works on, owned or followed. */
export function ownedPartitions({ partitions }: Settings): readonly number[] {
  return assignedPartitions(partitions).map(({ partition }) => partition)
}

type Reading = SettingsReading<typeof SETTINGS_FIELDS>

function checkClock({ values, report }: Reading): void {
  const { clock, writer, start } = values.genesis
  if (clock === 'virtual') {
    if (writer === null) report('genesis.clock', 'missing-key', 'a virtual clock needs its writer')
    if (start === null) report('genesis.clock', 'missing-key', 'a virtual clock needs its start')
    return
  }
  const advice = 'leave it out, or write clock: virtual'
  const message = 'only a virtual clock has'
  if (writer !== null) report('genesis.writer', 'not-allowed', `${message} a writer`, advice)
  if (start !== null) report('genesis.start', 'not-allowed', `${message} a start`, advice)
}

function checkPartitions({ values, report }: Reading): void {
  const { count } = values.partitions
  for (const name of ['owned', 'standby'] as const) {
    const named = values.partitions[name]
    if (named === 'all') continue
    const surplus = named.find((partition) => partition >= count)
    if (surplus !== undefined) {
      const message = `there is no partition ${surplus}: the last of ${count} is ${count - 1}`
      report(`partitions.${name}`, 'out-of-range', message)
    }
    if (new Set(named).size < named.length) {
      report(`partitions.${name}`, 'duplicate', 'a partition is given twice')
    }
  }
}

function checkStreams({ values, report }: Reading): void {
  const { inputMaxAge, outputMaxAge, replicas } = values.streams
  if (outputMaxAge < inputMaxAge) {
    const message = 'decisions must be kept at least as long as the input that they answer'
    const hint = 'raise outputMaxAge or lower inputMaxAge'
    report('streams.outputMaxAge', 'out-of-range', message, hint)
  }
  if (replicas % 2 === 0) {
    const message = 'an even number of copies adds risk and no safety'
    report('streams.replicas', 'out-of-range', message, 'write 1, 3 or 5')
  }
}

function checkSecrets({ values, report }: Reading): void {
  const { user, passwordFile, servers, tlsCertFile, tlsKeyFile } = values.nats
  const { tokenFile, nkeyFile, credentialsFile } = values.nats
  const identities = Object.entries({ user, tokenFile, nkeyFile, credentialsFile })
  const [first, second] = identities.filter(([, value]) => value !== null).map(([key]) => key)
  if (second !== undefined) {
    report(`nats.${second}`, 'not-allowed', `we connect as one user, and ${first} says which`)
  }
  if (passwordFile !== null && user === null) {
    report('nats.passwordFile', 'missing-key', 'a password needs its user')
  }
  if ((tlsCertFile === null) !== (tlsKeyFile === null)) {
    const given = tlsCertFile === null ? 'nats.tlsKeyFile' : 'nats.tlsCertFile'
    report(given, 'missing-key', 'a certificate and its key come together')
  }
  if (servers.length === 0) report('nats.servers', 'too-few', 'at least one server is needed')
}

function toSettings(
  read: ReadSettings<typeof SETTINGS_FIELDS>,
  channels: GatewaySettings['channels'],
): Settings {
  const { nats, genesis, checkpoint, outbox, streams } = read
  const clock: ClockMode =
    genesis.clock === 'real' || genesis.writer === null || genesis.start === null
      ? { mode: 'real' }
      : { mode: 'virtual', writer: genesis.writer, startMs: genesis.start }
  return deepFreeze({
    nats: {
      servers: nats.servers,
      user: nats.user,
      passwordFile: nats.passwordFile,
      tokenFile: nats.tokenFile,
      nkeyFile: nats.nkeyFile,
      credentialsFile: nats.credentialsFile,
      inboxPrefix: nats.inboxPrefix,
      tls: {
        caFile: nats.tlsCaFile,
        certFile: nats.tlsCertFile,
        keyFile: nats.tlsKeyFile,
        serverName: nats.tlsServerName,
      },
    },
    partitions: { ...read.partitions },
    standby: { promoteAfterMs: read.standby.promoteAfter },
    genesis: { zone: genesis.zone, clock },
    store: { directory: read.store.directory },
    backup: { directory: read.backup.directory },
    checkpoint: { everyMs: checkpoint.every, bandwidthBytesPerSecond: checkpoint.bandwidth },
    shutdown: { timeoutMs: read.shutdown.timeout },
    outbox: {
      latencyMs: outbox.latency,
      batchDecisionsMax: outbox.batchDecisionsMax,
      batchSizeMax: outbox.batchSizeMax,
      pendingDecisionsMax: outbox.pendingDecisionsMax,
    },
    streams: {
      inputMaxAgeMs: streams.inputMaxAge,
      inputMaxSize: streams.inputMaxSize,
      outputMaxAgeMs: streams.outputMaxAge,
      outputMaxSize: streams.outputMaxSize,
      rejectMaxAgeMs: streams.rejectMaxAge,
      rejectMaxSize: streams.rejectMaxSize,
      replicas: streams.replicas,
    },
    http: read.http,
    watch: {
      directory: read.watch.directory,
      snapshotEveryMs: read.watch.snapshotEvery,
      host: read.watch.host,
      port: read.watch.port,
      workers: read.watch.workers,
      recipients: read.watch.recipients,
    },
    gateway: {
      name: read.gateway.name,
      begin: read.gateway.begin,
      receiptsWithinMs: read.gateway.receiptsWithin,
      host: read.gateway.host,
      port: read.gateway.port,
      channels,
    },
    log: read.log,
    rules: { exclude: read.rules.exclude },
  })
}

/** Freezes plain data all the way down. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const item of Object.values(value)) deepFreeze(item)
  return Object.freeze(value)
}

/** What a process does with each partition that is its own to work on, in order. */
export function assignedPartitions({
  count,
  owned,
  standby,
}: PartitionSettings): readonly { readonly partition: number; readonly isFollowed: boolean }[] {
  const all = [...Array(count).keys()]
  const followed = new Set(standby === 'all' ? all : standby)
  const mine = new Set([...(owned === 'all' ? all : owned), ...followed])
  return all
    .filter((partition) => mine.has(partition))
    .map((partition) => ({ partition, isFollowed: followed.has(partition) }))
}
