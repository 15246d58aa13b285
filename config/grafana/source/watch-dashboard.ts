/**
 * The dashboard of `highwater watch` as code: levels of business numbers, the funnel, and how the
 * watch itself is. `node config/grafana/source/watch-dashboard.ts` writes
 * dashboards/highwater-watch.json (then format it); a test holds the two together.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildJobDashboard } from './dashboard.ts'
import type { RowSpec } from './panel-spec.ts'
import { graph, tile } from './panel-spec.ts'

const OF_WATCH = '{job="$job"}'
const one = (metric: string, legend: string) => ({ expr: `${metric}${OF_WATCH}`, legend })

const LEVELS = {
  0: { text: 'good', color: 'blue' },
  1: { text: 'normal', color: 'green' },
  2: { text: 'warning', color: 'orange' },
  3: { text: 'alarm', color: 'red' },
}

const ROWS: readonly RowSpec[] = [
  {
    title: 'Business numbers',
    panels: [
      graph('Levels', 'Of the measures that the configuration watches.', 'short', [
        one('highwater_watch_level', '{{measure}}'),
      ], { type: 'state-timeline', width: 16, words: LEVELS }),
      graph('Values', 'Shares, numbers of deliveries, shares of last week.', 'short', [
        one('highwater_watch_value', '{{measure}}'),
      ]),
      graph('Funnel', 'All days kept, by trigger and stage.', 'short', [
        one('highwater_watch_funnel', '{{trigger}} {{stage}}'),
      ], { width: 16 }),
      graph('Segments of the day', 'Sent and planned, and what the platform takes.', 'short', [
        one('highwater_watch_segments_today', 'sent and planned'),
        one('highwater_watch_segments_maximum', 'maximum'),
      ]),
    ],
  },
  {
    title: 'The watch itself',
    panels: [
      tile('Ready', 'Folded, and nothing in the way.', `min(highwater_watch_ready${OF_WATCH})`, {
        isRedAtZero: true,
      }),
      tile(
        'Last look',
        'How long ago.',
        `time() - max(highwater_watch_look_timestamp_seconds${OF_WATCH})`,
        { unit: 's', limits: [3600, 7200] },
      ),
      tile('Unsaid', 'Decided and not yet said.', `sum(highwater_watch_unsaid${OF_WATCH})`, {
        limits: [1, 20],
      }),
      tile(
        'Never seen',
        'Decisions that OUT had forgotten.',
        `sum(highwater_watch_decisions_missing${OF_WATCH})`,
        { limits: [1, 1000] },
      ),
      graph('Said', 'Reports and alarms published, messages to people.', 'short', [
        { expr: `increase(highwater_watch_published_total${OF_WATCH}[1h])`, legend: 'published' },
        { expr: `increase(highwater_watch_notices_total${OF_WATCH}[1h])`, legend: 'messages' },
      ]),
      graph('Decisions folded /s', 'By partition.', 'short', [
        { expr: `deriv(highwater_watch_decision_number${OF_WATCH}[5m])`, legend: '{{partition}}' },
      ]),
      graph('Rows kept', 'Of counts, and of numbers reached.', 'short', [
        one('highwater_watch_rows', '{{kind}}'),
      ]),
      graph('Memory of numbers', 'Of those who were reached.', 'bytes', [
        one('highwater_watch_numbers_bytes', ''),
      ]),
    ],
  },
]

/** The dashboard in Grafana's classic schema, ready to be written as JSON. */
export function buildWatchDashboard(): Record<string, unknown> {
  const head = {
    uid: 'highwater-watch',
    title: 'Highwater: reports and levels',
    description: 'What came of the deliveries, and whether that is as it should be.',
  }
  return buildJobDashboard(head, 'highwater_watch_ready', ROWS)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = fileURLToPath(new URL('../dashboards/highwater-watch.json', import.meta.url))
  writeFileSync(file, `${JSON.stringify(buildWatchDashboard(), null, 2)}\n`)
}
