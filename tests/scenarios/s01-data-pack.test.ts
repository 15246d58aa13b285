import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import { edited } from '../support/scenario-files.ts'
import {
  ANN,
  BOB,
  CAT,
  DAN,
  EVE,
  FAY,
  MAX,
  ScenarioScript,
  TESTER,
} from '../support/scenario-script.ts'

/*
 * The whole scenario; the edges of one trigger (the line, the month, noon) are in data-pack-
 * edges.test.ts. Of the sample, Ann, Bob, Cat, Max (black list) and a tester are customers for the
 * pack; Dan's plan, Eve's terminal and the stamp of Fay's labels are wrong.
 */

const MIB = 1_048_576
const LINE = 512_000
const everybody = (files: ConfigFiles): ConfigFiles => edited(files, 'take: top 20 %', 'take: all')
const open = (start = '2026-10-20 08:00', edit = everybody): Promise<ScenarioScript> =>
  ScenarioScript.open('S1-data-pack', start, edit)

const seedOf = (script: ScenarioScript, subscriber: number): unknown =>
  script.view(subscriber).tags.seed

/** A seed who has been handed the offer on 12 November at noon. */
async function offered(): Promise<ScenarioScript> {
  const script = await open()
  script.usage(ANN, '2026-11-11 10:00', LINE)
  script.until('2026-11-12 12:00')
  expect(script.lines).toEqual(['11-12 12:00 ANN data-pack sms (2 segments)'])
  const { id } = script.said[0] as { id: string }
  script.report(ANN, '2026-11-12 12:01', { kind: 'sent', deliveryId: id })
  return script
}

describe('S1: who is selected on the 10th', () => {
  it('the top 20 % by labels that were high last month, with the OTT circle counted', async () => {
    const script = await open('2026-10-20 08:00', (files) => files)
    // Ann and two others have four high labels each; four apps together make it five for Ann.
    for (const app of ['qzone', 'wechat', 'tweibo', 'sweibo']) {
      script.usage(ANN, '2026-10-25 10:00', 1.25 * MIB, { app })
      script.usage(MAX, '2026-10-25 10:00', 1.25 * MIB, { app })
    }
    script.usage(ANN, '2026-10-25 11:00', 1, { app: 'qzone', rat: 'wlan' })
    script.until('2026-11-10 06:00')
    const seeds = [ANN, BOB, CAT, DAN, EVE, FAY, TESTER, MAX].filter((who) => seedOf(script, who))
    expect(seeds).toEqual([ANN])
    expect(seedOf(script, ANN)).toBe(20261110)
  })

  it('a score of 0 never, nor the wrong plan, terminal, or month of labels', async () => {
    const script = await open()
    script.profile(BOB, { fields: { voice_circle: 'low', online: 'low' } })
    script.until('2026-11-10 06:00')
    const seeds = [ANN, BOB, CAT, DAN, EVE, FAY].filter((who) => seedOf(script, who))
    expect(seeds).toEqual([ANN, CAT])
  })

  it('labels of another month select nobody, and are counted', async () => {
    const script = await open()
    // December's selection with October's labels: nobody has brought newer ones.
    script.until('2026-12-10 06:00')
    expect([ANN, BOB, CAT].map((who) => seedOf(script, who))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    const stale = script.segment('stale_labels')
    expect(stale.last).toMatchObject({ version: 20261210, taken: 8 })
    expect(script.segment('seed').last).toMatchObject({ version: 20261210, taken: 0 })
  })

  it('all tied: a fifth of them, the same ones whoever asks, others the month after', async () => {
    const tied = async (labels: string, start: string, time: string): Promise<number[]> => {
      const script = await open(start, (files) => files)
      const people = Array.from({ length: 20 }, (_, index) => 13_800_001_000 + index)
      for (const subscriber of [ANN, BOB, CAT, TESTER, MAX]) {
        script.profile(subscriber, { tags: { has_pack: true } })
      }
      for (const subscriber of people) {
        const fields = {
          ...{ plan: 'data-10', terminal: 'td-lte', smart: true, labels_of: labels },
          ...{ voice_circle: 'high', sms_circle: 'low', online: 'low', call_preference: 'low' },
        }
        script.profile(subscriber, { fields })
      }
      script.until(time)
      return people.filter((who) => seedOf(script, who))
    }
    const november = await tied('2026-10-01', '2026-11-10 00:00', '2026-11-10 06:00')
    expect(november).toHaveLength(4)
    expect(await tied('2026-10-01', '2026-11-01 00:00', '2026-11-10 06:00')).toEqual(november)
    const december = await tied('2026-11-01', '2026-12-10 00:00', '2026-12-10 06:00')
    expect(december).toHaveLength(4)
    expect(december).not.toEqual(november)
  })

  it('one customer is one fifth', async () => {
    const script = await open('2026-11-01 08:00', (files) => files)
    for (const who of [BOB, CAT, TESTER, MAX]) script.profile(who, { tags: { has_pack: true } })
    script.until('2026-11-10 06:00')
    expect(seedOf(script, ANN)).toBe(20261110)
  })

  it('nothing was read on the 10th: the selection is made up for, once', async () => {
    const script = await open('2026-11-09 23:00')
    script.jump('2026-11-11 09:30')
    expect(seedOf(script, ANN)).toBe(20261110)
    script.late(ANN, '2026-11-10 20:00', LINE)
    expect(script.until('2026-11-12 13:00')).toEqual(['11-11 12:00 ANN data-pack sms (2 segments)'])
  })
})

describe('S1: what is sent', () => {
  it('at noon of the next day, from the selection to the send-out', async () => {
    const script = await open()
    script.usage(BOB, '2026-11-09 23:30', 2 * LINE)
    script.usage(ANN, '2026-11-10 02:00', LINE - 1)
    script.usage(CAT, '2026-11-10 05:00', LINE)
    script.usage(TESTER, '2026-11-10 10:00', LINE)
    script.usage(MAX, '2026-11-10 10:00', LINE)
    script.usage(DAN, '2026-11-10 10:00', LINE)
    script.usage(ANN, '2026-11-10 20:00', 1)
    script.until('2026-11-11 12:00')
    script.usage(BOB, '2026-11-11 18:00', LINE)
    script.until('2026-11-13 00:00')
    expect(script.lines).toEqual([
      '11-10 10:00 MAX data-pack: list-black',
      '11-11 12:00 CAT data-pack sms',
      '11-11 12:00 TESTER data-pack sms (2 segments, canary)',
      '11-11 12:00 ANN data-pack sms (2 segments)',
      '11-12 12:00 BOB data-pack sms (2 segments)',
    ])
    expect(script.messageOf(ANN, 'data-pack')).toHaveLength(103)
    expect(script.messageOf(CAT, 'data-pack')).toMatch(/^Reply VIP: 5 yuan/)
  })

  it('why not: on the black list, no seed, traffic that does not count', async () => {
    const script = await open()
    script.usage(MAX, '2026-11-11 10:00', LINE)
    script.usage(DAN, '2026-11-11 10:00', LINE)
    script.usage(ANN, '2026-11-11 10:00', LINE, { rat: 'geran' })
    script.usage(ANN, '2026-11-11 10:01', LINE, { rat: 'wlan' })
    script.usage(ANN, '2026-11-11 10:02', LINE, { app: 'portal' })
    script.usage(BOB, '2026-11-11 10:03', LINE, { rat: 'nr' })
    script.until('2026-11-13 00:00')
    expect(script.lines).toEqual(['11-11 10:00 MAX data-pack: list-black'])
    expect(script.why(MAX, 'data-pack').summary).toEqual(
      'no: refused at 2026-11-11T02:00:00.000Z: list-black',
    )
    expect(script.why(DAN, 'data-pack').stops).toEqual([
      'condition: data_4g.day >= 512000',
      'condition: tags.seed',
    ])
    expect(script.why(ANN, 'data-pack').stops).toEqual(['condition: data_4g.day >= 512000'])
    expect(script.why(BOB, 'data-pack').stops).toEqual(['condition: data_4g.day >= 512000'])
  })

  it('why not: ordered before noon; once per tagging; once per month', async () => {
    const script = await open()
    script.usage(ANN, '2026-11-11 10:00', LINE)
    script.profile(ANN, { tags: { has_pack: true } })
    script.usage(BOB, '2026-11-11 10:00', LINE)
    script.until('2026-12-02 00:00')
    script.usage(BOB, '2026-12-02 10:00', LINE)
    script.until('2026-12-04 00:00')
    expect(script.lines).toEqual([
      '11-12 12:00 ANN data-pack: cancelled',
      '11-12 12:00 BOB data-pack sms (2 segments)',
      '12-02 10:00 BOB data-pack: already-this-tagging',
    ])
    expect(script.why(BOB, 'data-pack').summary).toEqual(
      'no: refused at 2026-12-02T02:00:00.000Z: already-this-tagging',
    )
  })

  it('those who were no seeds get it from the 20th on', async () => {
    const script = await open('2026-10-20 08:00', (files) => files)
    script.usage(ANN, '2026-10-25 10:00', 6 * MIB, { app: 'wechat' })
    script.usage(CAT, '2026-11-19 10:00', LINE)
    script.usage(CAT, '2026-11-21 10:00', LINE)
    script.usage(ANN, '2026-11-21 10:00', LINE)
    script.until('2026-11-23 00:00')
    expect(script.lines).toEqual([
      '11-22 12:00 CAT data-pack-later sms',
      '11-22 12:00 ANN data-pack sms (2 segments)',
    ])
  })
})

describe('S1: what comes back', () => {
  it('VIP orders, however it is typed, and is a response', async () => {
    const script = await offered()
    expect(script.reply(ANN, '2026-11-12 13:00', '  vIp ')).toEqual([
      '11-12 13:00 ANN data-pack replied VIP',
      '11-12 13:00 ANN data-pack ordered VIP',
    ])
    expect(script.view(ANN).tags.has_pack).toBe(true)
  })

  it('any other reply is a response; TD opts out, and counts as one', async () => {
    const script = await offered()
    expect(script.reply(ANN, '2026-11-12 13:00', 'what does it cost?')).toEqual([
      '11-12 13:00 ANN data-pack replied',
    ])
    expect(script.reply(ANN, '2026-11-12 14:00', 'TD')).toEqual([
      '11-12 14:00 ANN data-pack opted-out TD',
    ])
    script.usage(ANN, '2026-12-11 10:00', LINE)
    expect(script.view(ANN).lists).toContain('optOut')
  })

  it('an order of somebody to whom nothing was sent is refused and counted', async () => {
    const script = await offered()
    expect(script.reply(DAN, '2026-11-12 13:00', 'VIP')).toEqual([])
    expect(script.reply(ANN, '2026-11-25 13:00', 'VIP')).toEqual([])
    expect(script.rejects).toEqual({ unattributed: 2 })
    expect(script.view(DAN).tags.has_pack).toBeUndefined()
  })
})
