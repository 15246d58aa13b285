/** Highwater itself: the partition worker as production has it, checkpoints on. */

import { setTimeout as sleep } from 'node:timers/promises'
import { decodeSaidMessage } from '../../src/decode/decisions.ts'
import type { PartitionWorker } from '../../src/partition/worker.ts'
import type { Rig } from '../pipeline/rig.ts'
import { addOnce, type Engine, readStream } from './engine.ts'

/** Often enough for several within a round of the peers bench. */
const CHECKPOINT_EVERY_MS = 2_000

/** Highwater over the rig's IN_0, which must grow no further than what it is to take. */
export class HighwaterEngine implements Engine {
  readonly name = 'highwater'
  readonly settings: string
  readonly #rig: Rig
  readonly #checkpointEveryMs: number

  constructor(rig: Rig, checkpointEveryMs = CHECKPOINT_EVERY_MS) {
    this.#rig = rig
    this.#checkpointEveryMs = checkpointEveryMs
    const everySeconds = checkpointEveryMs / 1_000
    this.settings = `a checkpoint every ${everySeconds} s, decisions numbered and fenced`
  }

  /** Takes all that IN_0 holds. Loading the image of the round before does not count. */
  async advance(): Promise<number> {
    const worker = await this.#start()
    const startedAtMs = performance.now()
    await this.#takeAll(worker)
    const tookMs = performance.now() - startedAtMs
    await worker.stop()
    if (worker.halt !== null) throw worker.halt
    return tookMs
  }

  firings(): Promise<ReadonlySet<string>> {
    return deliveriesOf(this.#rig, 1)
  }

  async stop(): Promise<void> {}

  /** A worker whose machine is there: its image is loaded. */
  async #start(): Promise<PartitionWorker> {
    const worker = await this.#rig.worker(this.#checkpointEveryMs)
    void worker.start()
    while (worker.machine === null) await pause(worker)
    return worker
  }

  async #takeAll(worker: PartitionWorker): Promise<void> {
    const source = await this.#rig.source()
    const { lastSequence } = await source.state()
    await source.close()
    while (worker.machine!.sequence < lastSequence) await pause(worker)
    while (worker.view().outboxDecisions > 0) await pause(worker)
  }
}

/** All deliveries in OUT of the first partitions, as `subscriber period`; throws on a double. */
export async function deliveriesOf(rig: Rig, partitionCount: number): Promise<ReadonlySet<string>> {
  const firings = new Set<string>()
  for (let partition = 0; partition < partitionCount; partition++) {
    await readStream(rig.connection, `OUT_${partition}`, (data) => {
      const message = decodeSaidMessage(data)
      if (message.kind !== 'decisions') return
      for (const decision of message.decisions) {
        if (decision.kind !== 'delivery') continue
        addOnce(firings, `${decision.subscriber} ${decision.period}`)
      }
    })
  }
  return firings
}

async function pause(worker: PartitionWorker): Promise<void> {
  if (worker.halt !== null) throw worker.halt
  await sleep(1)
}
