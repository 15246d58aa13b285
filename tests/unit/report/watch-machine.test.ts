import { describe, expect, test } from 'vitest'
import { ReportFold } from '../../../src/report/fold.ts'
import { type PlannedToday, WatchMachine } from '../../../src/report/watch-machine.ts'
import { NO_STATE, parseWatchState, type Saying } from '../../../src/report/watch-state.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { ZoneClock } from '../../../src/state/zone.ts'
import { saidDelivery, saidOutcome } from '../../support/said-decisions.ts'

const ZONE = 'Asia/Shanghai'
const clock = new ZoneClock(ZONE)
const at = (text: string) => Date.parse(`${text}:00+08:00`)
const TRIGGERS = `
trigger: data-pack
when: tags.seed
once: month
deliver: { channel: sms }
message: Reply VIP
verdict: { response: 5 %, order: 2 % }
`

const configurationOf = (reporting: string) => {
  const files = { 'a.yaml': 'tags: { seed: {} }\n', 'r.yaml': reporting, 't.yaml': TRIGGERS }
  const { catalog } = parseCatalog(files)
  return { zone: ZONE, reporting: catalog.reporting, triggers: catalog.triggers }
}

const SENDOUT =
  'reports:\n  packs: { kind: sendout, triggers: [data-pack], to: [manager], channel: sms }\n'

/** A watch on a virtual clock: time passes by looks, decisions are folded before each. */
class VirtualWatch {
  readonly fold = new ReportFold(clock)
  readonly machine: WatchMachine
  planned: PlannedToday | null = null
  /** What was said, with the look at which it was. */
  readonly said: { at: string; saying: Saying }[] = []

  constructor(reporting: string, from: string) {
    this.machine = new WatchMachine(this.fold, configurationOf(reporting), NO_STATE)
    this.machine.begin(at(from))
  }

  deliver(
    subscriber: number,
    time: string,
    whats: readonly string[] = ['sent'],
    segments: number | null = null,
  ): void {
    const head = { subscriber, decidedAtMs: at(time), period: time.slice(0, 10) }
    const number = () => this.fold.positionOf(0).number + 1
    this.fold.apply(0, saidDelivery({ number: number(), ...head, segments }))
    for (const what of whats) {
      this.fold.apply(0, saidOutcome({ number: number(), ...head, what, by: 'reply' }))
    }
  }

  plan(deliveries: number, segments: number): void {
    this.planned = new Map([['data-pack', { deliveries, segments, channel: 'sms' }]])
  }

  /** Looks up to and including that instant. */
  passTo(time: string): void {
    for (let lookMs = this.machine.nextLookMs(); lookMs <= at(time); ) {
      this.machine.look(lookMs, this.planned)
      const { unsaid } = this.machine.state
      const text = new Date(lookMs + 8 * 3_600_000).toISOString().slice(0, 16)
      for (const saying of unsaid) this.said.push({ at: text, saying })
      this.machine.markSaid(new Set(unsaid.map(({ id }) => id)))
      lookMs = this.machine.nextLookMs()
    }
  }

  get heads(): string[] {
    return this.said.map(({ at: time, saying }) => {
      return `${time} ${saying.kind === 'publish' ? saying.subject : saying.kind} ${saying.id}`
    })
  }

  get notices(): string[] {
    return this.said.flatMap(({ saying }) => (saying.kind === 'notice' ? [saying.text] : []))
  }
}

describe('the report of a send-out', () => {
  test('comes at 21:00 on a day with zero, on the virtual clock, too', () => {
    const watch = new VirtualWatch(SENDOUT, '2026-11-20T00:00')
    watch.plan(0, 0)
    watch.passTo('2026-11-22T12:00')
    expect(watch.heads).toEqual([
      '2026-11-20T21:00 report.packs report-packs-2026-11-20',
      '2026-11-20T21:00 notice report-packs-2026-11-20-notice',
      '2026-11-21T21:00 report.packs report-packs-2026-11-21',
      '2026-11-21T21:00 notice report-packs-2026-11-21-notice',
    ])
    expect(watch.notices[0]).toBe(
      'packs 2026-11-20: 0 sent, 0 failed, 0 responded (-), 0 ordered (-), 0 opted out, ' +
        '0 complained; no verdict: nobody was reached',
    )
  })

  test('comes when nothing of the day is planned any more and all was reported', () => {
    const watch = new VirtualWatch(SENDOUT, '2026-11-20T00:00')
    watch.plan(2, 2)
    watch.deliver(8, '2026-11-20T12:00', ['sent', 'replied', 'ordered'])
    watch.passTo('2026-11-20T13:00')
    expect(watch.heads).toEqual([])
    watch.plan(0, 0)
    watch.deliver(9, '2026-11-20T13:05', [])
    watch.passTo('2026-11-20T14:00')
    expect(watch.heads).toEqual([])
    const head = { subscriber: 9, decidedAtMs: at('2026-11-20T14:05'), period: '2026-11-20' }
    watch.fold.apply(0, saidOutcome({ number: 6, ...head, what: 'failed' }))
    watch.passTo('2026-11-21T12:00')
    expect(watch.heads[0]).toBe('2026-11-20T14:15 report.packs report-packs-2026-11-20')
    expect(watch.heads).toHaveLength(2)
    expect(watch.notices).toEqual([
      'packs 2026-11-20: 2 sent, 1 failed, 1 responded (50.00 %), 1 ordered (50.00 %), ' +
        '0 opted out, 0 complained; good',
    ])
  })

  test('does not come before its earliest moment, nor twice a day', () => {
    const watch = new VirtualWatch(SENDOUT, '2026-11-20T00:00')
    watch.plan(0, 0)
    watch.deliver(8, '2026-11-20T09:00')
    watch.passTo('2026-11-20T12:00')
    watch.deliver(9, '2026-11-20T15:00')
    watch.passTo('2026-11-20T23:45')
    expect(watch.heads.map((head) => head.slice(0, 16))).toEqual([
      '2026-11-20T12:00',
      '2026-11-20T12:00',
    ])
  })

  test('waits for its latest moment while nobody knows what is planned', () => {
    const watch = new VirtualWatch(SENDOUT, '2026-11-20T00:00')
    watch.deliver(8, '2026-11-20T12:00')
    watch.passTo('2026-11-20T20:45')
    expect(watch.heads).toEqual([])
    watch.passTo('2026-11-20T21:00')
    expect(watch.heads).toHaveLength(2)
  })
})

describe('the warning of the daily maximum', () => {
  const reporting =
    'watch: { dailyMaximum: { of: sms, segments: 10, to: [administrator], channel: sms } }\n'

  test('is silent at exactly the maximum, sent and planned together, of all triggers', () => {
    const watch = new VirtualWatch(reporting, '2026-11-20T00:00')
    for (const subscriber of [8, 9]) watch.deliver(subscriber, '2026-11-20T12:00', ['sent'], 2)
    watch.plan(3, 6)
    watch.passTo('2026-11-20T23:45')
    expect(watch.heads).toEqual([])
  })

  test('comes once a day above it, and again the next day', () => {
    const watch = new VirtualWatch(reporting, '2026-11-20T00:00')
    watch.plan(6, 11)
    watch.passTo('2026-11-21T03:00')
    expect(watch.heads).toEqual([
      '2026-11-20T00:15 alarm.warning daily-maximum-2026-11-20',
      '2026-11-20T00:15 notice daily-maximum-2026-11-20-notice',
      '2026-11-21T00:00 alarm.warning daily-maximum-2026-11-21',
      '2026-11-21T00:00 notice daily-maximum-2026-11-21-notice',
    ])
    const text = 'warning: 11 segments sent and planned on 2026-11-20, the platform takes 10 a day'
    expect(watch.notices[0]).toBe(text)
  })
})

describe('scheduled reports', () => {
  test('come daily, weekly, and by the 5th and the 15th, of whole days before', () => {
    const reporting = [
      'reports:',
      "  day: { kind: daily, at: '07:30' }",
      '  complaints: { kind: weekly, on: mon, about: complaints }',
      '  month: { kind: monthly }',
    ].join('\n')
    const watch = new VirtualWatch(reporting, '2026-11-30T23:50')
    watch.passTo('2026-12-15T09:00')
    const ids = watch.heads.map((head) => `${head.slice(0, 16)} ${head.split(' ')[2]}`)
    expect(ids.filter((id) => !id.includes('report-day'))).toEqual([
      '2026-12-05T08:00 report-month-2026-11-by-5',
      '2026-12-07T08:00 report-complaints-2026-11-30-2026-12-06',
      '2026-12-14T08:00 report-complaints-2026-12-07-2026-12-13',
      '2026-12-15T08:00 report-month-2026-11-by-15',
    ])
    const days = ids.filter((id) => id.includes('report-day'))
    expect(days).toHaveLength(15)
    expect(days[0]).toBe('2026-12-01T07:30 report-day-2026-11-30')
  })

  test('hold no subscriber number', () => {
    const watch = new VirtualWatch('reports:\n  day: { kind: daily }\n', '2026-11-20T00:00')
    watch.deliver(8_613_812_345_678, '2026-11-20T12:00', ['sent', 'ordered'])
    watch.passTo('2026-11-21T09:00')
    expect(JSON.stringify(watch.said)).not.toContain('13812345')
    const body = watch.said.at(-1)?.saying
    expect(body).toMatchObject({ body: { triggers: [{ counts: { ordered: 1 } }] } })
  })
})

describe('levels', () => {
  const reporting = [
    'watch:',
    '  to: [administrator]',
    '  channel: sms',
    '  measures:',
    '    failures:',
    '      of: failure',
    '      least: 4',
    '      good: { when: below 10 %, learn: what went well }',
    '      warning: { when: above 25 % }',
    '      alarm: { when: above 50 %, learn: which gateway, mend: the link, by: network }',
  ].join('\n')
  const many = (watch: VirtualWatch, time: string, from: number, what: string, count: number) => {
    for (let i = 0; i < count; i++) watch.deliver(from + i, time, [what])
  }

  test('are judged strictly, with enough to judge, and told when they change', () => {
    const watch = new VirtualWatch(reporting, '2026-11-20T09:00')
    many(watch, '2026-11-20T09:01', 100, 'failed', 3)
    watch.passTo('2026-11-20T09:30')
    expect(watch.heads).toEqual([])
    // Exactly half of them failed: no alarm, a warning.
    many(watch, '2026-11-20T09:31', 200, 'sent', 3)
    watch.passTo('2026-11-20T10:00')
    many(watch, '2026-11-20T10:01', 300, 'failed', 1)
    watch.passTo('2026-11-20T10:30')
    many(watch, '2026-11-20T10:31', 400, 'sent', 100)
    watch.passTo('2026-11-20T11:00')
    const published = watch.heads.filter((head) => !head.includes('notice'))
    expect(published).toEqual([
      '2026-11-20T09:45 alarm.warning level-failures-2026-11-20-09-45-warning',
      '2026-11-20T10:15 alarm.alarm level-failures-2026-11-20-10-15-alarm',
      '2026-11-20T10:45 alarm.good level-failures-2026-11-20-10-45-good',
      '2026-11-20T10:45 report.incident incident-failures-2026-11-20-10-15',
    ])
    expect(watch.notices[0]).toBe('warning: failures is 50.00 %')
    expect(watch.notices[1]).toBe(
      'alarm: failures is 57.14 %. Learn: which gateway. Mend: the link. By: network',
    )
    const record = watch.said.find(({ saying }) => saying.id.startsWith('incident'))!.saying
    expect(record).toMatchObject({
      body: {
        startedAt: '2026-11-20 10:15',
        endedAt: '2026-11-20 10:45',
        bound: 'above 50 %',
        action: { learn: 'which gateway', mend: 'the link', by: 'network' },
        values: [
          { at: '2026-11-20 10:15', value: '57.14 %' },
          { at: '2026-11-20 10:30', value: '57.14 %' },
          { at: '2026-11-20 10:45', value: '3.74 %' },
        ],
      },
    })
  })

  test('an incident that lasts gets its record within a day, and another at its end', () => {
    const watch = new VirtualWatch(reporting, '2026-11-20T09:00')
    many(watch, '2026-11-20T09:01', 100, 'failed', 5)
    watch.passTo('2026-11-22T12:00')
    many(watch, '2026-11-22T12:01', 200, 'sent', 5)
    watch.passTo('2026-11-22T13:00')
    const records = watch.heads.filter((head) => head.includes('report.incident'))
    expect(records).toEqual([
      '2026-11-21T09:15 report.incident incident-failures-2026-11-20-09-15-lasting',
      '2026-11-22T12:15 report.incident incident-failures-2026-11-20-09-15',
    ])
  })

  test('can be taken against the same full hours of the same day a week before', () => {
    const compared =
      'watch:\n  measures:\n    volume: { of: deliveries, lastWeek: true, least: 4, alarm: { when: below 50 % } }\n'
    const watch = new VirtualWatch(compared, '2026-11-13T00:00')
    many(watch, '2026-11-13T09:10', 100, 'sent', 4)
    many(watch, '2026-11-13T10:10', 200, 'sent', 4)
    watch.passTo('2026-11-20T09:00')
    many(watch, '2026-11-20T09:10', 300, 'sent', 2)
    // In the middle of the hour nothing is judged by it.
    watch.passTo('2026-11-20T10:45')
    expect(watch.heads).toEqual([])
    many(watch, '2026-11-20T10:50', 400, 'sent', 1)
    watch.passTo('2026-11-20T11:00')
    expect(watch.heads[0]).toContain('2026-11-20T11:00 alarm.alarm')
    expect(watch.said[0]?.saying).toMatchObject({ body: { value: '37.50 % of last week' } })
  })
})

describe('what it keeps', () => {
  test('goes through JSON, and the same looks say the same with the same ids', () => {
    const one = new VirtualWatch(SENDOUT, '2026-11-20T00:00')
    one.deliver(8, '2026-11-20T12:00')
    one.passTo('2026-11-20T20:00')
    const kept = parseWatchState(JSON.parse(JSON.stringify(one.machine.state)))!
    const two = new WatchMachine(one.fold, configurationOf(SENDOUT), kept)
    expect(two.nextLookMs()).toBe(at('2026-11-20T20:15'))
    two.look(at('2026-11-20T21:00'), null)
    one.machine.look(at('2026-11-20T21:00'), null)
    expect(two.state).toEqual(one.machine.state)
    expect(two.state.unsaid).toHaveLength(2)
    two.markSaid(new Set(['report-packs-2026-11-20']))
    expect(two.state.unsaid.map(({ id }) => id)).toEqual(['report-packs-2026-11-20-notice'])
  })

  test('of another kind is none of ours', () => {
    for (const value of [null, 1, {}, { v: 2, unsaid: [] }, { v: 1 }]) {
      expect(parseWatchState(value)).toBeNull()
    }
  })
})

test('a clock that is set back in autumn is looked at all the time', () => {
  const berlin = new ZoneClock('Europe/Berlin')
  const machine = new WatchMachine(
    new ReportFold(berlin),
    { ...configurationOf('watch: { every: 30m }\n'), zone: 'Europe/Berlin' },
    NO_STATE,
  )
  machine.begin(Date.parse('2026-10-24T23:45:00Z'))
  const looks: string[] = []
  for (let i = 0; i < 7; i++) {
    const lookMs = machine.nextLookMs()
    machine.look(lookMs, null)
    looks.push(new Date(lookMs).toISOString().slice(11, 16))
  }
  expect(looks).toEqual(['00:00', '00:30', '01:00', '01:30', '02:00', '02:30', '03:00'])
})

test('a report of very many triggers holds the busiest ones and fits a message', () => {
  const fold = new ReportFold(clock)
  const trigger = (i: number) => `a-trigger-with-a-name-as-long-as-it-may-be-and-the-number-${i}`
  for (let i = 1; i <= 1000; i++) {
    const head = { trigger: trigger(i), subscriber: i, decidedAtMs: at('2026-11-20T12:00') }
    fold.apply(0, saidDelivery({ number: i, ...head }))
  }
  fold.apply(
    0,
    saidDelivery({
      ...{ number: 1001, trigger: trigger(1000), subscriber: 5 },
      decidedAtMs: at('2026-11-20T12:00'),
    }),
  )
  const daily = configurationOf('reports: { day: { kind: daily } }')
  const machine = new WatchMachine(fold, daily, NO_STATE)
  machine.begin(at('2026-11-21T07:50'))
  machine.look(at('2026-11-21T08:00'), null)
  const [saying] = machine.state.unsaid as unknown as [
    { body: { triggers: { trigger: string }[] } },
  ]
  expect(saying.body).toMatchObject({ triggersLeftOut: 601 })
  expect(saying.body.triggers.map((each) => each.trigger)).toContain(trigger(1000))
  expect(JSON.stringify(saying.body).length).toBeLessThan(900_000)
})
