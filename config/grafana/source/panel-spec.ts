/**
 * The words in which the dashboard is written: panels, rows, and selectors by the dashboard's
 * variables.
 */

/** Matchers of a series of a partition, and of one of a worker. */
export const BY = '{job="$job",instance=~"$instance",partition=~"$partition"}'
export const OF_WORKER = '{job="$job",instance=~"$instance"}'

/** A PromQL expression, and the name of its lines (empty: Grafana's own choice). */
export interface Query {
  readonly expr: string
  readonly legend: string
}

/** A panel before it is laid out. `width` in columns of 24, `height` in grid units. */
export interface PanelSpec {
  readonly title: string
  readonly description: string
  readonly type: 'timeseries' | 'stat' | 'state-timeline' | 'table'
  readonly width: number
  readonly height: number
  readonly unit: string
  readonly queries: readonly Query[]
  /** Values from which on a tile turns orange and red; null: it has no colour. */
  readonly limits?: readonly [orange: number, red: number] | null
  /** Red when the value is 0. */
  readonly isRedAtZero?: boolean
  readonly isStacked?: boolean
  /** Words shown for values. */
  readonly words?: Readonly<Record<string, { text: string; color: string }>>
}

/** A titled row; its panels flow from left to right. */
export interface RowSpec {
  readonly title: string
  readonly panels: readonly PanelSpec[]
}

/** `metric` selected by the dashboard's variables, with further label matchers. */
export function of(metric: string, matchers = ''): string {
  return `${metric}{job="$job",instance=~"$instance",partition=~"$partition"${matchers === '' ? '' : `,${matchers}`}}`
}

/** Per second, summed up but for the labels in `by`. */
export function rate(metric: string, by = ''): string {
  const sum = by === '' ? 'sum' : `sum by (${by})`
  return `${sum} (rate(${metric}${BY}[$__rate_interval]))`
}

/** A number on a coloured tile: 3 columns wide unless `rest` says otherwise. */
export function tile(
  title: string,
  description: string,
  expr: string,
  rest: Partial<PanelSpec>,
): PanelSpec {
  const queries = [{ expr, legend: '' }]
  return { title, description, type: 'stat', width: 3, height: 4, unit: 'short', queries, ...rest }
}

/** Lines over time: a third of the width unless `rest` says otherwise. */
export function graph(
  title: string,
  description: string,
  unit: string,
  queries: readonly Query[],
  rest: Partial<PanelSpec> = {},
): PanelSpec {
  return { title, description, type: 'timeseries', width: 8, height: 8, unit, queries, ...rest }
}
