/**
 * The PromQL that people get: of the dashboard's panels, variables and annotations, and of the
 * alerts.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { PROJECT_ROOT } from '../../../src/launch.mjs'

export interface NamedExpression {
  readonly name: string
  readonly expression: string
}

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

interface Dashboard {
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly gridPos: {
      readonly x: number
      readonly y: number
      readonly w: number
      readonly h: number
    }
    readonly targets?: readonly { readonly refId: string; readonly expr: string }[]
  }[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly definition?: string }[]
  }
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly expr: string }[]
  }
}

/** The committed dashboard. */
export function readDashboard(): Dashboard {
  const folder = join(PROJECT_ROOT, 'config', 'grafana', 'dashboards')
  return JSON.parse(readFileSync(join(folder, 'highwater.json'), 'utf8'))
}

/** The committed alert rules of a file, all groups. */
export function readAlertRules(file = 'alerts.yaml'): readonly AlertRule[] {
  const path = join(PROJECT_ROOT, 'config', 'prometheus', file)
  const { groups } = parse(readFileSync(path, 'utf8')) as { groups: { rules: AlertRule[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

/** Every query of every panel, its variables as Grafana fills them in with "All" chosen. */
export function panelExpressions(): readonly NamedExpression[] {
  return readDashboard().panels.flatMap(({ title, targets }) =>
    (targets ?? []).map(({ refId, expr }) => ({
      name: `${title} ${refId}`,
      expression: fillIn(expr),
    })),
  )
}

/** Every annotation, without its threshold: a comparison gives 0 or 1 instead of nothing. */
export function annotationExpressions(): readonly NamedExpression[] {
  return readDashboard().annotations.list.map(({ name, expr }) => ({
    name,
    expression: withoutThresholds(fillIn(expr)),
  }))
}

/** Series selector and label of every variable that asks Prometheus for its values. */
export function variableSelectors(): readonly { selector: string; label: string }[] {
  return readDashboard().templating.list.flatMap(({ definition }) => {
    const match = /^label_values\((.+), (\w+)\)$/.exec(definition ?? '')
    return match === null ? [] : [{ selector: fillIn(match[1]!), label: match[2]! }]
  })
}

/**
 * Every alert, changed so that it returns data exactly when all its parts have some and fit each
 * other: comparisons give 0 or 1, `absent` gives way to what it asks for, yesterday is now.
 */
export function alertExpressions(): readonly NamedExpression[] {
  return readAlertRules().map(({ alert, expr }) => ({
    name: alert,
    expression: withoutThresholds(expr)
      .replace(/absent\((.*)\)/, '$1')
      .replaceAll(' offset 1d', ''),
  }))
}

function withoutThresholds(expression: string): string {
  return expression.replace(/ (==|!=|>=|<=|>|<) /g, ' $1 bool ')
}

function fillIn(expression: string): string {
  return expression
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$job', 'highwater')
    .replaceAll('$instance', '.*')
    .replaceAll('$partition', '.*')
}
