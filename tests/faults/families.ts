/** All families of faults, in the order of the table. A new kind of fault is a line in here. */

import { SIMULATION } from '../simulation/family.ts'
import { BROKER_KILL } from './broker-kill.ts'
import { CLOCK_BACK } from './clock-step.ts'
import { CRASH_POINT } from './crash-point.ts'
import type { FaultFamily } from './family.ts'
import { INPUT_FULL, OUTPUT_FULL } from './full-streams.ts'
import { LEADER_KILL } from './leader-kill.ts'
import { LINK_BLACKHOLE, LINK_CUT } from './links.ts'
import { OVERLOAD } from './overload.ts'
import { POLICY_BROKER, POLICY_HANDOVER, POLICY_KILL } from './policy-kills.ts'
import { POWER_LOSS, POWER_LOSS_OF_ONE, POWER_LOSS_UNSYNCED } from './power-loss.ts'
import { BIT_FLIP } from './storage-bit-flip.ts'
import { DISK_FULL_NATS, DISK_FULL_STORE } from './storage-disk-full.ts'
import { STORE_LOST } from './storage-lost.ts'
import { STREAM_TAMPERED } from './storage-streams.ts'
import { STANDBY_PROMOTION } from './standby-promotion.ts'
import { TWO_OWNERS } from './two-owners.ts'
import { WORKER_KILL } from './worker-kill.ts'
import { WRONG_PARTITION_COUNT } from './wrong-partition-count.ts'
import { ZOMBIE } from './zombie.ts'

/** Names are unique. */
export const FAMILIES: readonly FaultFamily[] = [
  WORKER_KILL,
  CRASH_POINT,
  BROKER_KILL,
  ZOMBIE,
  TWO_OWNERS,
  STANDBY_PROMOTION,
  LINK_CUT,
  LINK_BLACKHOLE,
  CLOCK_BACK,
  LEADER_KILL,
  POWER_LOSS,
  POWER_LOSS_UNSYNCED,
  POWER_LOSS_OF_ONE,
  OUTPUT_FULL,
  INPUT_FULL,
  OVERLOAD,
  SIMULATION,
  BIT_FLIP,
  STREAM_TAMPERED,
  STORE_LOST,
  DISK_FULL_STORE,
  DISK_FULL_NATS,
  WRONG_PARTITION_COUNT,
  POLICY_KILL,
  POLICY_BROKER,
  POLICY_HANDOVER,
]
