import { expect, test } from 'vitest'
import { decodeSaidMessage } from '../../../src/decode/decisions.ts'
import { Outbox } from '../../../src/outbox/outbox.ts'

const HEAD = {
  inputSequence: 9,
  trigger: 'pack',
  subscriber: 13_800_000_001,
  period: '2026-11',
  attempt: 1,
  generation: 2,
  decidedAtMs: 1_763_600_000_000,
  firedAtMs: 1_763_600_000_000,
  values: {},
}

test('what was shown is read back as it was said, by whatever it differs', () => {
  const shown = [
    { channel: 'hotline', place: 1, isCanary: false },
    { channel: 'hotline', place: 3, isCanary: true },
    { channel: 'website', place: 1, isCanary: false, region: 'hunan' },
    { channel: 'hotline', place: 2, isCanary: false, region: 'hubei' },
  ].map((rest) => ({ ...HEAD, kind: 'shown' as const, ...rest }))
  const outbox = new Outbox()
  for (const decision of shown) outbox.add(decision)
  outbox.seal()
  const batch = outbox.take(1, { batchDecisionsMax: 10, batchSizeMax: 100_000 })!
  const message = decodeSaidMessage(batch.bytes)
  expect(message).toMatchObject({
    decisions: shown.map((decision, index) => ({
      ...decision,
      number: index + 1,
      region: decision.region ?? null,
    })),
  })
})
