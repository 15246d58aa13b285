/**
 * How soon a worker is back: from the start of its process until it is ready, the image of
 * `subscribers` loaded and nothing to replay; and how fast it replays IN from an image on after
 * kill -9, every decision compared with the one that OUT holds, beside the speed at which the same
 * records were worked off at first. The image is made from memory (crowd.ts); all else is a worker
 * as production has it.
 */

import { readFileSync } from 'node:fs'
import { type BenchOptions, type BenchResult, comparedWith, median, say } from '../report.ts'
import { Installation, type StartedWorker } from './installation.ts'
import { BATCH_RECORDS, Traffic } from './traffic.ts'

const SEED = 20261124
const STARTS = 3
/** Beyond, one start must do. */
const SUBSCRIBERS_FOR_REPEATS_MAX = 20e6
/** No checkpoint comes between: the whole backlog is replayed. */
const CHECKPOINT_EVERY = '1h'

/** Runs the bench; `records` are those replayed. Prints its seed. */
export async function runRecovery(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, records } = options
  say(`seed ${SEED}, ${subscribers} subscribers, ${records} records`)
  const installation = await Installation.start(CHECKPOINT_EVERY)
  try {
    const image = await installation.fill(subscribers)
    const starts = subscribers > SUBSCRIBERS_FOR_REPEATS_MAX ? 1 : STARTS
    const readySeconds: number[] = []
    let privateSize = 0
    for (let i = 0; i < starts; i++) {
      const worker = installation.startWorker()
      readySeconds.push(((await worker.untilReady()) - worker.startedAtMs) / 1000)
      privateSize = privateSizeOf(worker)
      await worker.end('SIGKILL')
    }
    say(`ready after ${readySeconds.map((seconds) => seconds.toFixed(2)).join(', ')} s`)
    const lastSequence = await installation.publish(new Traffic(SEED, subscribers), records)
    const first = await applyBacklog(installation.startWorker(), lastSequence)
    say('replaying what was applied, after kill -9')
    const again = await applyBacklog(installation.startWorker(), lastSequence)
    if (first.decisions !== again.decisions) throw new Error('the replay decided otherwise')
    const result = (metric: string, value: number, unit: string): BenchResult => ({
      bench: 'recovery',
      metric: `recovery.${metric}`,
      value: Number(value.toPrecision(4)),
      unit,
    })
    const against = 'recovery.pipeline_records_per_second'
    return [
      result('ready_seconds', median(readySeconds), 's'),
      {
        ...result('replay_records_per_second', again.recordsPerSecond, 'records/s'),
        ...comparedWith(again.recordsPerSecond, against, first.recordsPerSecond),
      },
      result('pipeline_records_per_second', first.recordsPerSecond, 'records/s'),
      result('replayed_decisions', again.decisions, 'decisions'),
      result('replay_ready_seconds', again.readySeconds, 's'),
      result('state_bytes_per_subscriber', image.stateSize / subscribers, 'bytes'),
      result('disk_bytes_per_subscriber', image.diskSize / subscribers, 'bytes'),
      result('private_megabytes', privateSize / 1e6, 'MB'),
    ]
  } finally {
    await installation.stop()
  }
}

/** From the image to the end of IN; then kill -9, with everything acknowledged. */
async function applyBacklog(worker: StartedWorker, lastSequence: number) {
  const inputsPerSecond = await worker.inputsPerSecond(lastSequence)
  const readyAtMs = await worker.untilReady()
  const metrics = await worker.metrics()
  await worker.end('SIGKILL')
  return {
    recordsPerSecond: inputsPerSecond * BATCH_RECORDS,
    readySeconds: (readyAtMs - worker.startedAtMs) / 1000,
    decisions: metrics.get('highwater_decision_number') ?? 0,
  }
}

/** Memory that a process has for itself, bytes; 0 where the system does not say. */
function privateSizeOf({ pid }: StartedWorker): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return 1024 * Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0)
  } catch {
    return 0
  }
}
