/** What SREs get, on a real Prometheus that scrapes a worker at work. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  alertExpressions,
  annotationExpressions,
  panelExpressions,
  readAlertRules,
  variableSelectors,
} from './expressions.ts'
import type { PrometheusServer } from './prometheus-server.ts'
import { promtool, startPrometheus } from './prometheus-server.ts'
import type { WorkerUnderTest } from './worker-under-test.ts'
import { startWorkerForTest } from './worker-under-test.ts'

/** Scrapes before the first query: a rate needs two, a derivative is steadier with a few. */
const SCRAPES_MIN = 4
const STARTUP_TIMEOUT_MS = 120_000

describe('a Prometheus that scrapes a working worker', () => {
  let worker: WorkerUnderTest
  let prometheus: PrometheusServer

  beforeAll(async () => {
    worker = await startWorkerForTest()
    prometheus = await startPrometheus(worker.target)
    for (let scrapes = 0; scrapes < SCRAPES_MIN; ) {
      await new Promise((resolve) => setTimeout(resolve, 250))
      const [counted] = await prometheus.query('min(count_over_time(highwater_epoch[1m]))')
      scrapes = counted?.value ?? 0
    }
  }, STARTUP_TIMEOUT_MS)

  afterAll(async () => {
    await prometheus?.stop()
    await worker?.stop()
  })

  test.each(panelExpressions())(
    'the panel query "$name" returns numbers',
    async ({ expression }) => {
      const samples = await prometheus.query(expression)
      expect(samples.filter(({ value }) => Number.isFinite(value))).not.toEqual([])
    },
  )

  test.each(annotationExpressions())('the annotation "$name" has data', async ({ expression }) => {
    expect(await prometheus.query(expression)).not.toEqual([])
  })

  test.each(variableSelectors())('the variable $label has values', async ({ selector, label }) => {
    const match = encodeURIComponent(selector)
    expect(await prometheus.get(`label/${label}/values?match[]=${match}`)).not.toEqual([])
  })

  test.each(alertExpressions())('all that $name compares is there', async ({ expression }) => {
    expect(await prometheus.query(expression)).not.toEqual([])
  })

  test('Prometheus evaluates every alert rule without an error', async () => {
    const { groups } = (await prometheus.get('rules?type=alert')) as {
      groups: { rules: { name: string; health: string; lastError?: string }[] }[]
    }
    const rules = groups.flatMap((group) => group.rules)
    const watched = readAlertRules('watch-alerts.yaml').map(({ alert }) => alert)
    const sent = readAlertRules('gateway-alerts.yaml').map(({ alert }) => alert)
    const names = [...alertExpressions().map(({ name }) => name), ...watched, ...sent]
    expect(rules.map(({ name }) => name).sort()).toEqual(names.sort())
    expect(rules.filter(({ lastError }) => (lastError ?? '') !== '')).toEqual([])
  })

  test('records and deliveries flow', async () => {
    for (const metric of ['highwater_records_total', 'highwater_deliveries_total']) {
      const [sample] = await prometheus.query(`sum(rate(${metric}[1m]))`)
      expect(sample?.value).toBeGreaterThan(0)
    }
  })

  test('promtool finds nothing to say about the metrics', async () => {
    const response = await fetch(`http://${worker.target}/metrics`)
    const { exitCode, output } = await promtool(['check', 'metrics'], await response.text())
    expect(output).toBe('')
    expect(exitCode).toBe(0)
  })
})

test.each([
  ['check', 'config', 'prometheus.yml'],
  ['check', 'rules', 'alerts.yaml', 'watch-alerts.yaml', 'gateway-alerts.yaml'],
  ['test', 'rules', 'alerts.test.yaml', 'alerts-days.test.yaml'],
  ['test', 'rules', 'watch-alerts.test.yaml'],
  ['test', 'rules', 'gateway-alerts.test.yaml'],
])('promtool %s %s passes', async (...args) => {
  const { exitCode, output } = await promtool(args)
  expect(output).not.toContain('FAILED')
  expect(exitCode).toBe(0)
})
