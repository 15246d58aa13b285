import { describe, expect, it } from 'vitest'
import { ANN, BOB, CAT, ScenarioScript, TESTER } from '../support/scenario-script.ts'

/*
 * Ann: 30 MiB for 5 yuan, the next plan 10 yuan, minds the price. Bob: 80 MiB, 10, 20. Cat: 300
 * MiB, 20, 30. A MiB beyond the allowance costs 0.3 yuan.
 */

const MIB = 1_048_576
const open = (): Promise<ScenarioScript> =>
  ScenarioScript.open('S2-plan-step-up', '2026-11-02 08:00')

describe('S2: a step to the next plan', () => {
  it('four fifths of the allowance, in the evening; who minds the price is called first', async () => {
    const script = await open()
    script.usage(BOB, '2026-11-02 11:00', 64 * MIB)
    script.usage(ANN, '2026-11-02 11:30', 30 * MIB)
    script.usage(ANN, '2026-11-02 11:31', 1)
    script.usage(TESTER, '2026-11-02 11:32', 31 * MIB)
    script.until('2026-11-03 00:00')
    expect(script.lines).toEqual([
      '11-02 11:31 ANN step-up: outranked (step-up-sensitive)',
      '11-02 12:31 ANN step-up-sensitive outbound-call',
      '11-02 12:32 TESTER step-up-sensitive outbound-call (canary)',
      '11-02 18:30 BOB step-up sms',
      '11-02 18:30 TESTER step-up sms (canary)',
    ])
  })

  it('a reply of UP is the order, and ends it', async () => {
    const script = await open()
    script.usage(BOB, '2026-11-02 11:00', 64 * MIB)
    script.until('2026-11-02 19:00')
    script.reply(BOB, '2026-11-02 20:00', 'up')
    script.usage(BOB, '2026-12-02 11:00', 64 * MIB)
    script.until('2026-12-03 00:00')
    expect(script.lines).toEqual([
      '11-02 18:30 BOB step-up sms',
      '11-02 20:00 BOB step-up replied UP',
      '11-02 20:00 BOB step-up ordered UP',
      '12-02 11:00 BOB step-up: not-in-audience',
    ])
    expect(script.why(BOB, 'step-up').stops).toEqual([
      'latch: once per cycle',
      'audience: has(fields.band) && !tags.stepped_up',
      'cancel: cancelled when tags.stepped_up',
    ])
  })

  it('nobody else: overage above the next fee, night and zero-rated traffic, no plan of ours', async () => {
    const script = await open()
    // 50 MiB beyond: 5 + 15 yuan are more than 10, and the step would cost revenue.
    script.usage(ANN, '2026-11-02 10:00', 80 * MIB)
    script.usage(CAT, '2026-11-02 03:00', 300 * MIB)
    script.usage(CAT, '2026-11-02 10:00', 300 * MIB, { app: 'portal' })
    script.usage(13_800_000_050, '2026-11-02 10:00', 300 * MIB)
    script.until('2026-11-03 00:00')
    expect(script.lines).toEqual([])
    expect(script.why(ANN, 'step-up-sensitive').stops).toEqual([
      'condition: fields.fee + (charged.cycle - fields.allowance) / 1048576 * 0.3 < fields.next_fee',
    ])
    expect(script.why(CAT, 'step-up').stops).toEqual([
      'condition: charged.cycle >= 0.8 * fields.allowance',
    ])
    expect(script.why(13_800_000_050, 'step-up').stops).toEqual([
      'condition: charged.cycle >= 0.8 * fields.allowance',
      'condition: fields.fee + (charged.cycle > fields.allowance ? (charged.cycle - fields.allowance) / 1048576 * 0.3 : 0) < fields.next_fee',
      'audience: has(fields.band) && !tags.stepped_up',
    ])
  })

  it('one byte below four fifths is too little', async () => {
    const script = await open()
    script.usage(CAT, '2026-11-02 10:00', 240 * MIB - 1)
    expect(script.until('2026-11-02 20:00')).toEqual([])
    script.usage(CAT, '2026-11-03 10:00', 1)
    expect(script.until('2026-11-03 20:00')).toEqual(['11-03 18:30 CAT step-up sms'])
  })
})
