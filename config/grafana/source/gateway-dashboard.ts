/**
 * The dashboard of `highwater gateway` as code. `node config/grafana/source/gateway-dashboard.ts`
 * writes dashboards/highwater-gateway.json (then format it); a test holds the two together.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildJobDashboard } from './dashboard.ts'
import type { RowSpec } from './panel-spec.ts'
import { graph, tile } from './panel-spec.ts'

const OF_GATEWAY = '{job="$job"}'

const rateBy = (metric: string, by: string, legend: string) => ({
  expr: `sum by (${by}) (rate(${metric}${OF_GATEWAY}[$__rate_interval]))`,
  legend,
})
const sumBy = (metric: string, by: string, legend: string) => ({
  expr: `sum by (${by}) (${metric}${OF_GATEWAY})`,
  legend,
})

const ROWS: readonly RowSpec[] = [
  {
    title: 'What is sent',
    panels: [
      tile('Lanes', 'All channels of all partitions are sent.', `min(highwater_gateway_lane_up${OF_GATEWAY})`, {
        isRedAtZero: true,
      }),
      tile('Targets', 'All targets take deliveries.', `min(highwater_gateway_target_up${OF_GATEWAY})`, {
        isRedAtZero: true,
      }),
      tile('Lag', 'Of the oldest delivery.', `max(highwater_gateway_lag_seconds${OF_GATEWAY})`, {
        unit: 's',
        limits: [600, 1800],
      }),
      tile('Version', 'Gateways that run.', `count(highwater_gateway_build_info${OF_GATEWAY})`, {}),
      graph('Deliveries /s', 'By what became of them.', 'short', [
        rateBy('highwater_gateway_deliveries_total', 'channel, result', '{{channel}} {{result}}'),
      ]),
      graph('What came back /s', 'Receipts and replies.', 'short', [
        rateBy('highwater_gateway_events_total', 'channel, event', '{{channel}} {{event}}'),
        rateBy('highwater_gateway_strays_total', 'channel', '{{channel}} strays'),
      ]),
      graph('Waiting', 'Read and not under way, and under way.', 'short', [
        sumBy('highwater_gateway_waiting_deliveries', 'channel', '{{channel}} waiting'),
        sumBy('highwater_gateway_in_flight_deliveries', 'channel', '{{channel}} under way'),
      ]),
      graph('Refused /s', 'For good, by reason.', 'short', [
        rateBy('highwater_gateway_refusals_total', 'channel, reason', '{{channel}} {{reason}}'),
      ]),
    ],
  },
  {
    title: 'Targets and NATS',
    panels: [
      graph('Trouble /s', 'Attempts again, requests for less, sessions opened.', 'short', [
        rateBy('highwater_gateway_retries_total', 'channel', '{{channel}} again'),
        rateBy('highwater_gateway_throttles_total', 'channel', '{{channel}} asked for less'),
        rateBy('highwater_gateway_connects_total', 'channel', '{{channel}} sessions'),
      ]),
      graph('Apart /s', 'Sent again after a crash; not for gateways.', 'short', [
        rateBy('highwater_gateway_repeats_total', 'channel', '{{channel}} repeats'),
        rateBy('highwater_gateway_passed_over_total', 'channel', '{{channel}} passed over'),
      ]),
      graph('Untold', 'Steps whose feedback is not in IN.', 'short', [
        sumBy('highwater_gateway_untold_steps', 'channel', '{{channel}}'),
      ]),
      graph('Wait for GATE', 'Of the step that is being stored.', 's', [
        {
          expr: `max by (channel) (highwater_gateway_step_wait_seconds${OF_GATEWAY})`,
          legend: '{{channel}}',
        },
      ]),
    ],
  },
]

/** The dashboard in Grafana's classic schema, ready to be written as JSON. */
export function buildGatewayDashboard(): Record<string, unknown> {
  const head = {
    uid: 'highwater-gateway',
    title: 'Highwater: gateway',
    description: 'What is sent through which channel, and what came of it.',
  }
  return buildJobDashboard(head, 'highwater_gateway_build_info', ROWS)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = fileURLToPath(new URL('../dashboards/highwater-gateway.json', import.meta.url))
  writeFileSync(file, `${JSON.stringify(buildGatewayDashboard(), null, 2)}\n`)
}
