/** What HTTP costs and how fast it answers, at a fixed rate of requests, on a worker with state. */

import autocannon from 'autocannon'
import { pino } from 'pino'
import { createHttpServer } from '../../src/http/server.ts'
import { createMetrics } from '../../src/metrics/registry.ts'
import type { WorkerView } from '../../src/model/view.ts'
import { type BenchOptions, type BenchResult, say } from '../report.ts'
import { Rig } from './rig.ts'
import { SUBSCRIBER_FIRST, Traffic } from './traffic.ts'

const SECONDS = 8
const BATCH_RECORDS = 5_000
const ROUTES = [
  { name: 'subscriber', path: `/v1/subscribers/${SUBSCRIBER_FIRST + 1}`, requestsPerSecond: 1000 },
  { name: 'metrics', path: '/metrics', requestsPerSecond: 50 },
] as const

/** Runs the bench. */
export async function runHttp(options: BenchOptions): Promise<BenchResult[]> {
  const subscribers = Math.min(options.subscribers, 1_000_000)
  const rig = await Rig.start()
  const worker = await rig.worker(60_000)
  void worker.start()
  await worker.untilLive()
  const view: WorkerView = {
    version: 'bench',
    partitions: () => [worker.view()],
    subscriber: (subscriber) => worker.inspect(subscriber),
    explain: () => null,
    triggers: () => [],
    reload: async () => ({ kind: 'unchanged', generation: 1 }),
    reloadStatus: () => ({ isLastSuccessful: true, lastSuccessAtMs: 0 }),
  }
  const logger = pino({ level: 'silent' })
  const server = createHttpServer(view, createMetrics(view), { token: null, logger })
  try {
    const traffic = new Traffic(3, subscribers)
    let first = 0
    await rig.fill('usage.0.fill', () => {
      if (first >= subscribers) return null
      first += BATCH_RECORDS
      return traffic.ascending(first - BATCH_RECORDS, BATCH_RECORDS, Date.now(), 'fill', 1)
    })
    const { url } = await server.listen(0, '127.0.0.1')
    const results: BenchResult[] = []
    for (const { name, path, requestsPerSecond } of ROUTES) {
      say(`${name}: ${requestsPerSecond} requests/s for ${SECONDS} s`)
      const { latency, errors, non2xx } = await autocannon({
        url: url + path,
        connections: 10,
        overallRate: requestsPerSecond,
        duration: SECONDS,
      })
      const figure = (metric: string, value: number, unit: string): BenchResult => ({
        bench: 'http',
        metric: `http.${name}_${metric}`,
        value,
        unit,
      })
      results.push(figure('p50_ms', latency.p50, 'ms'))
      results.push(figure('p99_ms', latency.p99, 'ms'))
      results.push(figure('failures', errors + non2xx, 'requests'))
    }
    return results
  } finally {
    await server.close()
    await worker.stop()
    await rig.stop()
  }
}
