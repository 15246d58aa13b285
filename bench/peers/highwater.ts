/** Highwater itself: the partition worker as production has it, checkpoints on. */

import { setTimeout as sleep } from 'node:timers/promises'
import { decodeSaidMessage } from '../../src/decode/decisions.ts'
import type { PartitionWorker } from '../../src/partition/worker.ts'
import type { Rig } from '../pipeline/rig.ts'
import { addOnce, type Engine, readStream } from './engine.ts'

/** Often enough for several within a round of the peers bench. */
const CHECKPOINT_EVERY_MS = 2_000

/** What comes before measuring: from the start so many seconds or records, whichever is first. */
export interface WarmUp {
  /** Records from record 0 on that are no warm-up but fill, and are not measured either. */
  readonly fill: number
  readonly seconds: number
  /** Records after the fill. */
  readonly records: number
}

/** What was measured after warm-up, to the last delivery that JetStream acknowledged. */
export interface Measured {
  readonly records: number
  readonly seconds: number
  readonly checkpoints: number
  /** The whole process, at the end. */
  readonly residentBytes: number
}

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

  /** Takes all that IN_0 holds, of which nothing was taken yet, in one go. */
  async measure(warmUp: WarmUp): Promise<Measured> {
    const bornAtMs = performance.now()
    const worker = await this.#start()
    const taken = () => worker.statistics?.records ?? 0
    const warmUntilMs = bornAtMs + warmUp.seconds * 1_000
    while (
      taken() < warmUp.fill ||
      (performance.now() < warmUntilMs && taken() < warmUp.fill + warmUp.records)
    ) {
      await pause(worker)
    }
    const [startedAtMs, before] = [performance.now(), taken()]
    const checkpointsBefore = worker.statistics!.checkpoints
    await this.#takeAll(worker)
    const measured: Measured = {
      records: taken() - before,
      seconds: (performance.now() - startedAtMs) / 1_000,
      checkpoints: worker.statistics!.checkpoints - checkpointsBefore,
      residentBytes: process.memoryUsage().rss,
    }
    await worker.stop()
    if (worker.halt !== null) throw worker.halt
    return measured
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
