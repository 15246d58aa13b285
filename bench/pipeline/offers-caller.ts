/**
 * Whoever asks in the offers bench, a process of its own: args url, channel, subscribers, rate,
 * seconds. At a fixed rate whatever the answers take: what a stall makes wait is counted as
 * waiting (autocannon corrects for coordinated omission where it is given a rate).
 */

import autocannon from 'autocannon'
import { Random } from '../../src/probe/random.ts'
import type { CallerReport } from './offers.ts'
import { SUBSCRIBER_FIRST } from './traffic.ts'

const CONNECTIONS = 20
const WARM_UP_SECONDS = 5

const [url = '', channel = '', subscribers = '', rate = '', seconds = ''] = process.argv.slice(2)
const random = new Random(11)

function ask(duration: number): Promise<autocannon.Result> {
  return autocannon({
    url,
    connections: CONNECTIONS,
    overallRate: Number(rate),
    duration,
    requests: [
      {
        setupRequest: (request) => {
          const subscriber = SUBSCRIBER_FIRST + Math.floor(random.fraction() * Number(subscribers))
          return { ...request, path: `/v1/subscribers/${subscriber}/offers?channel=${channel}` }
        },
      },
    ],
  })
}

await ask(WARM_UP_SECONDS)
const { latency, requests, errors, non2xx } = await ask(Number(seconds))
const report: CallerReport = {
  p50Ms: latency.p50,
  p99Ms: latency.p99,
  p999Ms: latency.p99_9,
  maxMs: latency.max,
  requestsPerSecond: requests.average,
  failures: errors + non2xx,
}
await new Promise((resolve) => process.send?.(report, resolve))
process.disconnect()
