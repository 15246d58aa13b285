/** An explanation with something in every field, for tests of what shows it. */

import type { Explanation } from '../../src/model/explanation.ts'

/** A refusal by a cap; times are `nowMs`. */
export function createFakeExplanation(
  subscriber: number,
  trigger: string,
  nowMs: number,
): Explanation {
  return {
    subscriber,
    trigger,
    partition: 0,
    clockMs: nowMs,
    generation: 1,
    answer: 'no',
    summary: 'refused: cap-channel (channel sms: 1 per day)',
    decision: {
      status: 'refused',
      period: '2026-11',
      attempt: 1,
      generation: 1,
      firedAtMs: nowMs,
      atMs: nowMs,
      values: { 'data_4g.month': 2 ** 40 },
      passed: ['condition', 'latch'],
      reason: 'cap-channel',
      detail: 'channel sms: 1 per day',
      winner: null,
      experiment: null,
    },
    checks: [
      {
        step: 'condition',
        verdict: 'waits',
        text: 'data_4g.day >= 512000',
        values: { 'data_4g.day': 17, 'fields.plan': 'gold', 'tags.seed': true, gone: null },
      },
    ],
  }
}
