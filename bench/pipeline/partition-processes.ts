/** Highwater as it is run on a machine with several cores: a partition per process. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PartitionProgress } from './partition-process.ts'
import type { Rig } from './rig.ts'

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
  /** Of each partition, on the average. */
  readonly checkpoints: number
  /** All processes, at the end. */
  readonly residentBytes: number
}

const PROGRAM = join(import.meta.dirname, 'partition-process.ts')
const LOOK_EVERY_MS = 5

/** Takes all that IN of every partition holds, of which nothing was taken yet, in one go. */
export async function measurePartitions(
  rig: Rig,
  partitionCount: number,
  checkpointEveryMs: number,
  warmUp: WarmUp,
): Promise<Measured> {
  const bornAtMs = performance.now()
  const partitions = Array.from({ length: partitionCount }, (_, i) => {
    const store = `${rig.storeDirectory}-${i}`
    return new Partition([rig.server.url, `${i}`, store, `${checkpointEveryMs}`])
  })
  const total = (what: (progress: PartitionProgress) => number) =>
    partitions.reduce((sum, { progress }) => sum + what(progress), 0)
  const records = () => total((progress) => progress.records)
  const warmUntilMs = bornAtMs + warmUp.seconds * 1_000
  while (
    records() < warmUp.fill ||
    (performance.now() < warmUntilMs && records() < warmUp.fill + warmUp.records)
  ) {
    await look(partitions)
  }
  const [startedAtMs, before] = [performance.now(), records()]
  const checkpointsBefore = total((progress) => progress.checkpoints)
  while (!partitions.every(({ progress }) => progress.isDone)) await look(partitions)
  const measured: Measured = {
    records: records() - before,
    seconds: (performance.now() - startedAtMs) / 1_000,
    checkpoints: (total((progress) => progress.checkpoints) - checkpointsBefore) / partitionCount,
    residentBytes: total((progress) => progress.residentBytes),
  }
  for (const partition of partitions) await partition.end()
  return measured
}

async function look(partitions: readonly Partition[]): Promise<void> {
  for (const partition of partitions) partition.checkLife()
  await sleep(LOOK_EVERY_MS)
}

class Partition {
  readonly #child: ChildProcess
  progress: PartitionProgress = { records: 0, checkpoints: 0, residentBytes: 0, isDone: false }

  constructor(args: readonly string[]) {
    this.#child = fork(PROGRAM, [...args])
    this.#child.on('message', (message) => {
      this.progress = message as PartitionProgress
    })
  }

  checkLife(): void {
    const { exitCode, signalCode } = this.#child
    if (exitCode === null && signalCode === null) return
    throw new Error(`a partition ended by itself: ${exitCode ?? signalCode}`)
  }

  async end(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.send('end')
    await exited
  }
}
