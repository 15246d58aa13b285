import { describe, expect, it } from 'vitest'
import { ANN, BOB, CAT, ScenarioScript } from '../support/scenario-script.ts'

/*
 * Ann's trial ends on 12 November; Bob's car is due on the 24th, and he joined a year before the
 * 8th; Cat: trial and car on 1 December.
 */

const open = (): Promise<ScenarioScript> => ScenarioScript.open('S12-rewards', '2026-11-02 08:00')

const install = (script: ScenarioScript, who: number, time: string, app: string): string[] =>
  script.usage(who, time, 0, { kind: 'install', app })

describe('S12: rewards', () => {
  it('three different apps are two yuan, once a month, whatever is downloaded again', async () => {
    const script = await open()
    install(script, ANN, '2026-11-02 10:00', 'reader')
    install(script, ANN, '2026-11-02 10:01', 'music')
    install(script, ANN, '2026-11-02 10:02', 'music')
    expect(script.lines).toEqual([])
    install(script, ANN, '2026-11-02 10:03', 'map')
    install(script, ANN, '2026-11-02 10:04', 'bus')
    for (const app of ['reader', 'map', 'weather']) install(script, ANN, '2026-12-01 10:00', app)
    script.until('2026-12-01 12:00')
    expect(script.lines.filter((line) => line.includes('three-apps'))).toEqual([
      '11-02 10:03 ANN three-apps {"kind":"credit","amount":2,"unit":"yuan"}',
      '11-02 10:13 ANN three-apps-thanks sms',
      '12-01 10:00 ANN three-apps {"kind":"credit","amount":2,"unit":"yuan"}',
      '12-01 10:10 ANN three-apps-thanks sms',
    ])
  })

  it('a repeated report changes nothing: the credit bears one id', async () => {
    const script = await open()
    for (const app of ['reader', 'music', 'map']) install(script, ANN, '2026-11-02 10:00', app)
    const { id } = script.said.find((said) => said.kind === 'delivery' && said.action !== null) as {
      id: string
    }
    script.report(ANN, '2026-11-02 10:01', { kind: 'sent', deliveryId: id })
    expect(script.report(ANN, '2026-11-02 10:02', { kind: 'sent', deliveryId: id })).toEqual([])
    expect(
      script.said.filter((said) => said.kind === 'delivery' && said.action !== null),
    ).toHaveLength(1)
  })
})

describe('S12: what time alone makes true', () => {
  it('dates that fall due: a trial in three days, a car in two weeks, a year with us', async () => {
    const script = await open()
    script.until('2026-11-11 00:00')
    expect(script.lines).toEqual([
      '11-08 10:00 BOB anniversary sms',
      '11-08 10:00 TESTER anniversary sms (canary)',
      '11-09 10:00 ANN trial-reminder sms',
      '11-09 10:00 TESTER trial-reminder sms (canary)',
      '11-10 10:00 BOB inspection-reminder sms',
      '11-10 10:00 TESTER inspection-reminder sms (canary)',
    ])
  })

  it('silent for ten days: woken, once a month, used again in between or not', async () => {
    const script = await open()
    for (const who of [ANN, BOB, CAT]) script.usage(who, '2026-11-03 12:00', 1000)
    script.until('2026-11-20 00:00')
    for (const who of [ANN, CAT]) script.usage(who, '2026-11-20 12:00', 1000)
    script.until('2026-12-02 00:00')
    expect(script.lines.filter((line) => line.includes('wake-up'))).toEqual([
      '11-14 10:00 ANN wake-up sms',
      '11-14 10:00 BOB wake-up sms',
      '11-14 10:00 CAT wake-up held out: wake-up',
      '12-01 10:00 ANN wake-up sms',
      '12-01 10:00 BOB wake-up sms',
      '12-01 10:00 CAT wake-up held out: wake-up',
    ])
  })

  it('why not: never seen, too few apps, the date is another', async () => {
    const script = await open()
    install(script, BOB, '2026-11-02 10:00', 'reader')
    install(script, BOB, '2026-11-02 10:00', 'music')
    script.until('2026-11-08 00:00')
    expect(script.lines).toEqual([])
    expect(script.why(ANN, 'wake-up').stops).toEqual(['condition: tags.silent'])
    expect(script.why(BOB, 'three-apps').stops).toEqual(['condition: downloads.month >= 3'])
    expect(script.why(CAT, 'trial-reminder').stops).toEqual(['condition: tags.trial_ends'])
  })
})

describe('S12: an order in two steps', () => {
  it('the keyword asks, the word orders', async () => {
    const script = await open()
    script.until('2026-11-09 10:00')
    script.reply(ANN, '2026-11-09 11:00', 'keep')
    expect(script.messageOf(ANN, 'trial-reminder')).toMatch(/^5 yuan a month/)
    script.reply(ANN, '2026-11-09 12:00', 'y')
    expect(script.lines.filter((line) => line.includes('trial'))).toEqual([
      '11-09 10:00 ANN trial-reminder sms',
      '11-09 10:00 TESTER trial-reminder sms (canary)',
      '11-09 11:00 ANN trial-reminder replied KEEP',
      '11-09 11:00 ANN trial-reminder sms (confirm)',
      '11-09 12:00 ANN trial-reminder ordered KEEP',
    ])
  })

  it('the word alone, too late, or another word orders nothing', async () => {
    const script = await open()
    script.until('2026-11-09 10:00')
    script.reply(ANN, '2026-11-09 10:30', 'Y')
    script.reply(ANN, '2026-11-09 11:00', 'keep')
    script.reply(ANN, '2026-11-09 12:00', 'no thanks')
    script.reply(ANN, '2026-11-10 13:00', 'y')
    expect(script.lines.filter((line) => line.includes('ordered'))).toEqual([])
    expect(script.lines.filter((line) => line.includes('trial'))).toEqual([
      '11-09 10:00 ANN trial-reminder sms',
      '11-09 10:00 TESTER trial-reminder sms (canary)',
      '11-09 10:30 ANN trial-reminder replied',
      '11-09 11:00 ANN trial-reminder sms (confirm)',
    ])
  })
})
