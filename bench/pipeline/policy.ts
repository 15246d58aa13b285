/**
 * What the policy layer costs: the pipeline with 10 and with 200 triggers, each without and with a
 * whole policy (policy-files.ts), one after the other in one run, on the same records.
 */

import { type BenchOptions, type BenchResult, comparedWith, say } from '../report.ts'
import { consume, populate, prefill, SEED } from './pipeline.ts'
import { policyFiles } from './policy-files.ts'
import { Rig } from './rig.ts'
import { Traffic } from './traffic.ts'

const TRIGGER_COUNTS = [10, 200] as const

/** Runs the bench; prints its seed. */
export async function runPolicy(options: BenchOptions): Promise<BenchResult[]> {
  say(`seed ${SEED}, ${options.subscribers} subscribers, ${options.records} records, four times`)
  const results: BenchResult[] = []
  for (const triggers of TRIGGER_COUNTS) {
    const without = await measure(options, triggers, false)
    const withPolicy = await measure(options, triggers, true)
    const before = `triggers_${triggers}.records_per_second_without`
    results.push(
      figure(before, without.recordsPerSecond, 'records/s'),
      {
        ...figure(
          `triggers_${triggers}.records_per_second`,
          withPolicy.recordsPerSecond,
          'records/s',
        ),
        ...comparedWith(withPolicy.recordsPerSecond, before, without.recordsPerSecond),
      },
      figure(`triggers_${triggers}.deliveries_without`, without.deliveries, 'deliveries'),
      figure(`triggers_${triggers}.deliveries`, withPolicy.deliveries, 'deliveries'),
      figure(`triggers_${triggers}.candidates`, withPolicy.candidates, 'candidates'),
    )
  }
  return results
}

async function measure(options: BenchOptions, triggers: number, hasPolicy: boolean) {
  say(`${triggers} triggers, ${hasPolicy ? 'with' : 'without'} policy`)
  const rig = await Rig.start(policyFiles(triggers, hasPolicy))
  try {
    const traffic = new Traffic(SEED, options.subscribers)
    await populate(rig, traffic, options.subscribers)
    return await consume(rig, await prefill(rig, traffic, options.records))
  } finally {
    await rig.stop()
  }
}

function figure(metric: string, value: number, unit: string): BenchResult {
  return { bench: 'policy', metric, value: Number(value.toPrecision(5)), unit }
}
