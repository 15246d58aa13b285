import { describe, expect, it } from 'vitest'
import { reportOf } from '../../src/report/document.ts'
import { ReportFold } from '../../src/report/fold.ts'
import { statisticsOf } from '../../src/report/statistics.ts'
import { ZoneClock } from '../../src/state/zone.ts'
import { ANN, BOB, CAT, ScenarioScript, TESTER } from '../support/scenario-script.ts'

/*
 * Ann: north, has the app. Bob: south, has not. Cat: east, has the video pack. What is said is
 * counted by trigger, channel, region and hour, and the funnel closes.
 */

const MIB = 1_048_576
const open = (): Promise<ScenarioScript> =>
  ScenarioScript.open('S10-channel-statistics', '2026-11-02 00:00')

const ids = (script: ScenarioScript, who: number): string[] =>
  script.said.flatMap((said) =>
    said.kind === 'delivery' && said.subscriber === who ? [said.id] : [],
  )

describe('S10: the same offer over several channels', () => {
  it('what comes out, and what it is counted as', async () => {
    const script = await open()
    script.usage(BOB, '2026-11-02 03:00', 2 * MIB)
    script.usage(ANN, '2026-11-02 10:00', 2 * MIB, { app: 'video' })
    script.usage(BOB, '2026-11-02 10:30', 2 * MIB, { app: 'video' })
    script.usage(CAT, '2026-11-02 10:30', 2 * MIB, { app: 'video' })
    script.usage(TESTER, '2026-11-02 10:30', 2 * MIB, { app: 'video' })
    for (const deliveryId of [...ids(script, ANN), ...ids(script, BOB)]) {
      const who = Number(deliveryId.split(':')[1])
      script.report(who, '2026-11-02 11:00', { kind: 'sent', deliveryId })
    }
    script.reply(BOB, '2026-11-02 12:00', 'video')
    expect(script.lines).toEqual([
      '11-02 10:00 BOB night-wap wap-push',
      '11-02 10:00 ANN video-app app-push',
      '11-02 10:00 ANN video-sms sms',
      '11-02 10:30 BOB video-app: not-in-audience',
      '11-02 10:30 BOB video-sms sms',
      '11-02 10:30 CAT video-app: not-in-audience',
      '11-02 10:30 CAT video-sms: not-in-audience',
      '11-02 10:30 TESTER video-app app-push (canary)',
      '11-02 10:30 TESTER video-sms sms (canary)',
      '11-02 11:00 ANN video-app sent',
      '11-02 11:00 ANN video-sms sent',
      '11-02 11:00 BOB night-wap sent',
      '11-02 11:00 BOB video-sms sent',
      '11-02 12:00 BOB video-sms replied VIDEO',
      '11-02 12:00 BOB video-sms ordered VIDEO',
    ])

    const fold = new ReportFold(new ZoneClock('Asia/Shanghai'))
    for (const said of script.said) fold.apply(0, said)
    const rows = statisticsOf(fold, {
      by: ['trigger', 'channel', 'region', 'hour'],
      fromMs: 0,
      toMs: script.clockMs + 1,
      triggers: null,
      channelOf: (trigger) => script.catalog.triggers.find(({ id }) => id === trigger)!.channel,
    })
    const told = rows.map(({ words, counts }) => {
      const { decided, suppressed, delivered, canaries, handedOver, ordered } = counts
      const name = `${words.hour} ${words.trigger} ${words.channel} ${words.region ?? '-'}`
      return `${name}: ${[decided, suppressed, delivered, canaries, handedOver, ordered].join(' ')}`
    })
    expect(told).toEqual([
      '2026-11-02T10 night-wap wap-push south: 1 0 1 0 0 0',
      '2026-11-02T11 night-wap wap-push south: 0 0 0 0 1 0',
      '2026-11-02T10 video-app app-push : 2 2 0 0 0 0',
      '2026-11-02T10 video-app app-push north: 2 0 1 1 0 0',
      '2026-11-02T11 video-app app-push north: 0 0 0 0 1 0',
      '2026-11-02T10 video-sms sms : 1 1 0 0 0 0',
      '2026-11-02T10 video-sms sms north: 2 0 1 1 0 0',
      '2026-11-02T11 video-sms sms north: 0 0 0 0 1 0',
      '2026-11-02T10 video-sms sms south: 1 0 1 0 0 0',
      '2026-11-02T11 video-sms sms south: 0 0 0 0 1 0',
      '2026-11-02T12 video-sms sms south: 0 0 0 0 0 1',
    ])
  })

  it('the funnel closes: what was decided is delivered, held out, a canary’s, or suppressed', async () => {
    const script = await open()
    for (let i = 0; i < 60; i++) {
      const subscriber = 13_800_002_000 + i
      script.profile(subscriber, { fields: { province: 'north', app: i % 2 === 0 } })
      script.usage(subscriber, '2026-11-02 10:00', 2 * MIB, { app: 'video' })
    }
    script.until('2026-11-03 00:00')
    const fold = new ReportFold(new ZoneClock('Asia/Shanghai'))
    for (const said of script.said) fold.apply(0, said)
    const report = reportOf(fold, {
      ...{ name: 'all', kind: 'asked', zone: 'Asia/Shanghai', fromMs: 0, toMs: script.clockMs + 1 },
      ...{ madeAtMs: 0, triggers: script.catalog.triggers, asked: null, planned: null },
    })
    const sums = report.triggers.map(({ trigger, counts, suppressedBy }) => {
      const { decided, delivered, holdouts, canaries, suppressed } = counts
      expect(delivered + holdouts + canaries + suppressed).toBe(decided)
      return { trigger, decided, delivered, holdouts, ...suppressedBy }
    })
    expect(sums).toEqual([
      {
        decided: 0,
        delivered: 0,
        holdouts: 0,
        trigger: 'night-wap',
      },
      {
        decided: 60,
        delivered: 28,
        holdouts: 2,
        'not-in-audience': 30,
        trigger: 'video-app',
      },
      {
        decided: 60,
        delivered: 58,
        holdouts: 2,
        trigger: 'video-sms',
      },
    ])
  })

  it('why not: has it already, no app, no traffic at night', async () => {
    const script = await open()
    for (const who of [BOB, CAT]) script.usage(who, '2026-11-02 10:00', 2 * MIB, { app: 'video' })
    expect(script.why(CAT, 'video-sms').summary).toEqual(
      'no: refused at 2026-11-02T02:00:00.000Z: not-in-audience',
    )
    expect(script.why(BOB, 'video-app').summary).toEqual(
      'no: refused at 2026-11-02T02:00:00.000Z: not-in-audience',
    )
    expect(script.why(BOB, 'night-wap').stops).toEqual(['condition: night.day >= 1048576'])
  })
})
