import { describe, expect, it } from 'vitest'
import { ANN, BOB, CAT, DAN, ScenarioScript } from '../support/scenario-script.ts'

/*
 * Ann (low), Bob (middle) and Cat (high) are newcomers since the import; Dan has been here for
 * long. Stages: at once, after 7 days, 21 days later, and then every month.
 */

const MIB = 1_048_576
const open = (): Promise<ScenarioScript> =>
  ScenarioScript.open('S4-newcomer-journey', '2026-11-03 08:00')

const linesOf = (script: ScenarioScript, name: string): string[] =>
  script.lines.filter((line) => line.split(' ')[2] === name)

describe('S4: the first half year of a customer', () => {
  it('six stages by month, with the gift only where it lies there unused', async () => {
    const script = await open()
    script.usage(CAT, '2026-11-04 10:00', 2 * MIB)
    for (const day of ['04', '05', '06']) {
      script.usage(ANN, `2026-11-${day} 11:00`, 100_000)
      script.usage(CAT, `2026-11-${day} 12:00`, 100_000)
    }
    script.usage(CAT, '2027-02-10 20:00', 11 * MIB, { app: 'video' })
    script.until('2027-05-01 00:00')
    expect(linesOf(script, 'ANN')).toEqual([
      '11-03 08:00 ANN newcomer-low entered control',
      '11-03 09:00 ANN newcomer-low--welcome held out: newcomer-low',
      '11-10 10:00 ANN newcomer-low--gift held out: newcomer-low',
      '12-01 10:00 ANN newcomer-low--habit held out: newcomer-low',
      '01-01 10:00 ANN newcomer-low--trial held out: newcomer-low',
      '02-01 10:00 ANN newcomer-low--local-apps held out: newcomer-low',
      '04-01 10:00 ANN newcomer-low--pack held out: newcomer-low',
      '04-08 10:00 ANN newcomer-low completed control',
    ])
    expect(linesOf(script, 'CAT')).toEqual([
      '11-03 08:00 CAT newcomer-high entered',
      '11-03 09:00 CAT newcomer-high--welcome sms',
      '12-01 10:00 CAT newcomer-high--habit app-push',
      '01-01 10:00 CAT newcomer-high--trial app-push',
      '02-01 10:00 CAT newcomer-high--local-apps app-push',
      '03-01 10:00 CAT newcomer-high--heavy-traffic sms',
      '04-01 10:00 CAT newcomer-high--pack sms',
      '04-08 10:00 CAT newcomer-high completed',
    ])
    expect(linesOf(script, 'DAN')).toEqual([])
    expect(script.messageOf(BOB, 'newcomer-middle--welcome')).toEqual(
      'Welcome. Your plan standard began on 2026-11-03.',
    )
  })

  it('the goal ends it: the pack, however it was ordered', async () => {
    const script = await open()
    script.until('2026-11-10 12:00')
    script.profile(BOB, { tags: { has_pack: true } })
    script.until('2027-05-01 00:00')
    expect(linesOf(script, 'BOB')).toEqual([
      '11-03 08:00 BOB newcomer-middle entered',
      '11-03 09:00 BOB newcomer-middle--welcome sms',
      '11-10 10:00 BOB newcomer-middle--gift sms',
      '11-10 12:00 BOB newcomer-middle goal habit',
    ])
  })

  it('VIP at the last stage is an order, and the goal', async () => {
    const script = await open()
    script.until('2027-04-08 12:00')
    const last = script.lines.filter((line) => line.includes('pack'))
    expect(last).toEqual([
      '04-08 10:00 ANN newcomer-low--pack held out: newcomer-low',
      '04-08 10:00 BOB newcomer-middle--pack sms',
      '04-08 10:00 CAT newcomer-high--pack sms',
      '04-08 10:00 TESTER newcomer-high--pack sms (canary)',
    ])
    script.reply(CAT, '2027-04-08 13:00', ' vip')
    expect(script.lines.slice(-2)).toEqual([
      '04-08 13:00 CAT newcomer-high--pack ordered VIP',
      '04-08 13:00 CAT newcomer-high goal',
    ])
    expect(script.view(CAT).tags.has_pack).toBe(true)
  })

  it('why not: here for long, a condition that is false, left in between', async () => {
    const script = await open()
    script.usage(BOB, '2026-11-04 10:00', 2 * MIB)
    script.until('2026-11-20 00:00')
    script.profile(ANN, { tags: { newcomer: false } })
    script.until('2026-12-10 00:00')
    expect(script.lines.filter((line) => !line.includes('canary'))).toEqual([
      '11-03 08:00 ANN newcomer-low entered control',
      '11-03 08:00 BOB newcomer-middle entered',
      '11-03 08:00 CAT newcomer-high entered',
      '11-03 09:00 ANN newcomer-low--welcome held out: newcomer-low',
      '11-03 09:00 BOB newcomer-middle--welcome sms',
      '11-03 09:00 CAT newcomer-high--welcome sms',
      '11-10 10:00 ANN newcomer-low--gift held out: newcomer-low',
      '11-10 10:00 CAT newcomer-high--gift sms',
      '11-20 00:00 ANN newcomer-low exit habit control',
    ])
    expect(script.why(DAN, 'newcomer-high--welcome').summary).toEqual(
      'not-yet: journey: is not in journey newcomer-high',
    )
    expect(script.why(BOB, 'newcomer-middle--gift').summary).toEqual(
      'not-yet: condition: data.lifetime < 1048576',
    )
    expect(script.why(ANN, 'newcomer-low--habit').summary).toEqual(
      'not-yet: condition: active.lifetime >= 3',
    )
  })
})
