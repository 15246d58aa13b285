import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'

/**
 * `expect(actual).toEqual(expected)` for comparisons that a test makes a hundred thousand times:
 * what is equal costs nothing, and the label is only made when it is read.
 */
export function expectSame<T>(actual: T, expected: NoInfer<T>, label = (): string => ''): void {
  if (Object.is(actual, expected) || isDeepStrictEqual(actual, expected)) return
  expect(actual, label()).toEqual(expected)
}
