/**
 * The pipeline as machines with several cores run it: the subscribers in several partitions, a
 * process for each, beside one broker, checkpoints on. What is measured lies behind a fill and a
 * warm-up, and ends when JetStream has acknowledged the last delivery. In the same run the kernel
 * alone, on the image that the first partition left.
 */

import { type BenchOptions, type BenchResult, comparedWith, figure, say } from '../report.ts'
import { measurePartitions } from './partition-processes.ts'
import { enterSubscribers, kernelAlone, publishRandom, SEED } from './pipeline.ts'
import { Rig } from './rig.ts'
import { Traffic } from './traffic.ts'

const BENCH = 'partitions'
/** Of the records after the fill. */
const WARM_UP_SHARE = 0.25
const WARM_UP_SECONDS_MAX = 300

/** Runs the bench; prints its seed. */
export async function runPartitions(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, records, partitions, checkpointEveryMs } = options
  say(`seed ${SEED}, ${subscribers} subscribers in ${partitions} partitions, ${records} records`)
  const rig = await Rig.start(undefined, undefined, partitions)
  try {
    for (let index = 0; index < partitions; index++) await store(rig, index, options)
    say(`pipeline, a checkpoint every ${checkpointEveryMs / 1000} s`)
    const warmUp = {
      fill: subscribers,
      seconds: WARM_UP_SECONDS_MAX,
      records: records * WARM_UP_SHARE,
    }
    const measured = await measurePartitions(rig, partitions, checkpointEveryMs, warmUp)
    say('kernel alone')
    const firstStore = `${rig.storeDirectory}-0`
    const share = records / partitions
    const kernel = await kernelAlone(firstStore, SEED + partitions, share, partitions)
    const rate = measured.records / measured.seconds
    return [
      {
        ...figure(BENCH, 'pipeline.records_per_second', rate, 'records/s'),
        ...comparedWith(rate, 'kernel.records_per_second', kernel),
      },
      figure(BENCH, 'kernel.records_per_second', kernel, 'records/s'),
      figure(BENCH, 'pipeline.records_measured', measured.records, 'records'),
      figure(BENCH, 'pipeline.seconds', measured.seconds, 's'),
      figure(BENCH, 'checkpoint.count', measured.checkpoints, 'checkpoints of each partition'),
      figure(BENCH, 'memory.resident_megabytes', measured.residentBytes / 1e6, 'MB'),
    ]
  } finally {
    await rig.stop()
  }
}

/** Puts one partition's share into its IN: every subscriber once, then random ones. */
async function store(rig: Rig, index: number, options: BenchOptions): Promise<void> {
  const { partitions, records } = options
  const subscribers = options.subscribers / partitions
  const traffic = new Traffic(SEED + index, subscribers, 0, { index, count: partitions })
  say(`publishing partition ${index}`)
  await enterSubscribers(rig, traffic, subscribers, index)
  await publishRandom(rig, traffic, records / partitions, index)
}
