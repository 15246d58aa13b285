/** A mistake of the engine, on purpose: it fails over the small messages of one producer. */

import { vi } from 'vitest'
import { SmallUsageReader } from '../../src/decode/small-usage.ts'

/** The producer whose messages are not survived. */
export const POISON = 'poison'

/** Until the mocks are restored, reading a small message of `POISON` throws a TypeError. */
export function failOverPoison(): void {
  const read = SmallUsageReader.prototype.read
  vi.spyOn(SmallUsageReader.prototype, 'read').mockImplementation(function (
    this: SmallUsageReader,
    data,
    producer,
    ...rest
  ) {
    if (producer === POISON) throw new TypeError('a mistake of the engine')
    return read.call(this, data, producer, ...rest)
  })
}
