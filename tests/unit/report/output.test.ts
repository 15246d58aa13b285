import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { csvOf, statisticsCsv } from '../../../src/report/csv.ts'
import { reportOf } from '../../../src/report/document.ts'
import { ReportFold } from '../../../src/report/fold.ts'
import { reportPage } from '../../../src/report/html.ts'
import { statisticsOf } from '../../../src/report/statistics.ts'
import { reportLines } from '../../../src/report/text.ts'
import { ZoneClock } from '../../../src/state/zone.ts'
import {
  saidDelivery,
  saidHoldout,
  saidOutcome,
  saidSuppression,
} from '../../support/said-decisions.ts'

const START_MS = Date.parse('2026-11-20T12:30:00+08:00')
const DAY_MS = 86_400_000
const SUBSCRIBER = 8_613_812_345_678
const clock = new ZoneClock('Asia/Shanghai')
const CHANNEL_OF = (trigger: string) => (trigger === 'data-pack' ? 'sms' : '')

/** Two days of one trigger: a delivery each, one suppression, one holdout, an order. */
const smallFold = (trigger = 'data-pack') => {
  const fold = new ReportFold(clock)
  const head = { trigger, subscriber: SUBSCRIBER, decidedAtMs: START_MS, region: 'north' }
  fold.apply(0, saidDelivery({ number: 1, ...head }))
  fold.apply(0, saidSuppression({ number: 2, ...head, reason: 'cap-trigger' }))
  fold.apply(0, saidHoldout({ number: 3, ...head, subscriber: SUBSCRIBER + 1 }))
  fold.apply(0, saidOutcome({ number: 4, ...head, what: 'sent' }))
  fold.apply(0, saidOutcome({ number: 5, ...head, what: 'ordered', by: 'reply' }))
  const later = { decidedAtMs: START_MS + DAY_MS + 3_600_000, region: 'south' }
  fold.apply(0, saidDelivery({ number: 6, ...head, ...later, subscriber: SUBSCRIBER + 2 }))
  return fold
}

const reportFrom = (fold: ReportFold, asked: readonly string[] | null = null) =>
  reportOf(fold, {
    name: 'packs',
    kind: 'asked',
    zone: 'Asia/Shanghai',
    fromMs: START_MS - DAY_MS,
    toMs: START_MS + 2 * DAY_MS,
    madeAtMs: START_MS + 2 * DAY_MS,
    triggers: [],
    asked,
    planned: null,
  })

describe('statistics', () => {
  const ask = (by: Parameters<typeof statisticsOf>[1]['by'], hours = 48) =>
    statisticsOf(smallFold(), {
      by,
      fromMs: START_MS,
      toMs: START_MS + hours * 3_600_000,
      triggers: null,
      channelOf: CHANNEL_OF,
    })

  test('close: what was decided was delivered, held out or suppressed', () => {
    for (const by of [[], ['trigger', 'channel'], ['trigger', 'region', 'hour']] as const) {
      for (const { counts, suppressedBy } of ask(by)) {
        const { delivered, canaries, holdouts, suppressed, decided } = counts
        expect(decided).toBe(delivered + canaries + holdouts + suppressed)
        const reasons = Object.values(suppressedBy).reduce((sum, count) => sum + count, 0)
        expect(reasons).toBe(suppressed)
      }
    }
    expect(ask([])[0]?.counts).toMatchObject({ decided: 4, delivered: 2, holdouts: 1 })
  })

  test('give a suppression the channel of its trigger', () => {
    const rows = ask(['trigger', 'channel'])
    expect(rows.map(({ words }) => words)).toEqual([{ trigger: 'data-pack', channel: 'sms' }])
  })

  test('take whole hours, by their local names, and nothing outside the stretch', () => {
    expect(ask(['hour']).map(({ words }) => words.hour)).toEqual(['2026-11-20T12', '2026-11-21T13'])
    expect(ask(['hour'], 25).map(({ words }) => words.hour)).toEqual([
      '2026-11-20T12',
      '2026-11-21T13',
    ])
    expect(ask(['day'], 24).map(({ words }) => words.day)).toEqual(['2026-11-20'])
  })

  test('of an empty stretch are no rows', () => {
    const toMs = START_MS - DAY_MS
    const query = { by: [], fromMs: 0, toMs, triggers: null, channelOf: CHANNEL_OF }
    expect(statisticsOf(smallFold(), query)).toEqual([])
  })
})

describe('a table for spreadsheets', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['+86', "'+86"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', "'\r=1"],
    ['  =cmd|0', "'  =cmd|0"],
    ['\uff1d1', "'\uff1d1"],
    ['\u200b=1', "'\u200b=1"],
    ['a=1', 'a=1'],
    ['a "b", c\r\nd', 'a "b", c\r\nd'],
    ['', ''],
  ])('holds %j as text that is no formula', (text, expected) => {
    const table = csvOf(['a', 'b'], [[text, 1]])
    expect(parse(table)).toEqual([
      ['a', 'b'],
      [expected, '1'],
    ])
  })

  test('has numbers as numbers, and nothing where there is none', () => {
    expect(csvOf(['n'], [[-0.5], [null], [Number.NaN]])).toBe('"n"\r\n-0.5\r\n\r\n\r\n')
  })

  test('of statistics has a column for every count and every reason', () => {
    const by = ['trigger', 'region'] as const
    const span = { fromMs: START_MS, toMs: START_MS + DAY_MS }
    const query = { by, ...span, triggers: null, channelOf: CHANNEL_OF }
    const rows = parse(statisticsCsv(by, statisticsOf(smallFold('=evil()'), query)), {
      columns: true,
    }) as Record<string, string>[]
    const [none] = rows
    expect(none).toMatchObject({ trigger: "'=evil()", region: '', 'suppressed: cap-trigger': '1' })
    expect(rows[1]).toMatchObject({ region: 'north', delivered: '1', ordered: '1', holdouts: '1' })
  })
})

describe('a page', () => {
  test('runs nothing and fetches nothing, whatever words it holds', () => {
    const evil = `"><script>alert('x')</script>&`
    const page = reportPage(reportFrom(smallFold(evil)), () => null)
    expect(page).not.toContain('<script')
    expect(page).toContain('&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;')
    expect(page).not.toMatch(/https?:|url\(|@import|<link|<img| on\w+=/)
    expect(page).toContain("default-src 'none'")
  })

  test('draws what was counted', () => {
    const page = reportPage(reportFrom(smallFold()), () => ({
      ...{ responseAbove: 0.05, orderAbove: 0.02, withinMs: null, against: null },
      orders: 'direct',
    }))
    expect(page.match(/<svg/g)?.length).toBe(4)
    expect(page).toContain('class="threshold"')
    expect(page).toContain('cap-trigger')
    expect(page).not.toContain('NaN')
  })
})

describe('a report', () => {
  test('tells of a trigger that nothing was decided of, if it is asked for', () => {
    const { triggers } = reportFrom(smallFold(), ['quiet'])
    expect(triggers[0]).toMatchObject({ trigger: 'quiet', counts: { decided: 0 } })
    expect(triggers[0]?.evaluation.response).toBeNull()
  })

  test('holds no subscriber number, in any form', () => {
    const report = reportFrom(smallFold())
    const forms = [
      JSON.stringify(report),
      reportLines(report).join('\n'),
      reportPage(report, () => null),
    ]
    for (const form of forms) expect(form).not.toContain('138123456')
    expect(forms[1]).toContain('order rate      100.00 % (1; 95 %: 20.65 % to 100.00 %)')
  })

  test('says what is missing', () => {
    const fold = smallFold()
    fold.setPosition(1, { ...fold.positionOf(1), number: 1200, missing: 1200 })
    const report = reportFrom(fold)
    expect(reportLines(report)[1]).toContain('OUT no longer held 1,200 decisions')
    expect(reportPage(report, () => null)).toContain('1,200 decisions')
  })
})
