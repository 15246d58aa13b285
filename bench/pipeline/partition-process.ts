/**
 * One partition of Highwater in a process of its own, as `highwater start` has it. Arguments: URL
 * of the broker, partition, folder of the store, ms between checkpoints. Tells its parent every
 * TELL_EVERY_MS how far it is, and ends at its word.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { connectToNats } from '../../src/sink/connection.ts'
import { brokerLink } from '../../src/sink/broker-link.ts'
import { createJetStreamSource } from '../../src/source/jetstream-source.ts'
import { benchWorker } from './rig.ts'

/** How far a partition is. */
export interface PartitionProgress {
  readonly records: number
  readonly checkpoints: number
  readonly residentBytes: number
  /** It has taken all that IN held at its start, and JetStream holds what that made fire. */
  readonly isDone: boolean
}

const TELL_EVERY_MS = 10

const [url, partition, storeDirectory, checkpointEveryMs] = process.argv.slice(2)
const connection = await connectToNats({ servers: [url!], name: `bench-${partition}` })
const source = await createJetStreamSource(connection, brokerLink(connection), {
  stream: `IN_${partition}`,
})
const { lastSequence } = await source.state()
await source.close()
const worker = await benchWorker(
  connection,
  Number(partition),
  storeDirectory!,
  Number(checkpointEveryMs),
)
void worker.start()
let isWanted = true
process.once('message', () => {
  isWanted = false
})
while (isWanted) {
  await sleep(TELL_EVERY_MS)
  if (worker.halt !== null) throw worker.halt
  const hasTaken = (worker.machine?.sequence ?? 0) >= lastSequence
  const progress: PartitionProgress = {
    records: worker.statistics?.records ?? 0,
    checkpoints: worker.statistics?.checkpoints ?? 0,
    residentBytes: process.memoryUsage.rss(),
    isDone: hasTaken && worker.view().outboxDecisions === 0,
  }
  process.send!(progress)
}
await worker.stop()
await connection.close()
process.disconnect()
