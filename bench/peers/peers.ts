/** `npm run bench -- peers`: Highwater and the obvious alternatives on one input. */

import type { BenchOptions, BenchResult } from '../report.ts'
import { checkAnswers, writeInput } from './files.ts'

/** Seed of the input. */
export const SEED = 20261122

/** Runs the bench; with `write` or `check` it only deals with files, see input.ts. */
export async function runPeers(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, records, write, check } = options
  if (write !== undefined) await writeInput(write, { seed: SEED, subscribers, records })
  if (check !== undefined && !(await checkAnswers(check))) process.exitCode = 1
  return []
}
