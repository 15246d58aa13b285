import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { buildWatchDashboard } from '../../../config/grafana/source/watch-dashboard.ts'
import { PROJECT_ROOT } from '../../../src/launch.mjs'
import { createWatchMetrics } from '../../../src/metrics/watch-metrics.ts'
import { createFakeWatch } from '../../support/watch-view.ts'

const read = (...path: string[]) => readFileSync(join(PROJECT_ROOT, 'config', ...path), 'utf8')
const alerts = read('prometheus', 'watch-alerts.yaml')
const dashboard = read('grafana', 'dashboards', 'highwater-watch.json')

const metricsIn = (text: string) => new Set(text.match(/\bhighwater_watch_[a-z_]+\b/g) ?? [])

test('every metric of the watch is on its dashboard or in an alert, and no other is asked for', async () => {
  const exported = metricsIn(await createWatchMetrics(createFakeWatch()).render())
  expect(exported.size).toBeGreaterThan(10)
  expect(metricsIn(dashboard + alerts)).toEqual(exported)
})

test('levels and the funnel have series with values', async () => {
  const text = await createWatchMetrics(createFakeWatch()).render()
  expect(text).toContain('highwater_watch_level{measure="complaints"} 3')
  expect(text).toContain('highwater_watch_value{measure="complaints"} 0.0002')
  expect(text).toContain('highwater_watch_funnel{trigger="data-pack",stage="ordered"} 21')
  expect(text).toContain('highwater_watch_look_timestamp_seconds 1795150000')
})

test('the committed dashboard is the one that its source makes', () => {
  expect(JSON.parse(dashboard)).toEqual(JSON.parse(JSON.stringify(buildWatchDashboard())))
})

test('every alert says how bad it is, what it means and what to do', () => {
  const { groups } = parse(alerts) as {
    groups: { rules: { labels: object; annotations: Record<string, string> }[] }[]
  }
  for (const { labels, annotations } of groups.flatMap(({ rules }) => rules)) {
    expect(labels).toHaveProperty('severity')
    expect(Object.keys(annotations).sort()).toEqual(['description', 'runbook', 'summary'])
  }
})
