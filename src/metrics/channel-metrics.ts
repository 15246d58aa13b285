/**
 * What is measured of channels that have a capacity: one series per partition, channel and period.
 * The sums over partitions are the channel's; limits are the same everywhere.
 */

import type { ChannelView, PartitionView } from '../model/view.ts'

/** Labels and number of one series. */
export type ChannelSample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** A gauge with the labels `partition`, `channel` and, but for the last one, `period`. */
export interface ChannelMetric {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly readAll: (view: PartitionView) => readonly ChannelSample[]
}

const ofPeriods =
  (read: (period: ChannelView['periods'][number]) => number) =>
  ({ channels }: PartitionView): ChannelSample[] =>
    channels.flatMap(({ channel, periods }) =>
      periods.map((each): ChannelSample => [{ channel, period: each.period }, read(each)]),
    )

const labelNames = ['partition', 'channel', 'period']

/** All metrics of channels. */
export const CHANNEL_METRICS: readonly ChannelMetric[] = [
  {
    name: 'highwater_channel_limit_deliveries',
    help: 'Deliveries that the channel carries per second, hour or day, over all partitions.',
    labelNames,
    readAll: ofPeriods(({ limit }) => limit ?? 0),
  },
  {
    name: 'highwater_channel_used_deliveries',
    help: 'Deliveries on the channel in the running second, hour or day.',
    labelNames,
    readAll: ofPeriods(({ used }) => used),
  },
  {
    name: 'highwater_channel_granted_deliveries',
    help: 'Deliveries that the partition may send in the running second, hour or day, as far as it was granted.',
    labelNames,
    readAll: ofPeriods(({ held }) => held),
  },
  {
    name: 'highwater_channel_alarm_level',
    help: "How far the channel's limit is used up as the partition knows: 0, 1 near it (alarmAt), 2 at it.",
    labelNames,
    readAll: ofPeriods(({ alarm }) => alarm),
  },
  {
    name: 'highwater_channel_waiting_deliveries',
    help: 'Deliveries that are due and wait until the channel has room.',
    labelNames: ['partition', 'channel'],
    readAll: ({ channels }) => channels.map(({ channel, waiting }) => [{ channel }, waiting]),
  },
]
