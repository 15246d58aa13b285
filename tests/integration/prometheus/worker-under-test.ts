/**
 * The worker that Prometheus scrapes in the test beside this file. Whoever starts another kind of
 * worker gives the test a function of the same type.
 */

import { createHttpServer } from '../../../src/http/server.ts'
import { createMetrics } from '../../../src/metrics/registry.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

/** A worker that serves metrics and is at work, so that its counters grow. */
export interface WorkerUnderTest {
  /** Host and port of its HTTP server. */
  readonly target: string
  readonly stop: () => Promise<void>
}

export type StartWorker = () => Promise<WorkerUnderTest>

const STEP_MS = 200

/** The real HTTP server and registry over a made-up worker of two partitions that never rests. */
export const startWorkerForTest: StartWorker = async () => {
  const worker = createFakeWorker(2, Date.now())
  const server = createHttpServer(worker.view, createMetrics(worker.view), { token: null })
  const { host, port } = await server.listen(0, '127.0.0.1')
  const timer = setInterval(() => worker.advance(), STEP_MS)
  return {
    target: `${host}:${port}`,
    stop: async () => {
      clearInterval(timer)
      await server.close()
    },
  }
}
