/**
 * What a further condition costs: the kernel with ten triggers and with 110, of which the last 100
 * never fire, over subscribers that fit into the cache. Reference: the interpreter of the general
 * path on the same conditions.
 */

import { SubscriberReader } from '../../src/partition/subscriber-reader.ts'
import { type BenchResult, comparedWith, figure, median } from '../report.ts'
import { KERNEL_BATCH_RECORDS, KERNEL_TIME_MS, kernelFiles } from './kernel-records.ts'
import { KernelRig } from './kernel-rig.ts'

const SUBSCRIBERS = 10_000
const TRIGGERS_FEW = 10
const TRIGGERS_MANY = 110
const ROUNDS = 7
const BATCHES = 500
const INTERPRETED_RECORDS = 2_000
/** Half of the conditions read 4G data (7 of 8 records), the others some apps (1 of 8). */
const SHARE_JUDGED = 0.5

/** Conditions per second, generated and interpreted. */
export function runCondition(): BenchResult[] {
  const few = new KernelRig(kernelFiles(TRIGGERS_FEW), SUBSCRIBERS)
  const many = new KernelRig(kernelFiles(TRIGGERS_MANY), SUBSCRIBERS)
  for (const rig of [few, many]) {
    rig.fill()
    rig.round(BATCHES)
  }
  const judged = BATCHES * KERNEL_BATCH_RECORDS * (TRIGGERS_MANY - TRIGGERS_FEW) * SHARE_JUDGED
  const fewSeconds: number[] = []
  const manySeconds: number[] = []
  const interpretedRates: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    fewSeconds.push(few.round(BATCHES))
    manySeconds.push(many.round(BATCHES))
    interpretedRates.push(interpret(many))
  }
  // A difference of medians, not the median of differences: those are smaller than the noise.
  const [fewMedian, manyMedian] = [median(fewSeconds), median(manySeconds)]
  // Where further conditions cost nothing that can be measured, a tenth of a percent stands.
  const extraSeconds = Math.max(manyMedian - fewMedian, fewMedian / 1000)
  const generated = figure('kernels', 'condition.per_second', judged / extraSeconds, 'conditions/s')
  const interpreted = figure(
    'kernels',
    'reference.interpreted_conditions_per_second',
    interpretedRates,
    'conditions/s',
  )
  return [
    { ...generated, ...comparedWith(generated.value, interpreted.metric, interpreted.value) },
    interpreted,
    figure('kernels', 'condition.rate_at_110_of_that_at_10', fewMedian / manyMedian, 'ratio'),
  ]
}

function interpret({ core }: KernelRig): number {
  const reader = new SubscriberReader(core)
  const conditions = core.compiled.conditions.slice(TRIGGERS_FEW)
  const keys = core.periodKeys(0, KERNEL_TIME_MS)
  let metCount = 0
  const startedAtMs = performance.now()
  for (let slot = 0; slot < INTERPRETED_RECORDS; slot++) {
    for (const { spec } of conditions) if (reader.judge(spec.when, slot, keys)) metCount += 1
  }
  const seconds = (performance.now() - startedAtMs) / 1000
  if (metCount > 0) throw new Error('a condition that never fires was met')
  return (INTERPRETED_RECORDS * conditions.length) / seconds
}
