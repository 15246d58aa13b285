/**
 * Confidence intervals of shares, also of small numbers: Wilson's score interval of one share, and
 * Newcombe's of the difference of two (his method 10, from the two score intervals; no continuity
 * correction).
 *
 * R. G. Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven
 * methods", Statistics in Medicine 17 (1998) 857-872, and "Interval estimation for the difference
 * between independent proportions: comparison of eleven methods", ibid. 873-890.
 */

/** Quantile of the normal distribution for intervals of 95 %. */
export const Z_95 = 1.959_963_984_540_054

/** Both ends; of a share within [0, 1], of a difference within [-1, 1]. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/** Two shares against each other: the first minus the second. */
export interface Difference extends Interval {
  readonly difference: number
}

/** Wilson's interval of `count` of `total`; `total` at least 1. */
export function wilsonInterval(count: number, total: number, z: number = Z_95): Interval {
  const share = count / total
  const square = z * z
  const middle = 2 * total * share + square
  const half = z * Math.sqrt(square + 4 * total * share * (1 - share))
  const width = 2 * (total + square)
  return {
    // At the ends rounding must not leave a hair: none of n can be a share of 0.
    low: count === 0 ? 0 : Math.max(0, (middle - half) / width),
    high: count === total ? 1 : Math.min(1, (middle + half) / width),
  }
}

/** Newcombe's interval of the difference of two shares; null where one is of nobody. */
export function differenceInterval(
  count: number,
  total: number,
  otherCount: number,
  otherTotal: number,
  z: number = Z_95,
): Difference | null {
  if (total === 0 || otherTotal === 0) return null
  const [share, other] = [count / total, otherCount / otherTotal]
  const mine = wilsonInterval(count, total, z)
  const theirs = wilsonInterval(otherCount, otherTotal, z)
  const difference = share - other
  return {
    difference,
    low: difference - Math.hypot(share - mine.low, theirs.high - other),
    high: difference + Math.hypot(mine.high - share, other - theirs.low),
  }
}

/** Digits that a share may have in a configuration: a hundred-millionth. */
const SHARE_SCALE = 100_000_000

/**
 * Whether `count` of `total` is more than `share`, exactly: one that was written in decimals is
 * compared as such, not as the nearest double.
 */
export function isAbove(count: number, total: number, share: number): boolean {
  const scaled = BigInt(Math.round(share * SHARE_SCALE))
  return BigInt(count) * BigInt(SHARE_SCALE) > scaled * BigInt(total)
}

/** Whether `count` of `total` is less than `share`, exactly. */
export function isBelow(count: number, total: number, share: number): boolean {
  const scaled = BigInt(Math.round(share * SHARE_SCALE))
  return BigInt(count) * BigInt(SHARE_SCALE) < scaled * BigInt(total)
}

/** Whether one share is above another, exactly. */
export function isShareAbove(
  count: number,
  total: number,
  otherCount: number,
  otherTotal: number,
): boolean {
  return BigInt(count) * BigInt(otherTotal) > BigInt(otherCount) * BigInt(total)
}
