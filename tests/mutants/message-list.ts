/** What keeps a message whole, and what is said for a test out of everything else. */

import type { Mutant } from './mutant.ts'

const MESSAGES = 'unit/partition/messages.test.ts'
const DIRECT = 'unit/partition/direct-sends.test.ts'

/** Protections of messages, test sends and notices. */
export const MESSAGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'message-incomplete',
    protection: 'a message that lacks a value is dropped before it goes out',
    file: 'src/partition/deciding.ts',
    before: 'if (refusal !== null) return refusal\n    return this.#places.capacity.isRefusing',
    after: 'if (refusal === undefined) return refusal\n    return this.#places.capacity.isRefusing',
    suites: [MESSAGES],
  },
  {
    name: 'message-unset-field',
    protection: 'a field that is not set is not shown as 0',
    file: 'src/rules/evaluate.ts',
    before: 'if (!reader.has(field)) return Number.NaN',
    after: 'if (!reader.has(field)) break',
    suites: [MESSAGES],
  },
  {
    name: 'message-bound',
    protection: 'a number beyond the bound of its format is missing',
    file: 'src/model/value-format.ts',
    before: 'return Math.abs(Number(text)) >= max + 1 ? null : text',
    after: 'return text',
    suites: ['unit/model/value-format.test.ts', MESSAGES],
  },
  {
    name: 'message-segments',
    protection: 'what takes two units is not torn between two SMS',
    file: 'src/model/sms.ts',
    before: 'if (used + size > partMax) {',
    after: 'if (used >= partMax) {',
    suites: ['unit/model/sms.test.ts'],
  },
  {
    name: 'message-worst-case',
    protection: 'a configuration whose message could take more SMS than it may is refused',
    file: 'src/rules/message-length.ts',
    before: 'if (segments > limit) {',
    after: 'if (segments > limit + 1) {',
    suites: ['unit/rules/messages.test.ts'],
  },
  {
    name: 'test-send-canary',
    protection: 'a test send goes to testers only',
    file: 'src/partition/direct-sends.ts',
    before: "if (slot === -1 || !core.isListed(slot, 'canary')) {",
    after: 'if (slot === -1) {',
    suites: [DIRECT],
  },
  {
    name: 'test-send-adopted',
    protection: 'a test send that OUT holds spends no latch and no cap',
    file: 'src/partition/adoption.ts',
    before: "if (decision.purpose === 'test' || decision.purpose === 'notice') continue\n",
    after: '\n',
    suites: ['unit/partition/rulings.test.ts'],
  },
]
