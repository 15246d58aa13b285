/**
 * `highwater settle --config DIR`: after a crash and before another engine, runs this one (the old
 * one) for as long as it takes to make again what OUT holds past the image: up to the last input
 * that it is known to have finished, and no further. What that input decided and OUT lacks is said,
 * an image with nothing outstanding is written, and the next engine starts from it.
 */

import { hostname } from 'node:os'
import { loadConfigDirectory } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import { MESSAGE_SIZE_MAX } from '../model/wire.ts'
import { PartitionWorker } from '../partition/worker.ts'
import { encodeTick } from '../probe/encode.ts'
import { type BrokerConnection, connectToNats } from '../sink/connection.ts'
import { engineIdentity } from './engine.ts'
import { natsSettings } from './nats-settings.ts'
import { openPartitionPorts, openPartitionStore } from './partition-ports.ts'

/** Options of `settle`. `partition` null: all that the settings own. */
export interface SettleOptions {
  readonly config: string
  readonly partition: number | null
}

const MESSAGE_HEAD_SIZE = 4_096

/** Settles one partition after the other; resolves with the exit code, 1 when one halted. */
export async function runSettle(
  options: SettleOptions,
  print: (line: string) => void = console.log,
): Promise<number> {
  const { settings } = await loadConfigDirectory(options.config)
  const { count, owned } = settings.partitions
  const all = owned === 'all' ? [...Array(count).keys()] : owned
  const partitions = options.partition === null ? all : [options.partition]
  const connection = await connectToNats(natsSettings(settings.nats, console.error))
  try {
    let isClean = true
    for (const partition of partitions) {
      if (!(await settlePartition(settings, partition, connection, print))) isClean = false
    }
    return isClean ? 0 : 1
  } finally {
    await connection.close()
  }
}

async function settlePartition(
  settings: Settings,
  partition: number,
  connection: BrokerConnection,
  print: (line: string) => void,
): Promise<boolean> {
  const store = await openPartitionStore(settings, partition)
  const engine = engineIdentity()
  const payloadMax = Math.min(connection.info?.max_payload ?? MESSAGE_SIZE_MAX, MESSAGE_SIZE_MAX)
  const { checkpoint, outbox } = settings
  const worker = new PartitionWorker(
    await openPartitionPorts(settings, partition, connection, store),
    {
      partition,
      worker: `${hostname()}-${process.pid}`,
      engine,
      checkpoint: { everyMs: checkpoint.everyMs, bandwidth: checkpoint.bandwidthBytesPerSecond },
      outbox: {
        latencyMs: outbox.latencyMs,
        batchDecisionsMax: outbox.batchDecisionsMax,
        batchSizeMax: Math.min(outbox.batchSizeMax, payloadMax - MESSAGE_HEAD_SIZE),
      },
      pendingDecisionsMax: outbox.pendingDecisionsMax,
      isSettling: true,
      encodeTick: (id) => encodeTick({ id }),
    },
  )
  await worker.start()
  const { halt, status } = worker
  const { appliedSequence, decisionNumber } = worker.view()
  const name = `partition ${partition}`
  if (halt !== null || status !== 'stopped') {
    print(`${name}: not settled: ${halt?.message ?? status}`)
    return false
  }
  if (appliedSequence === 0) print(`${name}: nothing to settle, it has no image and said nothing`)
  else {
    print(
      `${name}: settled at input ${appliedSequence}, ${decisionNumber} decisions said, ` +
        `image by ${engine.version} (${engine.runtime})`,
    )
  }
  return true
}
