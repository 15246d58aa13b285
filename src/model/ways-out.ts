/**
 * The ways out of every halt: what a person may rule, and what else leads on. README ("When a
 * partition halts") has the same table with the commands written out; a test holds them together.
 */

import type { HaltReason } from '../errors.ts'

/** What `highwater resume --choose` takes. */
export const RULING_CHOICES = ['skip-input', 'ignore-timestamp', 'new-baseline'] as const

export type RulingChoice = (typeof RULING_CHOICES)[number]

/** Ways out of one halt. */
export interface WaysOut {
  /** Rulings that `highwater resume` accepts for it; empty: none helps. */
  readonly choices: readonly RulingChoice[]
  /** What to try first, a sentence. */
  readonly first: string
}

const STREAM_BACK = 'bring the right stream back (replica, backup of the server), restart'
const STORE_BACK =
  'restore a backup of the store, or move the store away if IN holds everything since genesis'
const ENGINE_BACK = 'run the engine that made the decisions: highwater settle'

/** By the reason of a halt. */
export const WAYS_OUT: Readonly<Record<HaltReason, WaysOut>> = {
  'input-truncated': { choices: ['new-baseline'], first: STREAM_BACK },
  'input-recreated': { choices: ['new-baseline'], first: STREAM_BACK },
  'input-gap': { choices: ['new-baseline'], first: 'restore a newer backup of the store' },
  'input-fingerprint': { choices: ['new-baseline'], first: STREAM_BACK },
  'output-truncated': { choices: ['new-baseline'], first: STREAM_BACK },
  'output-recreated': { choices: ['new-baseline'], first: STREAM_BACK },
  'output-gap': { choices: ['new-baseline'], first: 'restore a newer backup of the store' },
  'output-fingerprint': { choices: ['new-baseline'], first: STREAM_BACK },
  'sequence-jump': { choices: ['new-baseline'], first: 'restart: IN may still hold the input' },
  'digest-mismatch': {
    choices: ['new-baseline'],
    first: 'bring back IN, OUT and store of one history',
  },
  'replay-short': { choices: ['new-baseline'], first: STREAM_BACK },
  'page-checksum': { choices: [], first: STORE_BACK },
  'page-missing': { choices: [], first: STORE_BACK },
  'store-commit': { choices: [], first: 'make room or replace the disk, restart' },
  'clock-ahead': {
    choices: ['ignore-timestamp', 'skip-input'],
    first: 'set the clock that is wrong, wait until real time has caught up, restart',
  },
  'genesis-mismatch': {
    choices: [],
    first: 'mend the settings (server, partitions), or run the engine that made the log',
  },
  'engine-version': { choices: ['new-baseline'], first: ENGINE_BACK },
  'engine-failure': {
    choices: ['skip-input'],
    first: 'report it with the stack of the log; run another version of the engine',
  },
}

/** Halts that have a code and no reason. */
const WAYS_OUT_BY_CODE: Readonly<Record<string, WaysOut>> = {
  HW_ASSERTION: WAYS_OUT['engine-failure'],
  HW_BROKER_REFUSED: {
    choices: ['new-baseline'],
    first: 'the message says what the server refuses (a missing stream, rights, limits): mend it',
  },
  HW_OUTPUT_FENCED: {
    choices: [],
    first: 'another worker owns the partition: restart the right one, this one with --standby',
  },
  HW_STANDBY_OUTDATED: { choices: [], first: 'the standby is loaded again by itself; or restart' },
  HW_STORE: { choices: [], first: STORE_BACK },
  HW_STORE_LOCKED: { choices: [], first: 'another process has the store open: stop it' },
}

/** Ways out of a halt by its reason, else its code. */
export function waysOutOf(reason: string): WaysOut {
  const known = Object.hasOwn(WAYS_OUT, reason)
    ? WAYS_OUT[reason as HaltReason]
    : WAYS_OUT_BY_CODE[reason]
  return known ?? { choices: [], first: 'the message says what: mend it and restart' }
}
