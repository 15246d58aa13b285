/** One protection taken away, and the tests that must notice. */

/** A change of the engine's text that removes exactly one protection. It still compiles. */
export interface Mutant {
  /** Kebab-case; the first column of the table and the name on the command line. */
  readonly name: string
  /** What is removed, for people. */
  readonly protection: string
  /** Below the project's folder. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly before: string
  readonly after: string
  /** Test files (below `tests/`) of which at least one test must fail. */
  readonly suites: readonly string[]
}

/** What came of one mutant. */
export interface MutantResult {
  readonly name: string
  /**
   * `caught`: tests failed. `survived`: none did. `stale`: the text to change is not there (any
   * more). `broken`: the changed engine does not compile or load, which proves nothing.
   */
  readonly verdict: 'caught' | 'survived' | 'stale' | 'broken'
  readonly failedTests: number
  readonly passedTests: number
  /** Full name of the first test that failed; empty when none did. */
  readonly firstFailure: string
  readonly seconds: number
}

/**
 * The text with the protection removed; null when `before` does not stand there exactly once.
 */
export function mutate(text: string, { before, after }: Mutant): string | null {
  const at = text.indexOf(before)
  if (at === -1 || text.indexOf(before, at + 1) !== -1) return null
  return text.slice(0, at) + after + text.slice(at + before.length)
}
