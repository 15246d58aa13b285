/**
 * The draws that the naive model takes from the engine: hashes, arbitrary but stable. Whether they
 * are fair is asked by tests of their own.
 */

import { isHeldOut } from '../../src/decision/control-group.ts'
import { subscriberShare } from '../../src/decision/schedule.ts'
import type { Draws } from './policy-book.ts'

/** The engine's own hashes. */
export const ENGINE_DRAWS: Draws = {
  isHeldOut,
  spreadShare: subscriberShare,
}
