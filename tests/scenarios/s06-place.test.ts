import { describe, expect, it } from 'vitest'
import { ANN, BOB, CAT, ScenarioScript } from '../support/scenario-script.ts'

/*
 * Ann lives near hall 7, Bob near hall 21 and has tried the service, Cat is a visitor. Hall n has
 * the cells 1000 + 10 n to 1003 + 10 n.
 */

const open = (start = '2026-11-02 08:00'): Promise<ScenarioScript> =>
  ScenarioScript.open('S6-place', start)

describe('S6: place', () => {
  it('who is in the catchment of a hall is invited to the nearest one, once a month', async () => {
    const script = await open()
    script.usage(ANN, '2026-11-02 10:00', 1000, { cell: 1213 })
    script.usage(ANN, '2026-11-03 10:00', 1000, { cell: 1070 })
    script.reply(ANN, '2026-11-03 11:00', 'try')
    script.usage(ANN, '2026-12-01 10:00', 1000, { cell: 1070 })
    expect(script.lines).toEqual([
      '11-02 10:00 ANN hall-invite sms',
      '11-03 11:00 ANN hall-invite replied TRY',
      '11-03 11:00 ANN hall-invite ordered TRY',
    ])
    expect(script.messageOf(ANN, 'hall-invite')).toEqual(
      'Your service hall hall-07 is round the corner: come and try 4G. Reply TRY and we expect you.',
    )
  })

  it('why not: a cell of no place, tried already, the hall is closed, a plain phone', async () => {
    const script = await open()
    script.usage(ANN, '2026-11-02 10:00', 1000, { cell: 1074 })
    script.usage(BOB, '2026-11-02 10:00', 1000, { cell: 1210 })
    script.usage(CAT, '2026-11-02 10:00', 1000, { cell: 1070 })
    expect(script.lines).toEqual([])
    script.usage(ANN, '2026-11-02 18:00', 1000, { cell: 1070 })
    expect(script.lines).toEqual(['11-02 18:00 ANN hall-invite: outside-contact-window'])
    expect(script.why(ANN, 'hall-invite').summary).toEqual(
      'no: refused at 2026-11-02T10:00:00.000Z: outside-contact-window',
    )
    expect(script.why(BOB, 'hall-invite').stops).toEqual([
      'condition: !tags.tried',
      'audience: !tags.tried && has(fields.hall)',
      'schedule: when it would be sent, if it fired now',
      'cancel: cancelled when tags.tried',
    ])
    expect(script.why(CAT, 'hall-invite').stops).toEqual([
      'condition: fields.smart',
      'audience: !tags.tried && has(fields.hall)',
      'schedule: when it would be sent, if it fired now',
      'message: its message has all its values',
    ])
  })

  it('twenty minutes in a hall are waiting; a record elsewhere ends the stay', async () => {
    const script = await open()
    script.usage(BOB, '2026-11-02 10:00', 1000, { cell: 1210 })
    script.usage(BOB, '2026-11-02 10:10', 1000, { cell: 1211 })
    script.usage(BOB, '2026-11-02 10:20', 1000, { cell: 1212 })
    script.usage(BOB, '2026-11-02 10:30', 1000, { cell: 1212 })
    script.usage(CAT, '2026-11-02 11:00', 1000, { cell: 1210 })
    script.usage(CAT, '2026-11-02 11:10', 1000, { cell: 9 })
    script.usage(CAT, '2026-11-02 11:20', 1000, { cell: 1210 })
    script.usage(CAT, '2026-11-02 11:29', 1000, { cell: 1210 })
    expect(script.lines).toEqual(['11-02 10:20 BOB hall-wait app-push'])
    expect(script.why(CAT, 'hall-wait').stops).toEqual(['condition: in_halls.hour >= 1200000'])
  })

  it('fifteen nights of thirty on the campus: lives there, from the morning after', async () => {
    const script = await open('2026-11-01 20:00')
    for (let day = 1; day <= 15; day++) {
      const date = `2026-11-${String(day).padStart(2, '0')}`
      script.usage(BOB, `${date} 22:30`, 1000, { cell: 5007 })
      if (day > 1) script.usage(ANN, `${date} 22:31`, 1000, { cell: 5007 })
    }
    script.until('2026-11-17 00:00')
    expect(script.lines).toEqual(['11-16 18:00 BOB campus-pack sms'])
    expect(script.view(ANN).tags.campus_resident).toBeUndefined()
  })

  it("a visitor's first record at the border, even at night, in the morning", async () => {
    const script = await open()
    script.usage(ANN, '2026-11-02 23:30', 1000, { cell: 7001 })
    script.usage(CAT, '2026-11-02 23:30', 1000, { cell: 7001 })
    script.usage(CAT, '2026-11-03 09:30', 1000, { cell: 7001 })
    expect(script.lines).toEqual(['11-03 09:00 CAT roaming-companion sms'])
  })
})
