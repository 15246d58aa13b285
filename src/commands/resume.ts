/**
 * `highwater resume`: writes a ruling about a halt into OUT. Nothing is written without --yes, nor
 * while a worker has the store open, nor when OUT has grown since it was read. The partition goes
 * on at its next start.
 */

import { hostname, userInfo } from 'node:os'
import { loadConfigDirectory, type LoadedConfig } from '../config/load.ts'
import { BrokerRefusedError, BrokerUnavailableError, UsageError } from '../errors.ts'
import { MESSAGE_SIZE_MAX } from '../model/wire.ts'
import { type RulingChoice, waysOutOf } from '../model/ways-out.ts'
import { readManifestHead } from '../partition/image.ts'
import { encodeRuling } from '../partition/rulings.ts'
import { SYSTEM_CLOCK } from '../partition/system-clock.ts'
import type { WorkerPorts } from '../partition/worker.ts'
import { encodeGenesis } from '../probe/encode.ts'
import { type BrokerConnection, connectToNats } from '../sink/connection.ts'
import { ensureStreams } from '../sink/streams.ts'
import { composeRuling, type Findings, inspectStreams } from './compose-ruling.ts'
import { engineIdentity } from './engine.ts'
import { askWorker } from './halted-worker.ts'
import { natsSettings } from './nats-settings.ts'
import { openPartitionPorts, openPartitionStore } from './partition-ports.ts'

/** Options of `resume`. `at`, `halt`, `by` null: found out. */
export interface ResumeOptions {
  readonly config: string
  readonly partition: number
  readonly at: number | null
  /** Last decision that any reader has dealt with; asked for where nothing else tells. */
  readonly readNumber: number | null
  readonly choice: RulingChoice
  readonly halt: string | null
  readonly reason: string
  readonly by: string | null
  readonly isYes: boolean
}

/** Resolves with the exit code: 0 written, 2 not without --yes. Throws UsageError. */
export async function runResume(
  options: ResumeOptions,
  print: (line: string) => void = console.log,
): Promise<number> {
  const config = await loadConfigDirectory(options.config)
  const reported = await askWorker(config.settings.http, options.partition)
  const store = await openPartitionStore(config.settings, options.partition)
  try {
    const connection = await connectToNats(natsSettings(config.settings.nats, console.error))
    try {
      const ports = await openPartitionPorts(config.settings, options.partition, connection, store)
      return await rule(options, config, connection, ports, reported, print)
    } finally {
      await connection.close()
    }
  } finally {
    await store.close()
  }
}

async function rule(
  options: ResumeOptions,
  config: LoadedConfig,
  connection: BrokerConnection,
  ports: WorkerPorts,
  reported: Awaited<ReturnType<typeof askWorker>>,
  print: (line: string) => void,
): Promise<number> {
  const { partition, choice, at, reason, isYes } = options
  const { source, output, store } = ports
  const head = readManifestHead(store)
  const genesis = genesisOf(config, partition)
  let remade: string | null = null
  if (choice === 'new-baseline' && !(await haveStreams(ports))) {
    if (!isYes) {
      print(
        `a stream of partition ${partition} is missing and will be made anew: repeat with --yes`,
      )
      return 2
    }
    const limits = { ...config.settings.streams, messageMaxSize: MESSAGE_SIZE_MAX }
    await ensureStreams(connection, partition, limits, genesis, undefined, true)
    remade = 'HW_BROKER_REFUSED'
  }
  const found = await inspectStreams(source, output, head, engineIdentity())
  const halt = options.halt ?? seenHalt(found) ?? reported?.reason ?? remade
  if (halt === null) {
    throw new UsageError(
      'the streams are in order and no halted worker answers: say --halt REASON as its log has it',
    )
  }
  const { choices, first } = waysOutOf(halt)
  if (!choices.includes(choice)) {
    const known = choices.length === 0 ? 'no ruling helps' : `choose ${choices.join(' or ')}`
    throw new UsageError(`${halt}: ${known}; ${first}`)
  }
  const by = options.by ?? `${userInfo().username}@${hostname()}`
  const request = {
    choice,
    haltedAt: reported?.input ?? null,
    at,
    readNumber: options.readNumber,
    by,
    reason,
    nowMs: SYSTEM_CLOCK.nowMs(),
    source,
    output,
    head,
    genesis,
    isVirtualClock: (head?.genesis.clock ?? config.settings.genesis.clock).mode === 'virtual',
  }
  const { ruling, outputSequence, lines } = await composeRuling(request, found, halt)
  print(`partition ${partition}, ${halt}: ${choice}, input ${ruling.input}`)
  for (const line of lines) print(`  ${line}`)
  print(`  without a ruling: ${first}`)
  if (!isYes) {
    print('nothing is written yet: repeat with --yes')
    return 2
  }
  const outcome = await output.publish(encodeRuling(ruling), outputSequence)
  switch (outcome.kind) {
    case 'stored':
      print(`written as message ${outcome.sequence} of OUT_${partition}: start the worker`)
      return 0
    case 'refused':
      throw new BrokerRefusedError('OUT has grown meanwhile: another worker owns the partition')
    case 'full':
      throw new BrokerRefusedError('OUT is full')
    case 'unknown':
      throw new BrokerUnavailableError('no answer: start the worker, and rule again if it halts')
  }
}

/** What the next start would find before it reads any input; null: nothing. */
function seenHalt({ outputHalt, inputHalt, engineHalt }: Findings): string | null {
  return (outputHalt ?? inputHalt ?? engineHalt)?.reason ?? null
}

async function haveStreams({ source, output }: WorkerPorts): Promise<boolean> {
  try {
    await output.state()
    return (await source.state()).lastSequence > 0
  } catch (error) {
    if (error instanceof BrokerRefusedError) return false
    throw error
  }
}

function genesisOf({ settings, files }: LoadedConfig, partition: number): Uint8Array {
  const { genesis, partitions } = settings
  return encodeGenesis({
    id: `genesis-${partition}`,
    partitionCount: partitions.count,
    partition,
    zone: genesis.zone,
    clock: genesis.clock,
    generation: 1,
    files,
  })
}
