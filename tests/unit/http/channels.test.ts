import { expect, test } from 'vitest'
import { createApp } from '../../../src/http/app.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

const NO_METRICS = { contentType: 'text/plain', render: async () => '' }

test('a channel is shown with the sums of its partitions and the highest alarm', async () => {
  const worker = createFakeWorker(2)
  const [first, second] = worker.partitions
  const day = { period: 'day', limit: 1000, used: 300, held: 400, alarm: 0 } as const
  first!.channels = [{ channel: 'sms', waiting: 2, periods: [day] }]
  const other = [{ ...day, used: 380, held: 390, alarm: 1 } as const]
  second!.channels = [{ channel: 'sms', waiting: 5, periods: other }]
  const app = createApp(worker.view, NO_METRICS, { token: null })
  const answer = await app.inject('/v1/channels')
  expect(answer.json()).toEqual({
    channels: [
      {
        channel: 'sms',
        waiting: 7,
        periods: [{ period: 'day', limit: 1000, used: 680, granted: 790, alarm: 'early' }],
      },
    ],
  })
  await app.close()
})
