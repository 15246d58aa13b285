import { expect, test } from 'vitest'
import { createMetrics } from '../../../src/metrics/registry.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

test('a channel has a series per partition and period, and one of who waits', async () => {
  const worker = createFakeWorker(2)
  const day = { period: 'day', limit: 1000, used: 300, held: 400, alarm: 1 } as const
  const second = { period: 'second', limit: 8, used: 3, held: 4, alarm: 0 } as const
  for (const partition of worker.partitions) partition.channels = []
  worker.partitions[1]!.channels = [{ channel: 'sms', waiting: 5, periods: [second, day] }]
  const text = await createMetrics(worker.view, { isProcessIncluded: false }).render()
  const lines = text.split('\n').filter((line) => line.startsWith('highwater_channel_'))
  const labels = (period: string) => `partition="1",channel="sms",period="${period}"`
  expect(lines).toEqual([
    `highwater_channel_limit_deliveries{${labels('second')}} 8`,
    `highwater_channel_limit_deliveries{${labels('day')}} 1000`,
    `highwater_channel_used_deliveries{${labels('second')}} 3`,
    `highwater_channel_used_deliveries{${labels('day')}} 300`,
    `highwater_channel_granted_deliveries{${labels('second')}} 4`,
    `highwater_channel_granted_deliveries{${labels('day')}} 400`,
    `highwater_channel_alarm_level{${labels('second')}} 0`,
    `highwater_channel_alarm_level{${labels('day')}} 1`,
    'highwater_channel_waiting_deliveries{partition="1",channel="sms"} 5',
  ])
})
