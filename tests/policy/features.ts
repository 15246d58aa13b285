/** What a generated policy or history may contain; each can be left out by name. */

import type { PolicyDecision } from './plain.ts'

/** Parts of policies and histories that can be switched off. */
export const FEATURES = [
  'caps',
  'channels',
  'classes',
  'sliding',
  'weekdays',
  'holidays',
  'arbitration',
  'control',
  'audience',
  'lists',
  'canary',
  'reload',
  'feedback',
  'zones',
  'erase',
  'retry',
  'tagging',
  'cycles',
  'cancel',
  'capacity',
  'late',
  'spread',
  'detail',
] as const

export type Feature = (typeof FEATURES)[number]

/** The features that are on. */
export type FeatureSet = ReadonlySet<Feature>

/** All but those named. Throws RangeError on a name that is no feature. */
export function featuresWithout(names: readonly string[]): FeatureSet {
  for (const name of names) {
    if (!FEATURES.some((feature) => feature === name)) {
      throw new RangeError(`no feature "${name}"; there are ${FEATURES.join(', ')}`)
    }
  }
  return new Set(FEATURES.filter((feature) => !names.includes(feature)))
}

/** A decision as far as it is compared: without its `detail` where that feature is off. */
export function comparable(decision: PolicyDecision, features: FeatureSet): PolicyDecision {
  if (features.has('detail') || decision.detail === undefined) return decision
  const { detail: _, ...rest } = decision
  return rest
}
