/**
 * Whoever asks in the offers bench, a process of its own: args url, channel, subscribers, rate,
 * seconds. Autocannon's fixed rate lets each connection ask its share of a second in one go, each
 * question after the answer to the one before. So everybody here asks once a second, and they
 * begin one after another: a steady stream in which nobody waits for anybody else's answer, so
 * there is no omission to correct (its correction takes the rate's seconds for milliseconds).
 */

import autocannon from 'autocannon'
import { Random } from '../../src/probe/random.ts'
import type { CallerReport } from './offers.ts'
import { SUBSCRIBER_FIRST } from './traffic.ts'

/** Connections that begin together. */
const GROUP_SIZE = 4
const WARM_UP_SECONDS = 5

const [url = '', channel = '', subscribers = '', rate = '', seconds = ''] = process.argv.slice(2)
const random = new Random(11)

/** What autocannon has and its types lack: results of several runs as those of one. */
interface Aggregating {
  aggregateResult(parts: readonly unknown[], options: object): Aggregated
}

type Aggregated = autocannon.Result & { readonly latency: { readonly totalCount: number } }

async function ask(duration: number): Promise<Aggregated> {
  const groups = Math.ceil(Number(rate) / GROUP_SIZE)
  const options = {
    url,
    connections: GROUP_SIZE,
    overallRate: GROUP_SIZE,
    duration,
    ignoreCoordinatedOmission: true,
    skipAggregateResult: true,
    requests: [
      {
        setupRequest: (request: autocannon.Request) => {
          const subscriber = SUBSCRIBER_FIRST + Math.floor(random.fraction() * Number(subscribers))
          return { ...request, path: `/v1/subscribers/${subscriber}/offers?channel=${channel}` }
        },
      },
    ],
  }
  const startedAtMs = performance.now()
  const parts: Promise<unknown>[] = []
  for (let group = 0; group < groups; group++) {
    parts.push(autocannon(options))
    await until(startedAtMs + (group * 1_000) / groups)
  }
  const { aggregateResult } = autocannon as unknown as Aggregating
  return aggregateResult(await Promise.all(parts), options)
}

function until(instantMs: number): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, instantMs - performance.now())))
}

await ask(WARM_UP_SECONDS)
const { latency, errors, non2xx, duration } = await ask(Number(seconds))
const report: CallerReport = {
  p50Ms: latency.p50,
  p99Ms: latency.p99,
  p999Ms: latency.p99_9,
  maxMs: latency.max,
  requestsPerSecond: latency.totalCount / duration,
  failures: errors + non2xx,
}
await new Promise((resolve) => process.send?.(report, resolve))
process.disconnect()
