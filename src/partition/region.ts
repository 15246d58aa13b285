/** Where subscribers belong, as the configuration's `region` says. */

import type { PartitionCore } from './core.ts'

/** The word of the subscriber's region; empty where none is declared, or none is set. */
export function regionOf(core: PartitionCore, slot: number): { readonly region?: string } {
  const { regionField, fields } = core.compiled.catalog
  if (regionField === null || !core.hasField(slot, regionField)) return NOWHERE
  const words = fields.find(({ name }) => name === regionField)?.words ?? []
  const region = words[core.fieldValue(slot, regionField)]
  return region === undefined ? NOWHERE : { region }
}

const NOWHERE = Object.freeze({})
