/** What is measured of a gateway. As in registry.ts nothing is counted here: a scrape reads it. */

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { ChannelView, GatewayView, LaneView } from '../model/gateway-view.ts'
import { NONCONFORMING_METRICS, type WorkerMetrics } from './registry.ts'

type Sample = readonly [labels: Readonly<Record<string, string | number>>, value: number]

/** One metric; its samples are made anew at each scrape. */
export interface GatewayMetric<View> {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  /** Besides those of the lane or channel. */
  readonly label: string | null
  readonly read: (view: View) => readonly (readonly [label: string, value: number])[]
}

const one = (value: number): readonly (readonly [string, number])[] => [['', value]]

/** Metrics of one channel of one partition. */
export const LANE_METRICS: readonly GatewayMetric<LaneView>[] = [
  {
    kind: 'gauge',
    name: 'highwater_gateway_lane_up',
    help: 'Whether the channel of the partition is being sent: 1 or 0.',
    label: null,
    read: ({ status }) => one(status === 'running' ? 1 : 0),
  },
  {
    kind: 'counter',
    name: 'highwater_gateway_deliveries_total',
    help: 'Deliveries that have their end, by what became of them; unknown: they may have been sent.',
    label: 'result',
    read: ({ results }) => Object.entries(results),
  },
  {
    kind: 'counter',
    name: 'highwater_gateway_refusals_total',
    help: 'Deliveries that the target refused for good, by its reason.',
    label: 'reason',
    read: ({ reasons }) => Object.entries(reasons),
  },
  {
    kind: 'counter',
    name: 'highwater_gateway_events_total',
    help: 'What came back: delivered, failed, replied.',
    label: 'event',
    read: ({ events }) => Object.entries(events),
  },
  {
    kind: 'counter',
    name: 'highwater_gateway_repeats_total',
    help: 'Deliveries sent again after a crash, to a target that recognises repeats.',
    label: null,
    read: ({ repeats }) => one(repeats),
  },
  {
    kind: 'counter',
    name: 'highwater_gateway_passed_over_total',
    help: 'Deliveries that no gateway sends: offers on request, tags.',
    label: null,
    read: ({ passedOver }) => one(passedOver),
  },
  {
    kind: 'gauge',
    name: 'highwater_gateway_waiting_deliveries',
    help: 'Deliveries that were read and are not under way: too early, or no room at the target.',
    label: null,
    read: ({ waiting }) => one(waiting),
  },
  {
    kind: 'gauge',
    name: 'highwater_gateway_in_flight_deliveries',
    help: 'Deliveries under way.',
    label: null,
    read: ({ inFlight }) => one(inFlight),
  },
  {
    kind: 'gauge',
    name: 'highwater_gateway_lag_seconds',
    help: 'How long the oldest delivery without an end could have been sent already.',
    label: null,
    read: ({ lagMs }) => one(lagMs / 1000),
  },
  {
    kind: 'gauge',
    name: 'highwater_gateway_untold_steps',
    help: 'Steps whose feedback is not in IN yet.',
    label: null,
    read: ({ untold }) => one(untold),
  },
  {
    kind: 'gauge',
    name: 'highwater_gateway_step_wait_seconds',
    help: 'How long a step has been waiting to be stored in GATE.',
    label: null,
    read: ({ stepWaitMs }) => one(stepWaitMs / 1000),
  },
]

/** Metrics of a channel's connection. */
export const GATEWAY_CHANNEL_METRICS: readonly GatewayMetric<ChannelView>[] = [
  {
    kind: 'gauge',
    name: 'highwater_gateway_target_up',
    help: 'Whether the target takes deliveries: bound, circuit closed, not throttled. 1 or 0.',
    label: null,
    read: ({ isUp }) => one(isUp ? 1 : 0),
  },
  {
    kind: 'counter',
    name: 'highwater_gateway_connects_total',
    help: 'Times that a session with the target was opened (SMPP).',
    label: null,
    read: ({ connects }) => one(connects),
  },
  {
    kind: 'counter',
    name: 'highwater_gateway_retries_total',
    help: 'Attempts that were followed by another one.',
    label: null,
    read: ({ retries }) => one(retries),
  },
  {
    kind: 'counter',
    name: 'highwater_gateway_throttles_total',
    help: 'Times that the target asked for less.',
    label: null,
    read: ({ throttles }) => one(throttles),
  },
  {
    kind: 'counter',
    name: 'highwater_gateway_strays_total',
    help: 'Receipts and replies that belong to nothing known.',
    label: null,
    read: ({ strays }) => one(strays),
  },
]

/** Makes the metrics of a gateway, and Node's own. */
export function createGatewayMetrics(
  view: GatewayView,
  { isProcessIncluded = true }: { isProcessIncluded?: boolean } = {},
): WorkerMetrics {
  const register = new Registry()
  for (const metric of LANE_METRICS) {
    add(register, metric, ['channel', 'partition'], () =>
      view.lanes().flatMap((lane) => {
        const { channel, partition } = lane
        return samplesOf(metric, lane, { channel, partition })
      }),
    )
  }
  for (const metric of GATEWAY_CHANNEL_METRICS) {
    add(register, metric, ['channel'], () =>
      view.channels().flatMap((each) => samplesOf(metric, each, { channel: each.channel })),
    )
  }
  const build = { kind: 'gauge', label: null } as const
  const name = 'highwater_gateway_build_info'
  add(
    register,
    { ...build, name, help: 'Always 1; the label says what runs.' },
    ['version'],
    () => [[{ version: view.version }, 1]],
  )
  if (isProcessIncluded) {
    collectDefaultMetrics({ register })
    for (const each of NONCONFORMING_METRICS) register.removeSingleMetric(each)
  }
  return { contentType: register.contentType, render: () => register.metrics() }
}

function samplesOf<View>(
  { label, read }: GatewayMetric<View>,
  view: View,
  labels: Readonly<Record<string, string | number>>,
): Sample[] {
  return read(view).map(([value, count]) => {
    return [label === null ? labels : { ...labels, [label]: value }, count]
  })
}

function add(
  register: Registry,
  { kind, name, help, label }: Pick<GatewayMetric<never>, 'kind' | 'name' | 'help' | 'label'>,
  ownLabels: readonly string[],
  collect: () => readonly Sample[],
): void {
  const labelNames = label === null ? [...ownLabels] : [...ownLabels, label]
  const common = { name, help, labelNames, registers: [register] }
  if (kind === 'counter') {
    new Counter<string>({
      ...common,
      collect() {
        this.reset()
        for (const [labels, value] of collect()) this.inc(labels, value)
      },
    })
  } else {
    new Gauge<string>({
      ...common,
      collect() {
        this.reset()
        for (const [labels, value] of collect()) this.set(labels, value)
      },
    })
  }
}
