/** The machine's own clock, for everything but simulations. */

import { setImmediate, setTimeout } from 'node:timers/promises'
import type { WaitingClock } from '../model/ports.ts'

/** Wall-clock time and real timers. */
export const SYSTEM_CLOCK: WaitingClock = {
  nowMs: Date.now,
  steadyMs: () => performance.now(),
  pause: (ms) => setTimeout(ms),
  turn: () => setImmediate(),
}
