/** Bench `kernels [PART…]`: each pass of the hot path alone, beside a reference of the same run. */

import { type BenchOptions, type BenchResult, comparedWith, say } from '../report.ts'
import { runCondition } from './condition.ts'
import { runDecode } from './decode.ts'
import { runKernel } from './kernel.ts'
import { runPage } from './page.ts'
import { runRollover } from './rollover.ts'
import { runTriggers } from './triggers.ts'
import { runUpdate } from './update.ts'

type Part = (options: BenchOptions) => BenchResult[] | Promise<BenchResult[]>

/** Parts by name, in the order in which they run. */
const PARTS: Readonly<Record<string, Part>> = {
  decode: runDecode,
  condition: runCondition,
  rollover: runRollover,
  page: runPage,
  kernel: runKernel,
  triggers: runTriggers,
  update: runUpdate,
}

/** Runs the parts named in the options, or all. Throws RangeError for a part that there is not. */
export async function runKernels(options: BenchOptions): Promise<BenchResult[]> {
  const names = options.parts.length === 0 ? Object.keys(PARTS) : options.parts
  const results: BenchResult[] = []
  for (const name of names) {
    const part = PARTS[name]
    if (part === undefined) {
      throw new RangeError(`no part ${name}; there are ${Object.keys(PARTS).join(', ')}`)
    }
    say(`${name} …`)
    results.push(...(await part(options)))
  }
  return results.map((result) => withReference(result, results))
}

/** The whole machine, from message to decision, is compared with its kernel. */
function withReference(result: BenchResult, results: readonly BenchResult[]): BenchResult {
  if (result.metric !== 'update.records_per_cpu_second') return result
  const kernel = results.find(({ metric }) => metric === 'kernel.records_per_second')
  if (kernel === undefined) return result
  return { ...result, ...comparedWith(result.value, kernel.metric, kernel.value) }
}
