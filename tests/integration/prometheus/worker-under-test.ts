/**
 * A real worker for the test beside this file: private broker, LMDB, two partitions, usage that
 * never ends.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import type { RunningWorker } from '../../../src/commands/serve.ts'
import { serve } from '../../../src/commands/serve.ts'
import type { UsageWriter } from '../../../src/probe/publisher.ts'
import { simulate } from '../../../src/probe/simulate.ts'
import { openInputWriter } from '../../../src/sink/input-writer.ts'
import { startNatsServer } from '../../support/nats-server.ts'

/** A worker that serves metrics and is at work, so that its counters grow. */
export interface WorkerUnderTest {
  /** Host and port of its HTTP server. */
  readonly target: string
  readonly stop: () => Promise<void>
}

const PARTITION_COUNT = 2
const PROBE = 'probe-1'
const ASK_EVERY_MS = 100

/** Every subscriber crosses the line of the one trigger with the first record that is no trifle. */
function configFiles(natsUrl: string, storeDirectory: string): Readonly<Record<string, string>> {
  return {
    'highwater.yaml': `
nats: { servers: ['${natsUrl}'] }
partitions: { count: ${PARTITION_COUNT} }
store: { directory: '${storeDirectory}' }
checkpoint: { every: 1s }
streams: { inputMaxSize: 4 GiB }
http: { port: 0 }
`,
    'counters.yaml': 'counters:\n  data:\n    sum: bytes\n    per: [day]\n',
    'channels.yaml':
      'channels:\n  sms:\n    capacity: { perSecond: 100000, perDay: 100000000 }\n' +
      '  hotline: { inbound: true }\n',
    'segments.yaml':
      'tags: { seed: { versioned: true } }\nsegments: { seed: { at: on demand, take: all } }\n',
    'triggers/first-usage.yaml': `
trigger: first-usage
when: data.day >= 1 * KiB
once: day
deliver: { channel: sms, at: now }
message: Welcome.
`,
    'triggers/advice.yaml': `
trigger: advice
when: data.day >= 1 * KiB
deliver: { channel: hotline }
message: Ask for the larger plan.
`,
    'journeys/newcomer.yaml': `
journey: newcomer
enter: data.day >= 1 * KiB
once: ever
goal: data.day >= 1 * MiB
steps:
  - step: wait
    wait: 1d
    deliver: { channel: sms }
    message: Still here?
`,
  }
}

/** Asks for offers until the signal, as a hotline does; the worker may not know who calls. */
async function ask(target: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const response = await fetch(`http://${target}/v1/subscribers/1/offers?channel=hotline`)
    await response.arrayBuffer()
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
  }
}

/** Starts broker, worker and probe; resolves when the worker is live. */
export async function startWorkerForTest(): Promise<WorkerUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'highwater-worker-'))
  const broker = await startNatsServer()
  const over = new AbortController()
  let worker: RunningWorker | null = null
  let feeding: Promise<unknown> = Promise.resolve()
  let asking: Promise<unknown> = Promise.resolve()
  const stop = async (): Promise<void> => {
    over.abort()
    await feeding
    await asking
    await worker?.stop()
    await broker.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    for (const [path, text] of Object.entries(configFiles(broker.url, join(folder, 'store')))) {
      const file = join(folder, 'config', path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    }
    const logger = pino({ level: 'silent' })
    worker = await serve({ configDirectory: join(folder, 'config'), logger, isWatching: false })
    await worker.supervisor.untilLive()
    const target = `${worker.address.host}:${worker.address.port}`
    feeding = feed(worker, over.signal)
    asking = ask(target, over.signal)
    return { target, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Publishes made-up usage until the signal; an error surfaces in `stop`. */
async function feed(worker: RunningWorker, signal: AbortSignal): Promise<unknown> {
  const writers = Array.from({ length: PARTITION_COUNT }, (_, partition) =>
    openInputWriter(worker.connection, partition),
  )
  const writer: UsageWriter = {
    publish: (subject, data) => writers[Number(subject.split('.')[1])]!.publish(subject, data),
  }
  return simulate(
    {
      probe: PROBE,
      seed: 1,
      partitionCount: PARTITION_COUNT,
      subscriberCount: 100_000,
      recordsPerSecond: 2_000,
      rhythm: 'flat',
      durationMs: null,
      signal,
    },
    writer,
  )
}
