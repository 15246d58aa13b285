import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { buildGatewayDashboard } from '../../../config/grafana/source/gateway-dashboard.ts'
import { PROJECT_ROOT } from '../../../src/launch.mjs'
import { createGatewayMetrics } from '../../../src/metrics/gateway-metrics.ts'
import type { GatewayView } from '../../../src/model/gateway-view.ts'

const read = (...path: string[]) => readFileSync(join(PROJECT_ROOT, 'config', ...path), 'utf8')
const alerts = read('prometheus', 'gateway-alerts.yaml')
const dashboard = read('grafana', 'dashboards', 'highwater-gateway.json')
const metricsIn = (text: string) => new Set(text.match(/\bhighwater_gateway_[a-z_]+\b/g) ?? [])

const VIEW: GatewayView = {
  version: '1.2.3',
  lanes: () => [
    {
      channel: 'sms',
      partition: 3,
      status: 'running',
      halt: null,
      readNumber: 20,
      cursorNumber: 10,
      waiting: 4,
      early: 1,
      inFlight: 2,
      results: { sent: 5, failed: 1, expired: 2, unknown: 3 },
      reasons: { 'http-404': 1 },
      events: { delivered: 4, failed: 0, replied: 2 },
      repeats: 1,
      passedOver: 6,
      lagMs: 1_500,
      untold: 7,
      stepWaitMs: 250,
    },
  ],
  channels: () => [
    { channel: 'sms', kind: 'smpp', isUp: true, connects: 2, retries: 3, throttles: 4, strays: 5 },
  ],
}

test('every metric of the gateway is on its dashboard or in an alert, and no other is asked for', async () => {
  const exported = metricsIn(
    await createGatewayMetrics(VIEW, { isProcessIncluded: false }).render(),
  )
  expect(exported.size).toBeGreaterThan(15)
  expect(metricsIn(dashboard + alerts)).toEqual(exported)
})

test('series bear the channel and the partition', async () => {
  const text = await createGatewayMetrics(VIEW, { isProcessIncluded: false }).render()
  const series = (name: string, labels: string) =>
    `highwater_gateway_${name}{channel="sms",${labels}`
  expect(text).toContain(series('deliveries_total', 'partition="3",result="unknown"} 3'))
  expect(text).toContain(series('refusals_total', 'partition="3",reason="http-404"} 1'))
  expect(text).toContain(series('lag_seconds', 'partition="3"} 1.5'))
  expect(text).toContain('highwater_gateway_throttles_total{channel="sms"} 4')
})

test('the committed dashboard is the one that its source makes', () => {
  expect(JSON.parse(dashboard)).toEqual(JSON.parse(JSON.stringify(buildGatewayDashboard())))
})

test('every alert says how bad it is, what it means and what to do, and fires in a test', () => {
  const { groups } = parse(alerts) as {
    groups: { rules: { alert: string; labels: object; annotations: Record<string, string> }[] }[]
  }
  const fired = read('prometheus', 'gateway-alerts.test.yaml')
  for (const { alert, labels, annotations } of groups.flatMap(({ rules }) => rules)) {
    expect(labels).toHaveProperty('severity')
    expect(Object.keys(annotations).sort()).toEqual(['description', 'runbook', 'summary'])
    expect(fired).toContain(`alertname: ${alert}\n`)
  }
})
