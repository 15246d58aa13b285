import { describe, expect, test } from 'vitest'
import { FuzzFailure, FuzzTally, hold } from './target.ts'
import { FUZZ_TARGETS } from './targets.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 20_261_121)

/** Cases, and reasons that must be among the refusals: so the cases are what they should be. */
const EXPECTED: Readonly<Record<string, { cases: number; reasons: readonly string[] }>> = {
  usage: {
    cases: 40_000,
    reasons: [
      ...['malformed', 'truncated', 'bad-type', 'bad-length', 'unknown-name', 'wrong-partition'],
      ...['missing-field', 'negative', 'not-a-number', 'not-whole', 'out-of-range', 'unknown-code'],
      ...['unsupported-version', 'foreign-producer'],
    ],
  },
  messages: {
    cases: 15_000,
    reasons: [
      'malformed',
      'truncated',
      'bad-type',
      'unknown-name',
      'missing-field',
      'out-of-range',
    ],
  },
  machine: { cases: 2_000, reasons: [] },
  config: { cases: 500, reasons: ['yaml-syntax', 'unknown-key', 'wrong-type'] },
  conditions: { cases: 600, reasons: ['condition-syntax', 'condition-type', 'out-of-range'] },
  csv: { cases: 20_000, reasons: ['unreadable-line', 'bad-subscriber', 'bad-bytes', 'bad-time'] },
  http: { cases: 640, reasons: ['400', '404', '401', 'closed'] },
}

describe(`hostile input (seed ${SEED})`, () => {
  test.each(FUZZ_TARGETS)('$name: $rule', { timeout: 60_000 }, async (target) => {
    const { cases, reasons } = EXPECTED[target.name]!
    const tally = await target.run({ seed: SEED, cases, say: () => undefined })
    expect(tally.cases).toBeGreaterThanOrEqual(cases)
    expect(tally.accepted).toBeGreaterThan(cases / 200)
    for (const reason of reasons) expect([...tally.refusals.keys()]).toContain(reason)
  })
})

describe('a run', () => {
  test('ends at the first case that breaks the rule, and names it', () => {
    const tally = new FuzzTally()
    const attempt = (run: () => void) =>
      tally.attempt(
        run,
        (error) => (error instanceof RangeError ? 'range' : null),
        () => 'the case',
      )
    attempt(() => undefined)
    attempt(() => {
      throw new RangeError('refused')
    })
    expect(() => attempt(() => hold(false, 'rule'))).toThrow(FuzzFailure)
    expect(() =>
      attempt(() => {
        throw new TypeError('a defect')
      }),
    ).toThrow('the case')
    expect(tally.accepted).toBe(1)
    expect(tally.refusals).toEqual(new Map([['range', 1]]))
  })
})
