/** What keeps a hot standby from losing, doubling or guessing. */

import type { Mutant } from './mutant.ts'

const FOLLOW = 'integration/standby.test.ts'
const PROMOTION = 'integration/standby-promotion.test.ts'
const STANDBY = 'src/partition/standby.ts'

/** Protections of standbys, in the order of their life. */
export const STANDBY_MUTANTS: readonly Mutant[] = [
  {
    name: 'standby-digest',
    protection: 'a standby compares every message of its owner with what it decided itself',
    file: 'src/outbox/outbox.ts',
    before: 'if (formatDigest(this.#lows[index]!, this.#highs[index]!) !== digest) {',
    after: "if (digest === '') {",
    suites: [FOLLOW, 'unit/outbox/outbox.test.ts'],
  },
  {
    name: 'standby-image',
    protection: 'a standby writes no image of decisions that OUT does not hold',
    file: 'src/partition/output-follower.ts',
    before: 'while (!this.#isStopped && this.acknowledgedNumber < number) await',
    after: 'this.acknowledgedNumber = number\n    while (this.acknowledgedNumber < number) await',
    suites: [FOLLOW],
  },
  {
    name: 'standby-waits-for-itself',
    protection: 'a standby that is held back still makes the rest of a message that OUT holds',
    file: 'src/partition/worker.ts',
    before: 'machine.outbox.waitingCount > pendingDecisionsMax && !isPartial',
    after: 'machine.outbox.waitingCount > pendingDecisionsMax && (isPartial || !isPartial)',
    suites: [FOLLOW],
  },
  {
    name: 'standby-ruling',
    protection: 'a standby obeys a ruling that comes while it follows',
    file: 'src/partition/output-follower.ts',
    before: '    else this.onRuling(ruling)\n',
    after: '    else this.knownRulings = 0\n',
    suites: [FOLLOW],
  },
  {
    name: 'standby-ruling-passed',
    protection: 'an image that went past an input without the ruling about it is not used',
    file: 'src/partition/recovery.ts',
    before: "if (!isPassed || ruling.choice === 'new-baseline') continue",
    after: "if (isPassed || ruling.choice !== 'new-baseline') continue",
    suites: [FOLLOW],
  },
  {
    name: 'standby-keeps',
    protection: 'a promoted standby sends what the dead owner had not sent',
    file: STANDBY,
    before: 'if (lastNumber > outbox.decisionNumber) outbox.expectReplay(lastNumber, digests)',
    after: 'outbox.expectReplay(Math.max(lastNumber, outbox.decisionNumber), digests)',
    suites: [PROMOTION],
  },
  {
    name: 'standby-tail',
    protection: 'a promoted standby reads OUT up to its claim and does not send that again',
    file: STANDBY,
    before: '    compareTail(machine, seen.tail, known)\n',
    after: '',
    suites: [PROMOTION],
  },
  {
    name: 'standby-claim',
    protection: 'a promotion is a claim: it fences the former owner',
    file: STANDBY,
    before:
      'const claim = await claimOutput(output, { ...identity, claimedAtMs }, clock, isStopping)',
    after:
      'const last = (await output.state()).lastSequence\n    const claim = { sequence: last, fingerprint: claimedAtMs === 0 && identity && (await claimOutput(output, { ...identity, claimedAtMs }, clock, isStopping)) ? 1 : 0 } as { sequence: number; fingerprint: number } | null',
    suites: [PROMOTION],
  },
  {
    name: 'standby-ticks',
    protection: 'a standby notices that nobody asks for ticks',
    file: STANDBY,
    before: '(isStill && isTickDue(machine, ports.clock.nowMs()))',
    after: '(isStill && isTickDue(machine, 0))',
    suites: [PROMOTION],
  },
]
