/**
 * Offers on request at a fixed rate while usage flows at half of the full load that this machine
 * carries with probe, broker and worker on it: real broker, real HTTP; usage and questions come
 * from processes of their own. What was shown goes through the log meanwhile, and checkpoints go
 * on.
 */

import { pino } from 'pino'
import { createHttpServer } from '../../src/http/server.ts'
import { createMetrics } from '../../src/metrics/registry.ts'
import type { WorkerView } from '../../src/model/view.ts'
import { PartitionOfferDesk } from '../../src/partition/offer-desk.ts'
import { SYSTEM_CLOCK } from '../../src/partition/system-clock.ts'
import type { PartitionWorker } from '../../src/partition/worker.ts'
import { createErrandWriter } from '../../src/probe/encode-errand.ts'
import { openControlWriter } from '../../src/sink/control-writer.ts'
import { stolenMs } from '../machine-description.ts'
import { type BenchOptions, type BenchResult, figure, say } from '../report.ts'
import { forkForReport } from './fork.ts'
import { OFFER_FILES } from './offer-files.ts'
import { enterSubscribers } from './pipeline.ts'
import { Rig } from './rig.ts'
import { Traffic } from './traffic.ts'

const CHECKPOINT_EVERY_MS = 10_000
const REQUESTS_PER_SECOND = 1_000
const TRAFFIC_SEED = 5
/** How long the full load is measured, and the flood lasts longer at either end. */
const FULL_LOAD_SECONDS = 8
const FULL_LOAD_EDGE_SECONDS = 2
const CALLER_WARM_UP_SECONDS = 5

/** What the process that asks sends back: milliseconds. */
export interface CallerReport {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  readonly requestsPerSecond: number
  readonly failures: number
}

/** Runs the bench. `rate`: usage records per second; 0: half of the full load. */
export async function runOffers(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, seconds } = options
  const rig = await Rig.start(OFFER_FILES)
  try {
    await enterSubscribers(rig, new Traffic(TRAFFIC_SEED, subscribers), subscribers)
    const worker = await rig.worker(CHECKPOINT_EVERY_MS)
    void worker.start()
    await worker.untilLive()
    const full = options.rate > 0 ? 0 : await measureFullLoad(rig, worker, subscribers)
    const rate = options.rate > 0 ? options.rate : Math.round(full / 2)
    const desk = createDesk(rig, worker)
    const view = viewOf(worker)
    const server = createHttpServer(view, createMetrics(view, { offers: desk.view }), {
      token: null,
      logger: pino({ level: 'silent' }),
      offers: desk,
      limits: {
        ...{ writesPerMinute: 1_000, readsPerMinute: 1_000, connectionsMax: 2_000 },
        offersPerMinute: 1_000_000,
      },
    })
    const { url } = await server.listen(0, '127.0.0.1')
    say(`${rate} records/s and ${REQUESTS_PER_SECOND} questions/s for ${seconds} s`)
    const usage = forkForReport<number>(
      'usage-probe.ts',
      [rig.server.url, subscribers, rate, seconds + CALLER_WARM_UP_SECONDS + 4].map(String),
    )
    const stolenBeforeMs = stolenMs()
    const recordsBefore = worker.view().statistics.records
    const startedAtMs = performance.now()
    const caller = await forkForReport<CallerReport>(
      'offers-caller.ts',
      [url, 'hotline', subscribers, REQUESTS_PER_SECOND, seconds].map(String),
    )
    const elapsedSeconds = (performance.now() - startedAtMs) / 1000
    const records = worker.view().statistics.records - recordsBefore
    const hostMs = stolenMs() - stolenBeforeMs
    const { lagMs } = worker.view()
    await usage
    await desk.stop(2_000)
    await server.close()
    const { statistics } = worker.view()
    await worker.stop()
    if (worker.halt !== null) throw worker.halt
    return [
      figure('offers', 'offers.p50_ms', caller.p50Ms, 'ms'),
      figure('offers', 'offers.p99_ms', caller.p99Ms, 'ms'),
      figure('offers', 'offers.p999_ms', caller.p999Ms, 'ms'),
      figure('offers', 'offers.max_ms', caller.maxMs, 'ms'),
      figure('offers', 'offers.requests_per_second', caller.requestsPerSecond, 'requests/s'),
      figure('offers', 'offers.stolen_ms', hostMs, 'ms of CPU that the host took'),
      figure('offers', 'offers.failures', caller.failures, 'requests'),
      figure('offers', 'offers.usage_meant_per_second', rate, 'records/s'),
      figure('offers', 'offers.usage_held_per_second', records / elapsedSeconds, 'records/s'),
      figure('offers', 'offers.usage_lag_ms', lagMs, 'ms'),
      ...(full > 0 ? [figure('offers', 'offers.usage_full_per_second', full, 'records/s')] : []),
      figure('offers', 'offers.shown', statistics.shown, 'offers'),
      figure('offers', 'offers.checkpoints', statistics.checkpoints, 'checkpoints'),
    ]
  } finally {
    await rig.stop()
  }
}

/**
 * Records per second that the worker applies while a probe publishes as fast as the broker stores,
 * all on this machine.
 */
async function measureFullLoad(
  rig: Rig,
  worker: PartitionWorker,
  subscribers: number,
): Promise<number> {
  say(`full load for ${FULL_LOAD_SECONDS} s`)
  const applied = (): number => worker.view().statistics.records
  const seconds = FULL_LOAD_SECONDS + 2 * FULL_LOAD_EDGE_SECONDS
  const args = [rig.server.url, subscribers, 0, seconds].map(String)
  const flood = forkForReport<number>('usage-probe.ts', args)
  await SYSTEM_CLOCK.pause(FULL_LOAD_EDGE_SECONDS * 1_000)
  const [fromMs, from] = [performance.now(), applied()]
  await SYSTEM_CLOCK.pause(FULL_LOAD_SECONDS * 1_000)
  const rate = ((applied() - from) * 1_000) / (performance.now() - fromMs)
  await flood
  while (worker.view().lagMs > 0 && worker.halt === null) await SYSTEM_CLOCK.pause(20)
  return rate
}

function createDesk(rig: Rig, worker: PartitionWorker): PartitionOfferDesk {
  let ids = 0
  const control = openControlWriter(rig.connection, 0)
  return new PartitionOfferDesk({
    partitionCount: 1,
    workerOf: () => worker,
    log: createErrandWriter(() => control),
    clock: SYSTEM_CLOCK,
    newId: (kind) => `${kind}-${(ids += 1)}`,
    idOfKey: (key) => key,
  })
}

function viewOf(worker: PartitionWorker): WorkerView {
  return {
    version: 'bench',
    partitions: () => [worker.view()],
    subscriber: (subscriber) => worker.inspect(subscriber),
    explain: () => null,
    triggers: () => [],
    reload: async () => ({ kind: 'unchanged', generation: 1 }),
    reloadStatus: () => ({ isLastSuccessful: true, lastSuccessAtMs: 0 }),
  }
}
