import { describe, expect, it } from 'vitest'
import { ANN, BOB, CAT, ScenarioScript } from '../support/scenario-script.ts'

/*
 * Ann reads in the morning and likes international (4) and society (1); Bob at noon, society (5)
 * and entertainment (2); Cat in the evening, two of each. Three points are enough.
 */

const open = (): Promise<ScenarioScript> =>
  ScenarioScript.open('S3-interest-content', '2026-11-02 05:00')

const interest = (script: ScenarioScript, who: number, name: string): number =>
  Math.round(script.view(who).counters.find(({ counter }) => counter === name)!.value * 100) / 100

/** What a push that was received costs, and a click brings. */
function received(script: ScenarioScript, who: number, time: string): void {
  const { id } = script.said.findLast(({ kind }) => kind === 'delivery') as { id: string }
  script.report(who, time, { kind: 'delivered', deliveryId: id })
}

describe('S3: content that customers like, when it suits them', () => {
  it('the best category of the day, in the slot of the customer', async () => {
    const script = await open()
    script.usage(ANN, '2026-11-02 06:00', 1000, { app: 'international' })
    script.usage(ANN, '2026-11-02 06:01', 1000, { app: 'society' })
    for (const minute of [10, 11, 12]) {
      script.usage(BOB, `2026-11-02 08:${minute}`, 1000, { app: 'entertainment' })
    }
    script.usage(BOB, '2026-11-02 08:20', 1000, { app: 'society' })
    script.usage(CAT, '2026-11-02 19:00', 1000, { app: 'entertainment' })
    script.usage(CAT, '2026-11-02 19:01', 1000, { app: 'entertainment' })
    script.until('2026-11-03 00:00')
    expect(script.lines.filter((line) => !line.includes('not-in-audience'))).toEqual([
      '11-02 07:30 ANN international-morning push',
      '11-02 08:11 BOB entertainment-noon: cap-channel (channel push: 1 per day)',
      '11-02 12:00 BOB society-noon push',
      '11-02 18:30 TESTER entertainment-evening push (canary)',
      '11-02 18:30 TESTER international-evening push (canary)',
      '11-02 18:30 TESTER society-evening push (canary)',
      '11-02 19:01 CAT entertainment-evening push',
    ])
  })

  it('an ignored push costs half a point, a click brings two', async () => {
    const script = await open()
    script.usage(BOB, '2026-11-02 11:00', 1000, { app: 'society' })
    script.until('2026-11-02 12:00')
    const before = interest(script, BOB, 'society')
    received(script, BOB, '2026-11-02 12:05')
    const ignored = interest(script, BOB, 'society')
    expect(before - ignored).toBeCloseTo(0.5, 1)
    const { id } = script.said.findLast(({ kind }) => kind === 'delivery') as { id: string }
    script.report(BOB, '2026-11-02 12:30', { kind: 'clicked', deliveryId: id })
    expect(interest(script, BOB, 'society') - ignored).toBeCloseTo(2, 1)
  })

  it('why not: too little interest, another slot, one push a day is enough', async () => {
    const script = await open()
    script.usage(ANN, '2026-11-02 06:00', 1000, { app: 'society' })
    script.usage(CAT, '2026-11-02 06:00', 1000, { app: 'society' })
    const sent = script.until('2026-11-03 00:00').filter((line) => line.endsWith('push'))
    expect(sent).toEqual([
      '11-02 07:30 ANN international-morning push',
      '11-02 12:00 BOB society-noon push',
    ])
    script.usage(CAT, '2026-11-02 22:00', 1000, { app: 'society' })
    expect(script.why(ANN, 'society-morning').stops).toEqual(['condition: society.lifetime >= 3'])
    expect(script.why(CAT, 'society-morning').summary).toEqual(
      'no: refused at 2026-11-02T16:00:00.000Z: not-in-audience',
    )
    expect(script.why(CAT, 'society-evening').stops).toEqual([
      'caps: channel push: 1 per day',
      'arbitration: the strongest 1 of one day',
    ])
  })

  it('interest that nobody feeds fades below the line', async () => {
    const script = await open()
    script.usage(ANN, '2026-11-02 06:00', 1000, { app: 'international' })
    script.until('2026-11-30 06:00')
    script.usage(ANN, '2026-11-30 06:30', 1000, { app: 'international' })
    expect(script.until('2026-12-01 00:00')).toEqual([])
    expect(interest(script, ANN, 'international')).toBeLessThan(3)
  })
})
