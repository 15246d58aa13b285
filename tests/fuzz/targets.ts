/** All places where input from outside comes in, in the order of the table. */

import { conditionTarget } from './condition-target.ts'
import { configTarget } from './config-target.ts'
import { csvTarget } from './csv-target.ts'
import { httpTarget } from './http-target.ts'
import { machineTarget } from './machine-target.ts'
import { messageTarget } from './message-target.ts'
import type { FuzzTarget } from './target.ts'
import { usageTarget } from './usage-target.ts'

/** A new way in brings its target here. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  usageTarget,
  messageTarget,
  machineTarget,
  configTarget,
  conditionTarget,
  csvTarget,
  httpTarget,
]
