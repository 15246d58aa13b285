import { describe, expect, it } from 'vitest'
import { ANN, BOB, CAT, DAN, EVE, FAY, ScenarioScript, TESTER } from '../support/scenario-script.ts'

/*
 * All have 100 MiB. Ann is anxious, Bob active, Cat complaining and sensitive, Dan active and on
 * the red list, Eve active, red and white, Fay calm and black.
 */

const MIB = 1_048_576
const open = (): Promise<ScenarioScript> => ScenarioScript.open('S7-usage-care', '2026-11-02 08:00')

describe('S7: care for usage', () => {
  it('reminders at 50 (the anxious), 80 and 100 %, whatever marketing caps say', async () => {
    const script = await open()
    script.usage(ANN, '2026-11-02 10:00', 50 * MIB)
    script.usage(ANN, '2026-11-02 11:00', 30 * MIB)
    script.usage(ANN, '2026-11-02 12:00', 20 * MIB)
    script.usage(ANN, '2026-11-02 13:00', 20 * MIB)
    expect(script.lines).toEqual([
      '11-02 10:00 ANN reminder-50 sms',
      '11-02 11:00 ANN more-data: not-in-audience',
      '11-02 11:00 ANN reminder-80 sms',
      '11-02 12:00 ANN reminder-100 sms',
    ])
    expect(script.messageOf(ANN, 'reminder-80')).toEqual(
      'You have used 80 MiB, four fifths of your data. Reply TD: no more reminders.',
    )
  })

  it('a service message respects the night', async () => {
    const script = await open()
    script.usage(CAT, '2026-11-02 23:00', 80 * MIB)
    expect(script.lines).toEqual([
      '11-02 23:00 CAT more-data: not-in-audience',
      '11-02 23:00 CAT reminder-50: not-in-audience',
    ])
    expect(script.until('2026-11-03 09:00')).toEqual(['11-03 08:00 CAT reminder-80 sms'])
  })

  it('lists: black never, red no marketing, white always, opted out by reply', async () => {
    const script = await open()
    for (const who of [BOB, DAN, EVE, FAY, TESTER]) script.usage(who, '2026-11-02 10:00', 80 * MIB)
    script.reply(BOB, '2026-11-02 11:00', ' td ')
    script.usage(BOB, '2026-11-02 12:00', 20 * MIB)
    script.until('2026-11-04 00:00')
    expect(script.lines).toEqual([
      '11-02 10:00 BOB reminder-50: not-in-audience',
      '11-02 10:00 BOB reminder-80 sms',
      '11-02 10:00 DAN more-data: list-red',
      '11-02 10:00 DAN reminder-50: not-in-audience',
      '11-02 10:00 DAN reminder-80 sms',
      '11-02 10:00 EVE reminder-50 sms',
      '11-02 10:00 EVE reminder-80 sms',
      '11-02 10:00 FAY more-data: list-black',
      '11-02 10:00 FAY reminder-50: list-black',
      '11-02 10:00 FAY reminder-80: list-black',
      '11-02 10:00 TESTER more-data: not-in-audience',
      '11-02 10:00 TESTER reminder-50 sms (canary)',
      '11-02 10:00 TESTER reminder-80 sms (canary)',
      '11-02 11:00 BOB reminder-80 replied TD',
      '11-02 11:00 BOB reminder-80 opted-out TD',
      '11-02 12:00 BOB reminder-100: opted-out',
      '11-03 10:30 BOB more-data: opted-out',
      '11-03 10:30 EVE more-data sms',
    ])
    expect(script.why(FAY, 'reminder-80').summary).toEqual(
      'no: refused at 2026-11-02T02:00:00.000Z: list-black',
    )
    expect(script.why(DAN, 'more-data').summary).toEqual(
      'no: refused at 2026-11-02T02:00:00.000Z: list-red',
    )
    expect(script.why(BOB, 'reminder-100').summary).toEqual(
      'no: refused at 2026-11-02T04:00:00.000Z: opted-out',
    )
  })

  it('more than five times the average of thirty days', async () => {
    const script = await open()
    for (let day = 2; day <= 12; day++) {
      script.usage(ANN, `2026-11-${String(day).padStart(2, '0')} 10:00`, MIB)
    }
    expect(script.lines).toEqual([])
    script.usage(ANN, '2026-11-13 10:00', 49 * MIB)
    script.usage(ANN, '2026-11-13 11:00', 2 * MIB)
    expect(script.lines).toEqual([
      '11-13 10:00 ANN reminder-50 sms',
      '11-13 11:00 ANN unusual-usage sms',
    ])
    script.usage(BOB, '2026-11-13 11:00', 60 * MIB)
    expect(script.why(BOB, 'unusual-usage').stops).toEqual([
      'condition: active.lifetime >= 10',
      'audience: fields.mood in ["calm", "anxious", "complaining"]',
    ])
  })

  it('two days after a complaint; of the sensitive, once a month', async () => {
    const script = await open()
    script.usage(CAT, '2026-11-02 09:00', MIB)
    script.profile(CAT, { tags: { complaint: 1001 } })
    script.until('2026-11-05 00:00')
    script.reply(CAT, '2026-11-05 10:00', 'ok')
    script.until('2026-12-01 09:00')
    script.profile(CAT, { tags: { complaint: 1002 } })
    script.until('2026-12-04 00:00')
    expect(script.lines).toEqual([
      '11-04 10:00 CAT complaint-follow-up sms',
      '11-05 10:00 CAT complaint-follow-up replied OK',
      '12-03 10:00 CAT complaint-follow-up sms',
    ])
  })
})
