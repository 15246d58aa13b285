/** Segments over two workers of one installation, their messages carried by a real broker. */

import { afterEach, expect, it } from 'vitest'
import { createControlPorts } from '../../src/commands/control-ports.ts'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { SelectionNotice } from '../../src/model/selection.ts'
import { encodeProfile } from '../../src/probe/encode.ts'
import { sendSelection } from '../../src/probe/selection.ts'
import { naiveTop } from '../support/selection-world.ts'
import {
  type Installation,
  openInstallation,
  range,
  type TestWorker,
  until,
} from '../support/worker-harness.ts'

const FILES: ConfigFiles = {
  'segments.yaml': `
tags: { seed: { versioned: true } }
fields: { value: { type: number } }
counters: { data: { sum: bytes, per: [day] } }
segments:
  seed: { at: on demand, score: fields.value, take: top 20 % }
`,
  'triggers/offer.yaml': `
trigger: offer
when: data.day >= 1 * KiB && tags.seed
once: day
deliver: { channel: sms }
message: Hello
`,
}

/** Subscribers, and what their scores are: most of them tied. */
const PEOPLE = range(1, 3_000).map((subscriber) => ({ subscriber, score: 1 + (subscriber % 7) }))
const VERSION = 20_261_110

let installation: Installation

afterEach(async () => {
  await installation.close()
})

async function enterPeople(): Promise<void> {
  const none = { tags: {}, lists: {}, zone: undefined, cycleDay: undefined }
  for (const partition of [0, 1]) {
    const own = PEOPLE.filter(({ subscriber }) => subscriber % 2 === partition)
    const rows = own.map(({ subscriber, score }) => ({
      subscriber,
      ...none,
      fields: { value: score },
    }))
    const stamp = { probe: 'bi', epoch: 1, seq: 1 }
    await installation.send(`profile.${partition}.bi`, encodeProfile({ stamp, rows }))
  }
}

function membersOf(workers: readonly TestWorker[]): number[] {
  return PEOPLE.map(({ subscriber }) => subscriber).filter((subscriber) => {
    const { worker } = workers[subscriber % 2]!
    return worker.inspect(subscriber)?.tags.seed === VERSION
  })
}

it('two workers select exactly the best fifth together, one of them absent at first', async () => {
  installation = await openInstallation({ files: FILES, partitionCount: 2 })
  const notices: SelectionNotice[] = []
  const settings = { onSelection: (notice: SelectionNotice) => void notices.push(notice) }
  const first = await installation.startLive({ name: 'a', partition: 0, settings })
  const gone = await installation.startLive({ name: 'b', partition: 1 })
  await enterPeople()
  const [early] = naiveTop(PEOPLE, 600, 'seed', VERSION)
  await installation.cross([early!], early! % 2)
  await until('all are known', () =>
    [first, gone].every(({ worker }) => worker.view().subscriberCount === 1_500),
  )
  await installation.stop(gone)

  await sendSelection('seed', VERSION, createControlPorts(installation.connection, 2))
  const segment = () => first.worker.view().segments[0]!
  await until('partition 0 waits for the other', () => segment().awaited.join() === '1')
  const second = await installation.startLive({ name: 'b', partition: 1, settings })
  await until('both have ended', () => segment().total?.version === VERSION)

  expect(segment()).toMatchObject({ phase: 'idle', total: { candidates: 3_000, taken: 600 } })
  expect(membersOf([first, second])).toEqual(naiveTop(PEOPLE, 600, 'seed', VERSION))
  const decisions = [...(await installation.decisions(0)), ...(await installation.decisions(1))]
  expect(decisions.map(({ kind, sub }) => [kind, sub])).toEqual([['delivery', early]])
  await until('the shells have noticed', () => notices.length === 2)
  expect(notices.map(({ kind, segment: name }) => [kind, name])).toEqual([
    ['selected', 'seed'],
    ['selected', 'seed'],
  ])
  expect([...(await installation.rejects(0)), ...(await installation.rejects(1))]).toEqual([])
})
