/** The row of channels with a capacity. */

import type { RowSpec } from './panel-spec.ts'
import { graph, of } from './panel-spec.ts'

const SHARE = `sum by (channel, period) (${of('highwater_channel_used_deliveries')}) / max by (channel, period) (${of('highwater_channel_limit_deliveries')})`

/** How far limits are used up, and who waits. */
export const CHANNELS: RowSpec = {
  title: 'Channels',
  panels: [
    graph(
      'Capacity used',
      'Share of the running second, hour and day, over all partitions. At 100 % deliveries wait or are dropped.',
      'percentunit',
      [{ expr: SHARE, legend: '{{channel}} {{period}}' }],
    ),
    graph(
      'Waiting for room',
      'Due, and held back by a limit: they leave by layer and priority.',
      'short',
      [
        {
          expr: `sum by (channel) (${of('highwater_channel_waiting_deliveries')})`,
          legend: '{{channel}}',
        },
      ],
    ),
    graph(
      'Granted and not used',
      'What partitions hold and have not sent: many at the end of a day means that demand lies elsewhere.',
      'short',
      [
        {
          expr: `sum by (channel, period) (${of('highwater_channel_granted_deliveries')} - ${of('highwater_channel_used_deliveries')})`,
          legend: '{{channel}} {{period}}',
        },
      ],
    ),
  ],
}
