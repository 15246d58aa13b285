/** A watch that is not there: a `WatchView` of fixed numbers. */

import type { WatchView } from '../../src/model/watch-view.ts'

/** One alarm, one trigger, two partitions. */
export function createFakeWatch(): WatchView {
  return {
    version: '0.1.0',
    isReady: () => true,
    failure: () => null,
    statistics: ({ by }) =>
      by === 'nonsense'
        ? { kind: 'unclear', message: 'by is trigger' }
        : {
            kind: 'groups',
            groups: [{ words: { trigger: 'data-pack' }, counts: { decided: 7 }, suppressedBy: {} }],
            csv: () => '"trigger","decided"\r\n"data-pack",7\r\n',
          },
    verdicts: (from) =>
      from === undefined
        ? { kind: 'report', report: { v: 1, triggers: [] } }
        : { kind: 'unclear', message: 'from is a day' },
    measures: () => [{ name: 'complaints', level: 'alarm', sinceMs: 1, value: 0.0002 }],
    partitions: () => [
      { partition: 0, number: 9, atMs: 1_795_150_000_000, missing: 0 },
      { partition: 1, number: 8, atMs: 1_795_150_000_000, missing: 4 },
    ],
    totals: () => [{ trigger: 'data-pack', counts: { decided: 1000, ordered: 21 } }],
    figures: () => ({
      rows: 12,
      cohortRows: 900,
      cohortBytes: 22_528,
      unsaid: 0,
      published: 3,
      notices: 2,
      looks: 96,
      lookedAtMs: 1_795_150_000_000,
      capacitySegments: 600,
      capacityMaximum: 1000,
    }),
  }
}
