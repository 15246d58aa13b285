/**
 * The words that a halted partition is labelled with: a bounded list, all of them always exported.
 */

import type { HaltReason } from '../errors.ts'
import { PartitionHaltedError } from '../errors.ts'
import type { PartitionView } from '../model/view.ts'

/** A record rather than a list, so that a reason added to errors.ts fails the type check here. */
const HALT_REASONS: Readonly<Record<HaltReason, true>> = {
  'input-truncated': true,
  'input-recreated': true,
  'input-gap': true,
  'input-fingerprint': true,
  'output-truncated': true,
  'output-recreated': true,
  'output-gap': true,
  'output-fingerprint': true,
  'sequence-jump': true,
  'digest-mismatch': true,
  'replay-short': true,
  'page-checksum': true,
  'page-missing': true,
  'store-commit': true,
  'clock-ahead': true,
  'genesis-mismatch': true,
  'engine-version': true,
  'engine-failure': true,
}

/** Halts that are no ruling of promise 3 but the end of a partition all the same, by error code. */
const HALT_CODES: readonly string[] = [
  'HW_OUTPUT_FENCED',
  'HW_STANDBY_OUTDATED',
  'HW_STORE',
  'HW_STORE_LOCKED',
  'HW_BROKER_UNAVAILABLE',
  'HW_BROKER_REFUSED',
  'HW_STREAM_FULL',
  'HW_ASSERTION',
]

/** Every value of the label `reason` of `highwater_partition_halted`. */
export const HALT_LABELS: readonly string[] = [...Object.keys(HALT_REASONS), ...HALT_CODES, 'other']

/**
 * The word for a halt: its reason where it has one, else its error code, else `other`; null: no
 * halt.
 */
export function haltLabel(view: PartitionView): string | null {
  if (view.halt === null) return view.status === 'halted' ? 'other' : null
  const label = view.halt instanceof PartitionHaltedError ? view.halt.reason : view.halt.code
  return HALT_LABELS.includes(label) ? label : 'other'
}
