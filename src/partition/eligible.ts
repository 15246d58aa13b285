/** The checks of a candidate that ask nobody but its subscriber: eligibility and control groups. */

import { isHeldOut } from '../decision/control-group.ts'
import { findIneligibility } from '../decision/eligibility.ts'
import type { SuppressionReason } from '../model/decision.ts'
import type { ListName } from '../model/expression.ts'
import type { SubscriberJudge } from './candidates.ts'
import type { CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'

/** Why a subscriber may not get a message of the trigger now; null: may get it. */
export function ineligibilityOf(
  core: PartitionCore,
  judge: SubscriberJudge,
  { spec, policy }: CompiledTrigger,
  slot: number,
): SuppressionReason | null {
  const { audience } = spec
  const reader = {
    isListed: (list: ListName) => core.isListed(slot, list),
    isInAudience: () => audience === null || judge.isTrueOf(slot, audience),
  }
  return findIneligibility(spec, policy.classSpec, reader, core.clockMs)
}

/**
 * Code of the first experiment that holds the subscriber out of the trigger; 0: none does. Nobody
 * holds out a canary.
 */
export function experimentOf(
  core: PartitionCore,
  { policy }: CompiledTrigger,
  { slot, isCanary }: { readonly slot: number; readonly isCanary: boolean },
): number {
  if (isCanary || policy.controls.length === 0) return 0
  const subscriber = core.subscriberOf(slot)
  for (const { spec, code } of policy.controls) {
    if (isHeldOut(spec.experiment, spec.share, subscriber)) return code
  }
  return 0
}
