import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createControlPorts } from '../../src/commands/control-ports.ts'
import { encodeProfile } from '../../src/probe/encode.ts'
import { sendNotice } from '../../src/probe/direct-sends.ts'
import { type Installation, openInstallation, until } from '../support/worker-harness.ts'

const TESTER = 13_800_000_003
const FILES = {
  'counters.yaml': [
    'fields: { plan: { type: enum, words: [gold] }, lang: { type: enum, words: [zh, en] } }',
    'language: fields.lang',
    'channels: { sms: { sms: true } }',
    'counters: { data: { sum: bytes, per: [lifetime] } }',
  ].join('\n'),
  'triggers/line.yaml': [
    ...['trigger: line', 'when: data.lifetime >= 1 * KiB', 'once: ever'],
    "validity: { from: '2999-01-01T00:00:00Z' }",
    'deliver: { channel: sms }',
    "message: { default: zh, zh: '{fields.plan}套餐', en: Hello }",
  ].join('\n'),
}
const TWO = { partitions: { count: 2 } }

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation({ partitionCount: 2 })
})

afterEach(async () => {
  await installation.close()
})

async function profile(fields: Record<string, string>): Promise<void> {
  const row = {
    ...{ subscriber: TESTER, tags: {}, fields, lists: { canary: true } },
    ...{ zone: undefined, cycleDay: undefined },
  }
  const stamp = { probe: 'crm', epoch: Date.now(), seq: 1 }
  await installation.send('profile.1.crm', encodeProfile({ stamp, rows: [row] }))
}

test('a person tries a trigger out over HTTP, a notice goes out, and a restart says the same', async () => {
  const directory = await installation.writeConfig('worker', FILES, TWO)
  const running = await installation.serve(directory)
  await running.supervisor.untilLive()
  await profile({ plan: 'gold' })
  const url = `${running.address.url}/v1/triggers/line/test?subscriber=`
  const asked = await fetch(`${url}${TESTER}`, { method: 'POST' })
  const receipt = (await asked.json()) as { id: string }
  expect([asked.status, receipt]).toMatchObject([202, { partition: 1 }])
  await fetch(`${url}${TESTER + 2}`, { method: 'POST' })
  const id = `report-${randomUUID()}`
  const ports = createControlPorts(installation.connection, 2)
  const notice = { id, number: 77, channel: 'sms', class: 'service', message: '日报' }
  await sendNotice(notice, ports)
  await sendNotice(notice, ports)
  await until('both are said', async () => (await installation.decisions(1)).length === 2)
  await until('one is refused', async () => (await installation.rejects(1)).length === 1)
  const said = await installation.decisions(1)
  expect(said).toMatchObject([
    {
      ...{ trigger: 'line', sub: TESTER, id: `line:${TESTER}:test.${receipt.id}:1` },
      ...{ message: 'gold套餐', lang: 'zh', segments: 1, purpose: 'test', canary: true },
    },
    { trigger: 'notice', sub: 77, id: `notice:77:${id}:1`, purpose: 'notice', message: '日报' },
  ])
  expect(await installation.rejects(1)).toMatchObject([{ reason: 'not-a-canary' }])
  await running.stop()

  const again = await installation.serve(directory)
  await again.supervisor.untilLive()
  await sendNotice({ ...notice, id: `${id}-2` }, ports)
  await until('the next is said', async () => (await installation.decisions(1)).length === 3)
  expect((await installation.decisions(1)).slice(0, 2)).toEqual(said)
  await again.stop()
})
