/** What keeps the policy from saying too much, at the wrong time, or to the wrong person. */

import type { Mutant } from './mutant.ts'

const CAPS = 'unit/partition/policy-caps.test.ts'
const CONTACTS = 'unit/partition/arbitrating.test.ts'
const CAPACITY = ['unit/partition/capacity.test.ts', 'unit/partition/capacity-split.test.ts']
const SELECTING = [
  'unit/partition/selecting.test.ts',
  'unit/partition/selecting-interrupted.test.ts',
]
const DECIDING = 'src/partition/deciding.ts'
const PLACES = 'src/partition/places.ts'

/** Protections of the policy, in the order of the checks. */
export const POLICY_MUTANTS: readonly Mutant[] = [
  {
    name: 'policy-lists-when-due',
    protection: 'lists and audience are asked again when a delivery is due',
    file: DECIDING,
    before: '      this.#ineligibility(trigger, row.slot) ??\n      this.#cancellation',
    after: '      this.#cancellation',
    suites: ['unit/partition/caps-and-feedback.test.ts', 'unit/partition/listed.test.ts'],
  },
  {
    name: 'policy-holdout',
    protection: 'who is held out is not sent anything',
    file: 'src/partition/emitting.ts',
    before: 'if (row.experiment !== 0) {',
    after: 'if (row.experiment < 0) {',
    suites: ['unit/partition/holdouts.test.ts'],
  },
  {
    name: 'policy-holdout-feedback',
    protection: 'feedback about a holdout is refused: nobody can have sent it',
    file: 'src/partition/attribution.ts',
    before: 'if (row.experiment !== 0 || !isMeant(core, report, found)) continue',
    after: 'if (!isMeant(core, report, found)) continue',
    suites: ['unit/partition/holdouts.test.ts'],
  },
  {
    name: 'policy-window-when-due',
    protection: 'a delivery that comes due outside its window waits for the next opening',
    file: DECIDING,
    before: 'if (contactWindow !== null && !isOpenAt(',
    after: 'if (contactWindow === undefined && !isOpenAt(',
    suites: ['unit/partition/deciding.test.ts'],
  },
  {
    name: 'policy-caps',
    protection: 'a full cap refuses',
    file: PLACES,
    before: 'if (full !== null) {',
    after: 'if (full !== null && full.detail < 0) {',
    suites: [CAPS],
  },
  {
    name: 'policy-contact',
    protection: 'a contact holds no more than its offers: the weaker one goes',
    file: PLACES,
    before: 'if (winner !== null) return { refusal:',
    after: 'if (winner === undefined) return { refusal:',
    suites: [CONTACTS],
  },
  {
    name: 'policy-loser-frees',
    protection: 'who lost blocks nobody: its place is free before the winner takes one',
    file: PLACES,
    before:
      'const remaining = victim === null ? others : others.filter((other) => other !== victim)',
    after: 'const remaining = others',
    suites: [CONTACTS, CAPS],
  },
  {
    name: 'policy-settle',
    protection: 'candidates of one input are decided by rank, not as they fired',
    file: 'src/partition/candidates.ts',
    before: 'if (group.length > 1) group.sort(compareUndecided)',
    after: 'if (group.length < 0) group.sort(compareUndecided)',
    suites: [CONTACTS],
  },
  {
    name: 'policy-canary',
    protection: 'a tester takes nobody’s place',
    file: 'src/partition/arbitrating.ts',
    before: 'return arbitration !== null && !row.isCanary && !row.isIgnoringCaps',
    after: 'return arbitration !== null && !row.isIgnoringCaps',
    suites: [CONTACTS, 'unit/partition/listed.test.ts'],
  },
  {
    name: 'capacity-room',
    protection: 'a channel that has no room makes wait',
    file: 'src/decision/channel-budget.ts',
    before: 'this.#usedInSecond < this.#secondShare(this.#second) &&',
    after: 'this.#usedInSecond >= 0 &&',
    suites: CAPACITY,
  },
  {
    name: 'capacity-pool',
    protection: 'partition 0 never grants more than the pool in all',
    file: 'src/partition/granting.ts',
    before: 'const given = grantSize(wanted, left, this.#partitionCount)',
    after: 'const given = wanted',
    suites: CAPACITY,
  },
  {
    name: 'capacity-line',
    protection: 'nobody overtakes those who wait for their channel with a higher rank',
    file: 'src/partition/capacity.ts',
    before: 'if (this.#queue.count === 0) return false\n    const rank',
    after: 'if (this.#queue.count >= 0) return false\n    const rank',
    suites: [...CAPACITY, 'unit/partition/capacity-opening.test.ts'],
  },
  {
    name: 'selection-heard-once',
    protection: 'what a partition counted is added up once, however often it says it',
    file: 'src/partition/selection-lead.ts',
    before: 'if (partition >= genesis.partitionCount || lead.heard.includes(partition)) return',
    after: 'if (partition >= genesis.partitionCount) return',
    suites: SELECTING,
  },
  {
    name: 'selection-all-heard',
    protection: 'a cut waits for the counts of every partition',
    file: 'src/partition/selection-lead.ts',
    before: 'if (lead.heard.length < genesis.partitionCount) return',
    after: 'if (lead.heard.length === 0) return',
    suites: SELECTING,
  },
]
