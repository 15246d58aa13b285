import { expect, it } from 'vitest'
import { ChannelQueue, type Claim } from '../../../src/partition/channel-queue.ts'

const CLAIMS: readonly Claim[] = [
  { channel: 'sms', class: 'service', isDropped: false },
  { channel: 'push', class: 'marketing', isDropped: true },
  { channel: 'sms', class: 'marketing', isDropped: false },
]

/** What waits is asked for in this order, and partition 0 gives what is left in it. */
it('lists claims in one order, whoever came first', () => {
  const listed = [CLAIMS, CLAIMS.toReversed()].map((claims) => {
    const queue = new ChannelQueue()
    for (const [row, claim] of claims.entries()) {
      queue.add(row, claim, { rank: 0, dueMs: 0, id: row, deadlineMs: 1 })
    }
    return [...queue.claims()]
  })
  expect(listed[0]).toHaveLength(3)
  expect(listed[1]).toEqual(listed[0])
})
