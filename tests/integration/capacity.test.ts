/** Two workers that share a channel's limit through their logs. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RunningWorker } from '../../src/commands/serve.ts'
import {
  type Installation,
  LINE_FILES,
  openInstallation,
  range,
  until,
} from '../support/worker-harness.ts'

const FILES = {
  ...LINE_FILES,
  'channels.yaml': 'channels:\n  sms: { capacity: { perDay: 1000 } }\n',
}
/** A default zone in which it is not about to be midnight. */
const ZONE = new Date().getUTCHours() === 15 ? 'America/New_York' : 'Asia/Shanghai'

describe.each([
  { partitionCount: 2, owned: [[0], [1]], first: [500, 350] },
  {
    partitionCount: 4,
    owned: [
      [0, 3],
      [1, 2],
    ],
    first: [400, 150, 150, 150],
  },
])('a limit of 1,000 a day over $partitionCount partitions', ({ partitionCount, ...choice }) => {
  let installation: Installation
  let workers: RunningWorker[]

  beforeEach(async () => {
    installation = await openInstallation({ partitionCount })
    workers = await Promise.all(
      choice.owned.map(async (owned, index) => {
        const settings = { partitions: { count: partitionCount, owned }, genesis: { zone: ZONE } }
        const directory = await installation.writeConfig(`w${index}`, FILES, settings)
        return installation.serve(directory)
      }),
    )
    await Promise.all(workers.map(({ supervisor }) => supervisor.untilLive()))
  })

  afterEach(() => installation.close())

  /** So many more people of a partition reach the line. */
  async function demand(partition: number, count: number, from: number): Promise<void> {
    const people = range(from, from + count - 1).map((n) => n * partitionCount + partition)
    await installation.cross(people, partition)
  }

  async function deliveriesSaid(): Promise<number> {
    const said = await Promise.all(
      range(0, partitionCount - 1).map((partition) => installation.decisions(partition)),
    )
    return said.flat().filter(({ kind }) => kind === 'delivery').length
  }

  /** Values of one metric of all workers, by name and labels. */
  async function metrics(name: string): Promise<number[]> {
    const texts = await Promise.all(
      workers.map(async ({ address }) => (await fetch(`${address.url}/metrics`)).text()),
    )
    const lines = texts.flatMap((text) => text.split('\n'))
    return lines
      .filter((line) => line.startsWith(`${name}{`))
      .map((line) => Number(line.split(' ')[1]))
  }

  async function untilSum(name: string, value: number): Promise<void> {
    await until(`${name} is ${value} in all`, async () => {
      return (await metrics(name)).reduce((sum, each) => sum + each, 0) === value
    })
  }

  test('is used up to the last one, with an alarm before and one at the limit', async () => {
    for (const [partition, count] of choice.first.entries()) await demand(partition, count, 1)
    await untilSum('highwater_channel_used_deliveries', 850)
    await untilSum('highwater_channel_waiting_deliveries', 0)
    expect(Math.max(...(await metrics('highwater_channel_alarm_level')))).toBe(1)

    for (const partition of choice.first.keys()) await demand(partition, 300, 1001)
    await untilSum('highwater_channel_used_deliveries', 1000)
    const waiting = 850 + 300 * partitionCount - 1000
    await untilSum('highwater_channel_waiting_deliveries', waiting)
    expect(Math.max(...(await metrics('highwater_channel_alarm_level')))).toBe(2)
    await until('all that was decided is said', async () => (await deliveriesSaid()) >= 1000)

    // Who starts again says what it owes once more, and gets nothing for it.
    await Promise.all(workers.map((worker) => worker.stop()))
    workers = await Promise.all(
      choice.owned.map(async (_, index) => {
        return installation.serve(`${installation.directory}/config-w${index}`)
      }),
    )
    await Promise.all(workers.map(({ supervisor }) => supervisor.untilLive()))
    await demand(partitionCount - 1, 10, 5001)
    await untilSum('highwater_channel_waiting_deliveries', waiting + 10)
    expect(await deliveriesSaid()).toBe(1000)
  }, 60_000)
})
