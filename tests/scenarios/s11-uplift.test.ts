import { describe, expect, it } from 'vitest'
import { evaluate } from '../../src/report/evaluate.ts'
import { ReportFold } from '../../src/report/fold.ts'
import { ZoneClock } from '../../src/state/zone.ts'
import { ANN, BOB, ScenarioScript, TESTER } from '../support/scenario-script.ts'

const MIB = 1_048_576
const FIRST = 13_800_003_000
const open = (): Promise<ScenarioScript> => ScenarioScript.open('S11-uplift', '2026-11-01 08:00')

/** Forty people over the line on the 5th, half of them seeds since the 3rd. */
async function spokenTo(): Promise<ScenarioScript> {
  const script = await open()
  for (let i = 0; i < 40; i++) script.usage(FIRST + i, '2026-11-02 10:00', (i < 20 ? 2 : 1) * MIB)
  script.until('2026-11-05 00:00')
  for (let i = 0; i < 40; i++) script.usage(FIRST + i, '2026-11-05 10:00', 3 * MIB)
  script.until('2026-11-06 12:00')
  return script
}

describe('S11: what speaking to customers changes', () => {
  it('the same are held out for good, and take up their place like the others', async () => {
    const script = await spokenTo()
    const held = script.lines.filter((line) => line.includes('held out'))
    expect(held).toEqual([
      '11-06 11:00 13800003006 pack-seeds held out: pack-seeds',
      '11-06 11:00 13800003010 pack-seeds held out: pack-seeds',
      '11-06 11:00 13800003012 pack-seeds held out: pack-seeds',
      '11-06 11:00 13800003024 pack-others held out: pack-others',
      '11-06 11:00 13800003032 pack-others held out: pack-others',
      '11-06 11:00 13800003034 pack-others held out: pack-others',
      '11-06 11:00 13800003039 pack-others held out: pack-others',
    ])
    const sent = script.said.filter(({ kind }) => kind === 'delivery').length
    expect(sent + held.length).toBe(40)
    const who = Number(held[0]!.split(' ')[2])
    expect(script.why(who, held[0]!.split(' ')[3]!).summary).toEqual(
      'yes: would have been sent at 2026-11-06T03:00:00.000Z, but is held out of pack-seeds',
    )
  })

  it('orders of both arms, the difference with its interval, seeds against the others', async () => {
    const script = await spokenTo()
    const spoken = script.said.filter(({ kind }) => kind === 'delivery' || kind === 'holdout')
    for (const [index, said] of spoken.entries()) {
      if (said.kind === 'delivery') {
        script.report(said.subscriber, '2026-11-06 12:30', { kind: 'sent', deliveryId: said.id })
      }
      const { subscriber, trigger } = said as { subscriber: number; trigger: string }
      // Every third seed orders, and every sixth of the others, spoken to or held out.
      const isOrdering = trigger === 'pack-seeds' ? index % 3 === 0 : index % 6 === 0
      if (isOrdering) script.report(subscriber, '2026-11-07 10:00', { kind: 'ordered', trigger })
    }
    const fold = new ReportFold(new ZoneClock('Asia/Shanghai'))
    for (const said of script.said) fold.apply(0, said)
    const spec = script.catalog.triggers.find(({ id }) => id === 'pack-seeds')!.verdict ?? null
    const told = evaluate(fold, 'pack-seeds', spec, 0, script.clockMs)
    expect(told.verdict).toMatchObject({
      isGood: true,
      isResponseGood: null,
      against: { trigger: 'pack-others', isAccurate: true, rate: { count: 2, total: 16 } },
    })
    expect(told.uplift).toMatchObject({
      treated: { count: 5, total: 17 },
      control: { count: 2, total: 3 },
    })
    const { difference, low, high } = told.uplift!
    expect(difference).toBeCloseTo(5 / 17 - 2 / 3, 12)
    // Twenty people prove nothing: zero lies within the interval.
    expect([low < 0, high > 0]).toEqual([true, true])
  })

  it('why not: held out of everything, has the pack, a tester is in no control group', async () => {
    const script = await open()
    script.until('2026-11-05 00:00')
    for (const who of [ANN, BOB, TESTER]) script.usage(who, '2026-11-05 10:00', 3 * MIB)
    script.until('2026-11-06 12:00')
    expect(script.lines).toEqual([
      '11-06 11:00 ANN pack-others held out: pack-others',
      '11-06 11:00 TESTER pack-others sms (canary)',
    ])
    expect(script.why(BOB, 'pack-others').stops).toEqual([
      'condition: data.day >= 3145728',
      'condition: !tags.has_pack',
      'cancel: cancelled when tags.has_pack',
    ])
  })
})
