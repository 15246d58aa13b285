/** Highwater itself: the partition worker as production has it, checkpoints on. */

import { setTimeout as sleep } from 'node:timers/promises'
import { decodeSaidMessage } from '../../src/decode/decisions.ts'
import type { PartitionWorker } from '../../src/partition/worker.ts'
import type { Rig } from '../pipeline/rig.ts'
import { addOnce, type Engine, readStream } from './engine.ts'

/** Often enough for several within a round. */
const CHECKPOINT_EVERY_MS = 2_000

/** Highwater over the rig's IN_0, which must grow no further than what it is to take. */
export class HighwaterEngine implements Engine {
  readonly name = 'highwater'
  readonly settings =
    `a checkpoint every ${CHECKPOINT_EVERY_MS / 1_000} s, decisions numbered and fenced`
  readonly #rig: Rig
  /** Checkpoints written while the clock ran. */
  checkpoints = 0

  constructor(rig: Rig) {
    this.#rig = rig
  }

  /** Takes all that IN_0 holds. Loading the image of the round before does not count. */
  async advance(): Promise<number> {
    const source = await this.#rig.source()
    const { lastSequence } = await source.state()
    await source.close()
    const worker = await this.#rig.worker(CHECKPOINT_EVERY_MS)
    void worker.start()
    while (worker.machine === null) await pause(worker)
    const startedAtMs = performance.now()
    while (worker.machine.sequence < lastSequence) await pause(worker)
    while (worker.view().outboxDecisions > 0) await pause(worker)
    const tookMs = performance.now() - startedAtMs
    this.checkpoints += worker.view().statistics.checkpoints
    await worker.stop()
    if (worker.halt !== null) throw worker.halt
    return tookMs
  }

  async firings(): Promise<ReadonlySet<string>> {
    const firings = new Set<string>()
    await readStream(this.#rig.connection, 'OUT_0', (data) => {
      const message = decodeSaidMessage(data)
      if (message.kind !== 'decisions') return
      for (const decision of message.decisions) {
        if (decision.kind !== 'delivery') continue
        addOnce(firings, `${decision.subscriber} ${decision.period}`)
      }
    })
    return firings
  }

  async stop(): Promise<void> {}
}

async function pause(worker: PartitionWorker): Promise<void> {
  if (worker.halt !== null) throw worker.halt
  await sleep(1)
}
