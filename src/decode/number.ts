import type { RejectReason } from '../model/reject.ts'

/** What is wrong with a number that must be whole and within [min, max]; null if nothing. */
export function wholeProblem(value: number, min: number, max: number): RejectReason | null {
  if (value >= min && value <= max && value === Math.floor(value)) return null
  if (Number.isNaN(value)) return 'not-a-number'
  if (value < 0 && min >= 0) return 'negative'
  if (value < min || value > max) return 'out-of-range'
  return 'not-whole'
}
