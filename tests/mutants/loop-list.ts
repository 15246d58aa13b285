/** What keeps the loop from saying twice, or of the wrong delivery, what came back. */

import type { Mutant } from './mutant.ts'

const ATTRIBUTION = 'src/partition/attribution.ts'
const FEEDBACK = 'src/partition/feedback.ts'
const REPLIES = 'src/partition/replies.ts'
const OUTCOMES = ['unit/partition/outcomes.test.ts']
const IN_WORDS = ['unit/partition/replies.test.ts']

/** Protections of what comes back. */
export const LOOP_MUTANTS: readonly Mutant[] = [
  {
    name: 'loop-once',
    protection: 'what was reported of an attempt is not told again',
    file: 'src/state/ledger.ts',
    before: "if ((word & bit) !== 0) return 'repeat'",
    after: "if (bit === 0) return 'repeat'",
    suites: OUTCOMES,
  },
  {
    name: 'loop-window',
    protection: 'what a customer does after the attribution window is put down to nothing',
    file: ATTRIBUTION,
    before: '|| report.timeMs >= row.dueMs + attributionMs) continue',
    after: '|| attributionMs < 0) continue',
    suites: OUTCOMES,
  },
  {
    name: 'loop-remembered',
    protection: 'a delivery is remembered as long as something may be put down to it',
    file: 'src/partition/forgetting.ts',
    before: 'loopOf(core, row.trigger).attributionMs + REPORTED_MS',
    after: '0 * loopOf(core, row.trigger).attributionMs + REPORTED_MS',
    suites: OUTCOMES,
  },
  {
    name: 'loop-control',
    protection: 'who was held out cannot reply to what was never sent',
    file: ATTRIBUTION,
    before: "if (row.experiment !== 0 && report.kind !== 'ordered') continue",
    after: "if (row.experiment !== 0 && report.kind === 'sent') continue",
    suites: OUTCOMES,
  },
  {
    name: 'loop-reached',
    protection: 'whom a delivery reached gets no further attempt',
    file: FEEDBACK,
    before: "if (by === 'id' && !found.isQuestion) this.#decider.resolveAttempt(number)",
    after: "if (by !== 'id') this.#decider.resolveAttempt(number)",
    suites: OUTCOMES,
  },
  {
    name: 'loop-wish',
    protection: 'an opt-out is heeded whatever it is about',
    file: FEEDBACK,
    before: '    this.#heedWish(row)\n',
    after: '    if (row.timeMs < 0) this.#heedWish(row)\n',
    suites: OUTCOMES,
  },
  {
    name: 'loop-asked-once',
    protection: 'an order is asked back once, however often the keyword comes',
    file: REPLIES,
    before: 'if (ledger.askedWord(number) !== 0 || !this.#mayAsk(row.slot)) return false',
    after: 'if (!this.#mayAsk(row.slot)) return false',
    suites: IN_WORDS,
  },
  {
    name: 'loop-lapsed',
    protection: 'a word that comes too late confirms nothing',
    file: REPLIES,
    before: 'if (asked === 0 || timeMs >= ledger.askedUntilMs(number)) return null',
    after: 'if (asked === 0 || timeMs < 0) return null',
    suites: IN_WORDS,
  },
]
