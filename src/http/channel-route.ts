/** Channels with a capacity, as the partitions of this worker have them. */

import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { ChannelView, PartitionView, WorkerView } from '../model/view.ts'
import { ErrorBody } from './schemas.ts'

const ALARMS = ['none', 'early', 'limit'] as const

/** Channels by name, with their partitions' sums. */
export const ChannelsBody = Type.Object({
  channels: Type.Array(
    Type.Object({
      channel: Type.String(),
      waiting: Type.Integer({ description: 'Deliveries that are due and wait for room.' }),
      periods: Type.Array(
        Type.Object({
          period: Type.Enum(['second', 'hour', 'day']),
          limit: Type.Integer({ description: 'Over all partitions of the installation.' }),
          used: Type.Integer({ description: 'By the partitions of this worker.' }),
          granted: Type.Integer({ description: 'What they may send in all so far.' }),
          alarm: Type.Enum([...ALARMS], { description: 'The highest of the partitions.' }),
        }),
      ),
    }),
  ),
})

/** Adds `GET /v1/channels`. */
export function addChannelRoute(app: FastifyInstance, view: WorkerView): void {
  const schema = {
    summary: 'Channels with a capacity: limits, what is used of them, who waits',
    tags: ['data'],
    response: { 200: ChannelsBody, '5xx': ErrorBody },
  }
  app.get('/v1/channels', { schema }, async () => ({ channels: sumChannels(view.partitions()) }))
}

/** All partitions declare the same channels, but for moments after a reload. */
function sumChannels(partitions: readonly PartitionView[]) {
  const names = new Set(partitions.flatMap(({ channels }) => channels.map((each) => each.channel)))
  return [...names].map((name) => {
    const views = partitions.flatMap((view) => view.channels.filter((c) => c.channel === name))
    const periods = (['second', 'hour', 'day'] as const).flatMap((period) => {
      const standings = views.flatMap((view) => view.periods.filter((p) => p.period === period))
      return standings.length === 0 ? [] : [{ period, ...sumPeriods(standings) }]
    })
    return { channel: name, waiting: sumOf(views, ({ waiting }) => waiting), periods }
  })
}

function sumPeriods(standings: readonly ChannelView['periods'][number][]) {
  return {
    limit: Math.max(...standings.map(({ limit }) => limit ?? 0)),
    used: sumOf(standings, ({ used }) => used),
    granted: sumOf(standings, ({ held }) => held),
    alarm: ALARMS[Math.max(...standings.map(({ alarm }) => alarm))]!,
  }
}

function sumOf<Item>(items: readonly Item[], read: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + read(item), 0)
}
