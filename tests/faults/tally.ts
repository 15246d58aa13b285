/** Gathers what an episode sees, fault by fault. */

import type { Comparison } from './comparison.ts'
import type { EpisodeResult } from './family.ts'

/** Becomes the episode's result. */
export class Tally {
  runs = 0
  haltedCleanly = 0
  readonly recoverySeconds: number[] = []
  readonly failures: string[] = []

  /** Null: nothing flowed again, which is no figure. */
  noteRecovery(seconds: number | null): void {
    if (seconds !== null) this.recoverySeconds.push(seconds)
  }

  /** With what came out in the end. */
  result({ deliveriesCompared, lost, duplicated, failures }: Comparison): EpisodeResult {
    return {
      runs: this.runs,
      haltedCleanly: this.haltedCleanly,
      recoverySeconds: this.recoverySeconds,
      deliveriesCompared,
      lost,
      duplicated,
      failures: [...this.failures, ...failures],
    }
  }
}
