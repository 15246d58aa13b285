/** All families of faults, in the order of the table. A new kind of fault is a line in here. */

import { CRASH_POINT } from './crash-point.ts'
import type { FaultFamily } from './family.ts'
import { WORKER_KILL } from './worker-kill.ts'

/** Names are unique. */
export const FAMILIES: readonly FaultFamily[] = [WORKER_KILL, CRASH_POINT]
