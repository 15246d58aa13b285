/**
 * What `npm run fuzz` throws hostile input at. A target makes its cases from a seed, runs them
 * through the real code and holds the outcome to a rule; the first case that breaks it is thrown as
 * a FuzzFailure, with what is needed to see it again.
 */

/** One place where input from outside comes in. */
export interface FuzzTarget {
  readonly name: string
  /** The rule that every case is held to, in one line. */
  readonly rule: string
  /** Cases of a full run. */
  readonly cases: number
  /** Runs `cases` cases. Throws FuzzFailure. */
  readonly run: (options: FuzzOptions) => FuzzTally | Promise<FuzzTally>
}

/** What a run is told. */
export interface FuzzOptions {
  readonly seed: number
  readonly cases: number
  /** Called now and then with the number of cases done. */
  readonly say: (done: number) => void
}

/** A case that broke its target's rule. */
export class FuzzFailure extends Error {}

/** What came of a run. */
export class FuzzTally {
  cases = 0
  accepted = 0
  /** Refusals by reason. */
  readonly refusals = new Map<string, number>()

  /** Counts a case that was refused. */
  refuse(reason: string): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1)
  }

  /**
   * Runs one case: `refused` says the reason of an error that is a refusal, null for any other
   * error, which fails the run together with `describe`.
   */
  attempt(
    run: () => void,
    refused: (error: unknown) => string | null,
    describe: () => string,
  ): void {
    this.cases += 1
    try {
      run()
      this.accepted += 1
    } catch (error) {
      const reason = error instanceof FuzzFailure ? null : refused(error)
      if (reason === null)
        throw new FuzzFailure(`case ${this.cases}: ${describe()}`, { cause: error })
      this.refuse(reason)
    }
  }
}

/** Fails the case at hand unless the rule holds. */
export function hold(isHeld: boolean, rule: string): void {
  if (!isHeld) throw new FuzzFailure(rule)
}

/** Progress every this many cases. */
export const SAY_EVERY = 50_000
