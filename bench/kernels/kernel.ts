/**
 * The kernel on one core, from decoded columns to candidates, and the same loop in C beside it
 * (reference.c): they take turns round by round, so both meet the same moods of the machine, and
 * their sums must agree.
 */

import { hugePageUse } from '../machine-description.ts'
import { type BenchOptions, type BenchResult, comparedWith, figure, say } from '../report.ts'
import { KERNEL_BATCH_RECORDS, kernelFiles } from './kernel-records.ts'
import { KernelRig } from './kernel-rig.ts'
import { findCompiler, type KernelSums, Reference } from './reference.ts'

const ROUNDS = 9
const BATCHES_PER_ROUND = 1_500
const WARM_UP_BATCHES = 500

/** How long a run takes: rounds of so many batches of 1,000 records. */
export interface KernelEffort {
  readonly rounds: number
  readonly batches: number
}

/** Runs both sides over `subscribers` that all have a row. */
export async function runKernel(
  options: Pick<BenchOptions, 'subscribers'>,
  effort: KernelEffort = { rounds: ROUNDS, batches: BATCHES_PER_ROUND },
): Promise<BenchResult[]> {
  const { subscribers } = options
  const compiler = findCompiler()
  if (compiler === null) say('no C compiler (cc, gcc, clang, or CC): no reference')
  const reference = compiler === null ? null : new Reference(compiler, subscribers)
  const rig = new KernelRig(kernelFiles(), subscribers)
  rig.fill()
  await reference?.fill()
  rig.round(WARM_UP_BATCHES)
  await reference?.run('round', WARM_UP_BATCHES)
  const rates = { kernel: [], lookup: [], c: [], cLookup: [], cAhead: [] } as Rates
  const note = (side: keyof Rates, seconds: number): void => {
    rates[side].push((effort.batches * KERNEL_BATCH_RECORDS) / seconds)
  }
  for (let round = 0; round < effort.rounds; round++) {
    note('kernel', rig.round(effort.batches))
    if (reference !== null) note('c', await reference.run('round', effort.batches))
    note('lookup', rig.resolve(effort.batches))
    if (reference !== null) note('cLookup', await reference.run('resolve', effort.batches))
  }
  const sums = rig.sums()
  if (reference !== null) {
    requireSameSums(sums, await reference.sums())
    for (let round = 0; round < effort.rounds; round++) {
      note('cAhead', await reference.run('ahead', effort.batches))
    }
    await reference.stop()
  }
  const use = hugePageUse()
  return [
    ...resultsOf(rates),
    figure('kernels', 'kernel.row_bytes', rig.core.tables[0]!.strideSize, 'bytes'),
    figure('kernels', 'kernel.candidates', sums.candidates, 'candidates'),
    figure('kernels', 'memory.bytes_per_subscriber', rig.core.stateSize() / subscribers, 'bytes'),
    ...(use === null
      ? []
      : [figure('kernels', 'memory.huge_page_share', use.hugeSize / use.residentSize, 'ratio')]),
  ]
}

/** Records per second of each round, by side; without a compiler those of C are empty. */
type Rates = Record<'kernel' | 'lookup' | 'c' | 'cLookup' | 'cAhead', number[]>

function resultsOf({ kernel, lookup, c, cLookup, cAhead }: Rates): BenchResult[] {
  const ours = [
    rateOf('kernel.records_per_second', kernel),
    rateOf('index.lookups_per_second', lookup),
  ]
  if (c.length === 0) return ours
  const theirs = [
    rateOf('reference.c_records_per_second', c),
    rateOf('reference.c_lookups_per_second', cLookup),
  ]
  return [
    ...ours.map((result, index) => {
      const other = theirs[index]!
      return { ...result, ...comparedWith(result.value, other.metric, other.value) }
    }),
    ...theirs,
    rateOf('reference.c_prefetching_records_per_second', cAhead),
  ]
}

function rateOf(metric: string, rates: readonly number[]): BenchResult {
  return figure('kernels', metric, rates, 'records/s')
}

/** Throws where one side did other work than the other. */
function requireSameSums(ours: KernelSums, theirs: KernelSums): void {
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return
  throw new Error(`the sums differ: ${JSON.stringify(ours)}, in C ${JSON.stringify(theirs)}`)
}
