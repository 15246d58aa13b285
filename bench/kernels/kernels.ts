/** Bench `kernels [PART…]`: each pass of the hot path alone, beside a reference of the same run. */

import { type BenchOptions, type BenchResult, say } from '../report.ts'
import { runKernel } from './kernel.ts'

type Part = (options: BenchOptions) => BenchResult[] | Promise<BenchResult[]>

/** Parts by name, in the order in which they run. */
const PARTS: Readonly<Record<string, Part>> = {
  kernel: runKernel,
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
  return results
}
