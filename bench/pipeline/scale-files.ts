/** Configurations with so many triggers and so many counters. */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { BENCH_FILES } from './traffic.ts'

/** Numbers that `BENCH_FILES` counts per row: day and month of data, this and last month of OTT. */
const COUNTERS_MIN = 4
/** Codes of apps that traffic has: 0 to 31, of which the first five are taken. */
const APP_FIRST = 5
const APPS = 27

/**
 * Four counters as benched elsewhere, and sums of one app each, of which a record of an app touches
 * its own; triggers over the four, every second one over two of them, at thresholds that spread
 * over what subscribers reach.
 */
export function scaleFiles(triggers: number, counters: number): ConfigFiles {
  const apps = Array.from({ length: APPS }, (_, index) => `app${index}: ${APP_FIRST + index}`)
  const sums = Array.from({ length: counters - COUNTERS_MIN }, (_, index) => {
    const per = index < APPS ? 'month' : 'day'
    return `  extra${index}: { sum: bytes, where: 'app == app${index % APPS}', per: [${per}] }\n`
  })
  const base = BENCH_FILES['counters.yaml']!.replace('apps: {', `apps: { ${apps.join(', ')},`)
  const documents = Array.from({ length: triggers }, (_, index) => triggerText(index))
  return { 'counters.yaml': base + sums.join(''), 'triggers/all.yaml': documents.join('---\n') }
}

function triggerText(index: number): string {
  const when =
    index % 2 === 0
      ? `data_4g.day >= ${500 + index * 20} * KiB && tags.seed && !tags.has_pack`
      : `data_4g.month >= ${500 + index * 20} * KiB && ott.month > ${1 + (index % 50)} * MiB && tags.seed`
  return `trigger: t-${index}
when: ${when}
once: month
deliver:
  channel: sms
  contactWindow: { from: '00:00', to: '24:00', outside: defer }
cap: 1 per month
message: 'Reply VIP: 5 yuan a month, 100 MB of 4G data, doubled in the first month.'
`
}
