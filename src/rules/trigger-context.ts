/** What a trigger is built with. */

import type { PolicyTable } from './build-policy.ts'
import type { NameTable } from './names.ts'
import type { ActionPlaces } from './tag-cycles.ts'
import type { YamlSource } from './yaml-source.ts'

/** The declared names, the policy, the lateness in force, and where problems and notes go. */
export interface TriggerContext {
  readonly names: NameTable
  readonly policy: PolicyTable
  readonly latenessMs: number
  /** Whether receipts of all triggers are told as outcomes. */
  readonly isTellingReceipts: boolean
  readonly source: YamlSource
  readonly notes: string[]
  /** Filled while triggers are built. */
  readonly actionPlaces: ActionPlaces
}
