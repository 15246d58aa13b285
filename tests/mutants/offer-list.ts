/** What keeps offers on request honest: nothing unasked, nothing twice, nothing unknown. */

import type { Mutant } from './mutant.ts'

const OFFERING = 'src/partition/offering.ts'
const UNIT = 'unit/partition/offering.test.ts'
const DESK = 'unit/partition/offer-desk.test.ts'

/** Protections of offers on request. */
export const OFFER_MUTANTS: readonly Mutant[] = [
  {
    name: 'offer-unasked',
    protection: 'usage fires no offer: it waits until somebody asks',
    file: 'src/partition/compile.ts',
    before: "spec.firedBy === 'condition'",
    after: "spec.firedBy !== 'journey'",
    suites: [UNIT],
  },
  {
    name: 'offer-accept-checks',
    protection: 'an acceptance is checked from the beginning where it stands in the log',
    file: OFFERING,
    before: '      this.#findObstacle(trigger, row.slot, keys) ??\n',
    after: '',
    suites: [UNIT],
  },
  {
    name: 'offer-latch',
    protection: 'an offer is accepted once in its period',
    file: OFFERING,
    before: '    this.#latches.set(trigger, slot, row.period, true)\n',
    after: '',
    suites: [UNIT],
  },
  {
    name: 'offer-repeat',
    protection: 'a repeat of what was shown or accepted changes nothing',
    file: OFFERING,
    before: 'if (offerIds.has(control.id)) return',
    after: "if (offerIds.has('')) return",
    suites: [UNIT],
  },
  {
    name: 'offer-contact',
    protection: 'all offers of an answer together have their places in the contact',
    file: OFFERING,
    before: '        if (winner !== null) continue\n',
    after: '        if (winner === row) continue\n',
    suites: ['unit/partition/offering-random.test.ts', UNIT],
  },
  {
    name: 'offer-asking',
    protection: 'asking changes nothing, not even which names the layout knows',
    file: OFFERING,
    before: "    return composition.kind === 'whole' ? composition.composed.message : null",
    after:
      "    if (composition.kind === 'whole') return composition.composed.message\n    this.#core.layout.names.push(composition.missing)\n    return null",
    suites: [UNIT],
  },
  {
    name: 'offer-shown',
    protection: 'nothing more is shown while the log does not take what was',
    file: 'src/partition/offer-desk.ts',
    before: 'if (queue.isFull && !isExplaining) {',
    after: 'if (queue.isFull && isExplaining) {',
    suites: [DESK],
  },
  {
    name: 'offer-image',
    protection: 'after a load it is known which acceptances were applied',
    file: 'src/partition/image.ts',
    before: '    offerIds: [...core.offerIds],\n',
    after: '',
    suites: [DESK],
  },
]
