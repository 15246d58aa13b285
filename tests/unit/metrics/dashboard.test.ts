import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { buildDashboard } from '../../../config/grafana/source/dashboard.ts'
import { PROJECT_ROOT } from '../../../src/launch.mjs'
import { createMetrics } from '../../../src/metrics/registry.ts'
import {
  panelExpressions,
  readAlertRules,
  readDashboard,
} from '../../integration/prometheus/expressions.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

const used = new Set<string>()
for (const { expression } of panelExpressions()) addMetrics(expression)
for (const { expr } of readAlertRules()) addMetrics(expr)

function addMetrics(expression: string): void {
  const names = expression.match(/\b(?:highwater|process|nodejs)_[a-z0-9_]+\b/g) ?? []
  // A histogram's classes are series of the histogram.
  for (const name of names) used.add(name.replace(/_bucket$/, ''))
}

async function exported(): Promise<Set<string>> {
  const text = await createMetrics(createFakeWorker(1).view).render()
  return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]!))
}

test('the committed dashboard is the one that its source makes', () => {
  expect(readDashboard()).toEqual(JSON.parse(JSON.stringify(buildDashboard())))
})

test('every panel has its own number and place', () => {
  const { panels } = readDashboard()
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const cells = new Set<string>()
  for (const { title, gridPos } of panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(cells.has(`${x} ${y}`), title).toBe(false)
        cells.add(`${x} ${y}`)
      }
    }
  }
})

test('dashboard and alerts ask only for metrics that exist', async () => {
  const existing = await exported()
  expect([...used].filter((name) => !existing.has(name))).toEqual([])
})

test('every metric of the engine is on the dashboard or in an alert, but the raw clock', async () => {
  const own = [...(await exported())].filter((name) => name.startsWith('highwater_'))
  const unseen = own.filter((name) => !used.has(name))
  expect(unseen).toEqual(['highwater_clock_timestamp_seconds'])
})

test('every alert says how bad it is, what it means and what to do', () => {
  const rules = readAlertRules()
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  for (const { alert, labels, annotations } of rules) {
    expect(['critical', 'warning', 'info'], alert).toContain(labels.severity)
    expect(Object.keys(annotations).sort(), alert).toEqual(['description', 'runbook', 'summary'])
    for (const text of Object.values(annotations)) expect(text.length, alert).toBeGreaterThan(20)
  }
})

test('every alert fires in a test of its own', () => {
  const folder = join(PROJECT_ROOT, 'config', 'prometheus')
  const fired = new Set<string>()
  for (const name of ['alerts.test.yaml', 'alerts-days.test.yaml']) {
    const text = readFileSync(join(folder, name), 'utf8')
    expect(parse(text).rule_files).toEqual(['alerts.yaml'])
    for (const match of text.matchAll(/labels: '\{alertname="(\w+)"/g)) fired.add(match[1]!)
    for (const match of text.matchAll(/alertname: (\w+)/g)) fired.add(match[1]!)
  }
  expect([...fired].sort()).toEqual(
    readAlertRules()
      .map(({ alert }) => alert)
      .sort(),
  )
})
