import { expect, test } from 'vitest'
import { createApp } from '../../../src/http/app.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

const NO_METRICS = { contentType: 'text/plain', render: async () => '' }

test('a journey is shown with the sums of its partitions, the held-out ones apart', async () => {
  const worker = createFakeWorker(2)
  const app = createApp(worker.view, NO_METRICS, { token: null })
  const answer = await app.inject('/v1/journeys')
  expect(answer.json()).toEqual({
    journeys: [
      {
        journey: 'newcomer',
        file: 'journeys/newcomer.yaml',
        onEdit: 'continue',
        members: 60,
        steps: [
          { step: 'welcome', members: 8 },
          { step: 'gift', members: 40 },
        ],
        staying: 12,
        counts: {
          all: { entered: 100, goal: 18, exit: 10, completed: 12, left: 0 },
          control: { entered: 10, goal: 2, exit: 0, completed: 0, left: 0 },
        },
      },
    ],
  })
  await app.close()
})
