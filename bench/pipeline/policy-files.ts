/**
 * Configurations of 10 or 200 triggers over the four benched counters, each with and without the
 * whole policy: channels with caps and capacity, classes, a global cap, control groups,
 * arbitration, contact windows from channel and class. With it a candidate passes every check; the
 * limits are wide enough that both deliver.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { BENCH_FILES } from './traffic.ts'

/** What the policy adds beside the triggers. */
const POLICY = `
channels:
  sms:
    contactWindow: { from: '00:00', to: '24:00' }
    cap: [20 per day, 200 per 30 days]
    capacity: { perHour: 900000000, perDay: 1000000000, alarmAt: 80 %, reserved: { service: 5 % } }
  push:
    cap: 20 per day
classes:
  marketing: { cap: 100 per week, sensitiveCap: 1 per month }
caps: 30 per day
holidays: [2026-12-25]
controlGroup: { experiment: bench-global, share: 5 % }
arbitration: { layers: [model, segment, default], offersPerContact: 3, contact: hour }
`
const LAYERS = ['model', 'segment', 'default'] as const

/** Files with `triggers` triggers, every second one with a condition over two counters. */
export function policyFiles(triggers: number, hasPolicy: boolean): ConfigFiles {
  const documents = Array.from({ length: triggers }, (_, index) => triggerText(index, hasPolicy))
  return {
    'counters.yaml': BENCH_FILES['counters.yaml']!,
    ...(hasPolicy ? { 'policy.yaml': POLICY } : {}),
    'triggers/all.yaml': documents.join('---\n'),
  }
}

function triggerText(index: number, hasPolicy: boolean): string {
  const line = 400 + index * 40
  const when =
    index % 2 === 0
      ? `data_4g.day >= ${line} * KiB && tags.seed && !tags.has_pack`
      : `data_4g.month >= ${line} * KiB && ott.month > ${index} * MiB && tags.seed`
  const policy = hasPolicy
    ? `layer: ${LAYERS[index % 3]}\nvalue: data_4g.month / ${index + 1}\n` +
      `audience: '!lists.red'\ncontrolGroup: { share: 10 % }\n`
    : ''
  const channel = hasPolicy && index % 3 === 0 ? 'push' : 'sms'
  return `trigger: t-${index}
when: ${when}
once: month
priority: ${index % 100}
${policy}deliver:
  channel: ${channel}
  contactWindow: { from: '00:00', to: '24:00', outside: defer }
cap: 1 per month
message: 'Reply VIP: 5 yuan a month, 100 MB of 4G data, doubled in the first month.'
`
}
