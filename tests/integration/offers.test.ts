/** Offers on request over HTTP: a real worker of two partitions, asked, accepted, killed, asked. */

import { decode } from '@msgpack/msgpack'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RunningWorker } from '../../src/commands/serve.ts'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import { type Installation, openInstallation, until } from '../support/worker-harness.ts'

const TWO = { partitions: { count: 2, owned: [0, 1] } }
const FILES: ConfigFiles = {
  'catalog.yaml': `
counters: { data: { sum: bytes, per: [lifetime] } }
channels: { hotline: { inbound: true, cap: 2 ever }, sms: {} }
arbitration: { layers: [model, default], offersPerContact: 3 }
`,
  'triggers/offers.yaml': `
trigger: plan
when: data.lifetime >= 1 * KiB
once: ever
layer: model
value: data.lifetime
deliver: { channel: hotline }
message: 'Used {data.lifetime | kB} kB.'
---
trigger: gift
when: data.lifetime >= 1
once: ever
deliver: { channel: hotline }
message: Take this.
---
trigger: more
when: data.lifetime >= 1
once: ever
deliver: { channel: hotline }
priority: 200
message: And this.
`,
}
/** Partition 1, and nobody that is known. */
const ANN = 13_800_000_001
const NOBODY = 13_800_000_009

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation({ files: FILES, partitionCount: 2 })
})
afterEach(async () => {
  await installation.close()
})

async function start(): Promise<{ running: RunningWorker; directory: string }> {
  const directory = await installation.writeConfig('worker', FILES, TWO)
  const running = await installation.serve(directory)
  await running.supervisor.untilLive()
  return { running, directory }
}

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown> & {
    readonly offers: readonly { readonly trigger: string }[]
  }
}

async function call(
  { address }: RunningWorker,
  path: string,
  key?: string,
  subscriber = ANN,
): Promise<Answer> {
  const isAccept = path.includes('accept')
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  const url = `${address.url}/v1/subscribers/${subscriber}/offers${path}`
  const response = await fetch(url, { method: isAccept ? 'POST' : 'GET', headers })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

test('a customer is offered, takes, is refused, and all of it is in the log and outlives a restart', async () => {
  const { running, directory } = await start()
  await installation.cross([ANN], 1)
  await until('she is known', async () => {
    return (await call(running, '?channel=hotline&why=true')).status === 200
  })
  const asked = await call(running, '?channel=hotline')
  expect(asked.body).toMatchObject({
    offers: [
      { trigger: 'plan', place: 1, layer: 'model', message: 'Used 1.02 kB.' },
      { trigger: 'gift', place: 2, layer: 'default', value: 0 },
      { trigger: 'more', place: 3 },
    ],
    partition: 1,
  })
  const taken = await call(running, '/plan/accept?channel=hotline', 'call-1')
  expect(taken).toMatchObject({ status: 200, body: { id: `plan:${ANN}:ever:1`, partition: 1 } })
  expect(await call(running, '/plan/accept?channel=hotline', 'call-1')).toMatchObject({
    status: 200,
    body: { id: `plan:${ANN}:ever:1` },
  })
  expect(await call(running, '/plan/accept?channel=hotline', 'call-2')).toMatchObject({
    status: 409,
    body: { error: { code: 'HW_OFFER_REFUSED' }, reason: 'already-this-period' },
  })
  await call(running, '/gift/accept?channel=hotline')
  expect(await call(running, '/more/accept?channel=hotline')).toMatchObject({
    status: 409,
    body: { reason: 'cap-channel', detail: 'channel hotline: 2 ever' },
  })
  expect((await call(running, '?channel=hotline')).body.offers).toEqual([])
  expect(await call(running, '?channel=hotlin')).toMatchObject({ status: 404 })
  expect(await call(running, '?channel=hotline', undefined, NOBODY)).toMatchObject({ status: 404 })
  await until('what was shown is said', async () => (await installation.decisions(1)).length >= 7)
  await running.stop()

  const said = await installation.decisions(1)
  const kinds = said.map(({ kind, trigger, place, purpose, reason }) => {
    return [kind, trigger, place ?? purpose ?? reason].join(' ')
  })
  expect(kinds.toSorted()).toEqual([
    'delivery gift offer',
    'delivery plan offer',
    'shown gift 2',
    'shown more 3',
    'shown plan 1',
    'suppressed more cap-channel',
    'suppressed plan already-this-period',
  ])
  expect(await installation.rejects(1)).toEqual([])

  const again = await installation.serve(directory)
  await again.supervisor.untilLive()
  expect((await call(again, '?channel=hotline')).body.offers).toEqual([])
  expect(await call(again, '/plan/accept?channel=hotline', 'call-1')).toMatchObject({
    status: 200,
    body: { id: `plan:${ANN}:ever:1` },
  })
  expect(await installation.decisions(1)).toEqual(said)
  const metrics = await (await fetch(`${again.address.url}/metrics`)).text()
  expect(metrics).toContain('highwater_offers_asked_total{outcome="none"} 1\n')
  expect(metrics).toContain('highwater_offers_accepted_total{outcome="accepted"} 1\n')
  expect(metrics).toMatch(/highwater_offers_duration_seconds_count [1-9]/)
  await again.stop()
})

test('what was shown reaches the log when the worker stops right after', async () => {
  const { running } = await start()
  await installation.cross([ANN], 1)
  await until('she is known', async () => {
    return (await call(running, '?channel=hotline&why=true')).status === 200
  })
  await call(running, '?channel=hotline&limit=2')
  await running.stop()
  const streams = (await installation.manager()).streams
  const last = await streams.getMessage('IN_1', { last_by_subj: 'control.1' })
  expect(decode(last!.data)).toMatchObject({
    kind: 'shown',
    rows: [
      { sub: ANN, trigger: 'plan', channel: 'hotline', place: 1 },
      { sub: ANN, trigger: 'gift', channel: 'hotline', place: 2 },
    ],
  })
})
