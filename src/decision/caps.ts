/** Whether a sliding cap has room. */

/**
 * How many of these lie in the fullest stretch of `lengthMs` (start inclusive, end exclusive)
 * around `dueMs`.
 */
export function slidingUse(instantsMs: readonly number[], dueMs: number, lengthMs: number): number {
  const near = instantsMs.filter((each) => Math.abs(each - dueMs) < lengthMs)
  let most = 0
  for (const startMs of [dueMs, ...near]) {
    if (startMs > dueMs) continue
    const used = near.filter((each) => each >= startMs && each < startMs + lengthMs).length
    most = Math.max(most, used)
  }
  return most
}
