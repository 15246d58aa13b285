/**
 * What the end of a period costs: every subscriber once, on the next day, when calendar counters
 * begin anew and a sliding window of seven days drops its oldest. Reference: every subscriber once
 * more on that same day.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { MS_PER_DAY } from '../../src/state/zone.ts'
import { type BenchResult, comparedWith, figure } from '../report.ts'
import { KERNEL_TIME_MS, kernelFiles } from './kernel-records.ts'
import { KernelRig } from './kernel-rig.ts'

const SUBSCRIBERS = 200_000
const DAYS = 9

/** Records per second with and without a rollover in each, calendar and sliding. */
export function runRollover(): BenchResult[] {
  const calendar = kernelFiles()
  return [...measure('calendar', calendar), ...measure('sliding', slidingOf(calendar))]
}

/** The same with windows of seven days beside the days, so that every row has a ring. */
function slidingOf(files: ConfigFiles): ConfigFiles {
  const text = files['counters.yaml']!
  return { ...files, 'counters.yaml': text.replaceAll('month]', 'month, last 7 days]') }
}

function measure(name: string, files: ConfigFiles): BenchResult[] {
  const rig = new KernelRig(files, SUBSCRIBERS)
  rig.fill()
  const rates: number[] = []
  const plainRates: number[] = []
  for (let day = 1; day <= DAYS; day++) {
    const timeMs = KERNEL_TIME_MS + day * MS_PER_DAY
    rates.push(SUBSCRIBERS / rig.pass(timeMs))
    plainRates.push(SUBSCRIBERS / rig.pass(timeMs))
  }
  const reference = figure(
    'kernels',
    `reference.same_day_${name}_records_per_second`,
    plainRates,
    'records/s',
  )
  const result = figure('kernels', `rollover.${name}_records_per_second`, rates, 'records/s')
  return [
    { ...result, ...comparedWith(result.value, reference.metric, reference.value) },
    reference,
  ]
}
