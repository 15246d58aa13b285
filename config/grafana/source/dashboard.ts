/**
 * The Grafana dashboard as code. `node config/grafana/source/dashboard.ts` writes
 * dashboards/highwater.json (then format it); a test holds the two together.
 *
 * It answers one question first: why did deliveries stop? The top row goes along the path of the
 * data, so that the first tile from the left that is not as usual names the cause; each row below
 * is the long answer of one of those tiles.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CHANNELS } from './channel-row.ts'
import { DECISIONS, INPUT, OUTPUT, PROCESS, STATE } from './detail-rows.ts'
import { JOURNEYS } from './journey-row.ts'
import { OFFERS } from './offer-row.ts'
import { STATUS, WHY } from './overview-rows.ts'
import type { PanelSpec, RowSpec } from './panel-spec.ts'
import { BY, OF_WORKER } from './panel-spec.ts'
import { SEGMENTS } from './segment-row.ts'

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own placeholder
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
const ROW_WIDTH = 24

const ROWS: readonly RowSpec[] = [WHY, STATUS, INPUT, DECISIONS, CHANNELS, SEGMENTS, JOURNEYS, OFFERS, OUTPUT, STATE, PROCESS]

/** The dashboard in Grafana's classic schema, ready to be written as JSON. */
export function buildDashboard(): Record<string, unknown> {
  const panels = panelsOf(ROWS)
  return {
    uid: 'highwater',
    title: 'Highwater',
    description: 'Workers of Highwater: from usage records to deliveries.',
    ...SHARED,
    templating: { list: buildVariables() },
    annotations: { list: buildAnnotations() },
    panels,
  }
}

/** What all dashboards have in common. */
const SHARED = {
  tags: ['highwater'],
  schemaVersion: 39,
  version: 1,
  editable: true,
  graphTooltip: 1,
  refresh: '30s',
  time: { from: 'now-3h', to: 'now' },
  timezone: 'browser',
} as const

/**
 * The dashboard of a process that is one job: `head` is its uid, title and description, `metric`
 * one that every such process has.
 */
export function buildJobDashboard(
  head: { readonly uid: string; readonly title: string; readonly description: string },
  metric: string,
  rows: readonly RowSpec[],
): Record<string, unknown> {
  const definition = `label_values(${metric}, job)`
  const job = { name: 'job', label: 'Job', type: 'query', datasource: DATASOURCE, definition, refresh: 2 }
  return {
    ...head,
    ...SHARED,
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        { ...job, query: { query: definition, refId: 'job' } },
      ],
    },
    annotations: { list: [] },
    panels: panelsOf(rows),
  }
}

/** Rows laid out from top to bottom, their panels from left to right. */
function panelsOf(rows: readonly RowSpec[]): Record<string, unknown>[] {
  const panels: Record<string, unknown>[] = []
  let y = 0
  for (const row of rows) {
    const id = panels.length + 1
    const gridPos = { h: 1, w: ROW_WIDTH, x: 0, y }
    panels.push({ id, type: 'row', title: row.title, collapsed: false, gridPos, panels: [] })
    y++
    let x = 0
    let height = 0
    for (const spec of row.panels) {
      if (x + spec.width > ROW_WIDTH) {
        x = 0
        y += height
        height = 0
      }
      panels.push(buildPanel(spec, panels.length + 1, x, y))
      x += spec.width
      height = Math.max(height, spec.height)
    }
    y += height
  }
  return panels
}

function buildVariables(): Record<string, unknown>[] {
  const query = (name: string, label: string, definition: string, isMulti: boolean) => ({
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    query: { query: definition, refId: name },
    definition,
    refresh: 2,
    sort: 3,
    multi: isMulti,
    includeAll: isMulti,
    ...(isMulti ? { allValue: '.*', current: { text: 'All', value: '$__all' } } : {}),
  })
  return [
    { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
    query('job', 'Job', 'label_values(highwater_build_info, job)', false),
    query('instance', 'Worker', 'label_values(highwater_build_info{job="$job"}, instance)', true),
    query(
      'partition',
      'Partition',
      'label_values(highwater_partition_status{job="$job",instance=~"$instance"}, partition)',
      true,
    ),
  ]
}

/** Vertical lines on every graph: what most often changed just before something stopped. */
function buildAnnotations(): Record<string, unknown>[] {
  const line = (name: string, expr: string, color: string) => ({
    name,
    datasource: DATASOURCE,
    enable: true,
    expr,
    iconColor: color,
    step: '30s',
    titleFormat: name,
  })
  return [
    line('configuration changed', `max(changes(highwater_config_generation${BY}[1m])) > 0`, 'blue'),
    line(
      'worker started',
      `max(changes(process_start_time_seconds${OF_WORKER}[1m])) > 0`,
      'purple',
    ),
  ]
}

function buildPanel(spec: PanelSpec, id: number, x: number, y: number): Record<string, unknown> {
  const isInstant = spec.type === 'table'
  return {
    id,
    type: spec.type,
    title: spec.title,
    description: spec.description,
    datasource: DATASOURCE,
    gridPos: { h: spec.height, w: spec.width, x, y },
    targets: spec.queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend === '' ? '__auto' : legend,
      ...(isInstant ? { instant: true, range: false, format: 'table' } : { range: true }),
    })),
    fieldConfig: { defaults: buildDefaults(spec), overrides: [] },
    options: buildOptions(spec),
    ...(isInstant ? { transformations: buildTransformations(spec) } : {}),
  }
}

function buildDefaults(spec: PanelSpec): Record<string, unknown> {
  const mappings =
    spec.words === undefined ? [] : [{ type: 'value', options: indexWords(spec.words) }]
  const custom =
    spec.type === 'timeseries'
      ? {
          lineWidth: 1,
          fillOpacity: spec.isStacked === true ? 40 : 5,
          showPoints: 'never',
          stacking: { mode: spec.isStacked === true ? 'normal' : 'none', group: 'A' },
        }
      : {}
  // A lag may be below zero: the broker's clock runs ahead.
  const bounds = spec.unit === 's' ? {} : { min: 0 }
  return { unit: spec.unit, ...bounds, custom, mappings, thresholds: buildThresholds(spec) }
}

function indexWords(words: NonNullable<PanelSpec['words']>): Record<string, unknown> {
  const entries = Object.entries(words)
  return Object.fromEntries(entries.map(([value, word], index) => [value, { ...word, index }]))
}

function buildThresholds(spec: PanelSpec): Record<string, unknown> {
  if (spec.isRedAtZero === true) {
    const steps = [
      { color: 'red', value: null },
      { color: 'green', value: 1e-9 },
    ]
    return { mode: 'absolute', steps }
  }
  if (spec.limits === undefined || spec.limits === null) {
    return { mode: 'absolute', steps: [{ color: 'text', value: null }] }
  }
  const [orange, red] = spec.limits
  const steps: { color: string; value: number | null }[] = [{ color: 'green', value: null }]
  if (orange < red) steps.push({ color: 'orange', value: orange })
  steps.push({ color: 'red', value: red })
  return { mode: 'absolute', steps }
}

function buildOptions(spec: PanelSpec): Record<string, unknown> {
  switch (spec.type) {
    case 'timeseries':
      return {
        legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
        tooltip: { mode: 'multi', sort: 'desc' },
      }
    case 'stat':
      return {
        colorMode: 'background',
        graphMode: 'area',
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
        textMode: 'value',
      }
    case 'state-timeline':
      return { mergeValues: true, showValue: 'auto', legend: { showLegend: false } }
    case 'table':
      return { showHeader: true }
  }
}

function buildTransformations(spec: PanelSpec): Record<string, unknown>[] {
  const renameByName = Object.fromEntries(
    spec.queries.map(({ legend }, index) => [
      spec.queries.length === 1 ? 'Value' : `Value #${String.fromCharCode(65 + index)}`,
      legend,
    ]),
  )
  const isJoined = spec.queries.length > 1
  return [
    { id: 'merge', options: {} },
    {
      id: 'organize',
      options: {
        excludeByName: {
          Time: true,
          __name__: true,
          ...(isJoined ? {} : { Value: true, job: true }),
        },
        renameByName: isJoined ? renameByName : {},
      },
    },
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = fileURLToPath(new URL('../dashboards/highwater.json', import.meta.url))
  writeFileSync(path, `${JSON.stringify(buildDashboard(), null, 2)}\n`)
}
