import { describe, expect, test } from 'vitest'
import { nextOpening } from '../../../src/decision/contact-window.ts'
import type { ContactWindowSpec } from '../../../src/model/policy.ts'
import { everyDay, HOLIDAY_OPENING } from '../../../src/model/policy.ts'
import { parseDayNumber } from '../../../src/model/quantity.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { DECLARATIONS, problemsOf, triggerText } from './config-texts.ts'

interface Windows {
  readonly trigger?: string
  readonly channel?: string
  readonly class?: string
  readonly holidays?: string
}

const filesOf = (windows: Windows) => {
  const window = (text: string | undefined) =>
    text === undefined ? '{}' : `{ contactWindow: { ${text} } }`
  const own = windows.trigger === undefined ? '' : `, contactWindow: { ${windows.trigger} }`
  return {
    'a.yaml': DECLARATIONS,
    'p.yaml': `channels: { sms: ${window(windows.channel)} }\nclasses: { promo: ${window(windows.class)} }\n${
      windows.holidays === undefined ? '' : `holidays: ${windows.holidays}\n`
    }`,
    't.yaml': triggerText({ class: 'promo', deliver: `{ channel: sms${own} }` }),
  }
}

const windowOf = (windows: Windows): ContactWindowSpec =>
  parseCatalog(filesOf(windows)).catalog.triggers[0]!.contactWindow!

/** Openings as `9-21`, hours; `-` closed: Monday to Sunday, then holidays. */
const hoursOf = (windows: Windows): string => {
  const { openings } = windowOf(windows)
  expect(openings).toHaveLength(HOLIDAY_OPENING + 1)
  return openings
    .map((opening) =>
      opening === null ? '-' : `${opening.fromMinute / 60}-${opening.toMinute / 60}`,
    )
    .join(' ')
}

const DAY = "from: '09:00', to: '21:00'"

describe('the contact window of a trigger', () => {
  test('is null where nobody has one', () => {
    expect(parseCatalog(filesOf({})).catalog.triggers[0]!.contactWindow).toBeNull()
  })

  test.each([
    ['its own', { trigger: `${DAY}, outside: drop` }],
    ["its channel's", { channel: `${DAY}, outside: drop` }],
    ["its class's", { class: `${DAY}, outside: drop` }],
  ])('is %s where that is the only one', (_, windows) => {
    expect(windowOf(windows)).toEqual({
      openings: everyDay({ fromMinute: 540, toMinute: 1260 }),
      holidays: new Set(),
      outside: 'drop',
      spreadMs: 0,
      expiresMs: 86_400_000,
    })
  })

  test('is what all three have in common', () => {
    expect(
      hoursOf({
        trigger: "from: '12:00', to: '24:00'",
        channel: "from: '08:00', to: '20:00', on: [mon, wed, fri, sun]",
        class: "from: '09:00', to: '21:00', on: [wed, thu, fri]",
      }),
    ).toBe('- - 12-20 - 12-20 - - 12-20')
  })

  test('is frozen day by day', () => {
    const window = windowOf({ trigger: `${DAY}, outside: drop, on: [mon]`, channel: DAY })
    const parts = [window, window.openings, ...window.openings]
    expect(parts.filter((part) => !Object.isFrozen(part))).toEqual([])
  })

  test('takes outside, spread and expires from the most specific that says so', () => {
    const all = 'outside: drop, spread: 1h, expires: 3h'
    const rest = ({ outside, spreadMs, expiresMs }: ContactWindowSpec) => [
      outside,
      spreadMs / 60_000,
      expiresMs / 60_000,
    ]
    expect(rest(windowOf({ class: `${DAY}, ${all}` }))).toEqual(['drop', 60, 180])
    const channel = `${DAY}, outside: defer, spread: 2h`
    expect(rest(windowOf({ channel, class: `${DAY}, ${all}` }))).toEqual(['defer', 120, 180])
    const trigger = `${DAY}, expires: 4h`
    expect(rest(windowOf({ trigger, channel, class: `${DAY}, ${all}` }))).toEqual([
      'defer',
      120,
      240,
    ])
    expect(rest(windowOf({ trigger, channel: DAY }))).toEqual(['defer', 0, 240])
  })

  test('does not spread beyond the shortest opening that is left', () => {
    const windows = { channel: `${DAY}, spread: 4h`, trigger: "from: '12:00', to: '13:30'" }
    expect(windowOf(windows).spreadMs).toBe(90 * 60_000)
  })
})

describe('holidays', () => {
  // Thursday to Sunday, and a Wednesday.
  const holidays = "['2026-10-01 to 2026-10-04', 2026-12-30]"
  const days = ['2026-10-01', '2026-10-02', '2026-10-03', '2026-10-04', '2026-12-30'].map(
    (text) => parseDayNumber(text)!,
  )
  const [thursday, friday, saturday, sunday, wednesday] = days

  test('are days like others unless a window says otherwise', () => {
    for (const rule of ['', ', holidays: like-other-days', ', holidays: open']) {
      const window = windowOf({ channel: DAY + rule, holidays })
      expect(window.holidays).toEqual(new Set())
      expect(window.openings[HOLIDAY_OPENING]).toEqual({ fromMinute: 540, toMinute: 1260 })
    }
  })

  test('are closed where one of the windows says so', () => {
    const window = windowOf({ channel: `${DAY}, holidays: closed`, trigger: DAY, holidays })
    expect([...window.holidays]).toEqual(days)
    expect(window.openings[HOLIDAY_OPENING]).toBeNull()
  })

  test('have the hours that the windows give them, on whatever day of the week', () => {
    const channel = `${DAY}, on: [mon, tue], holidays: { from: '10:00', to: '16:00' }`
    const trigger = `${DAY}, on: [mon, tue], holidays: { from: '12:00', to: '18:00' }`
    expect(hoursOf({ channel, trigger, holidays })).toBe('9-21 9-21 - - - - - 12-16')
    expect([...windowOf({ channel, trigger, holidays }).holidays]).toEqual(days)
  })

  test('stay closed on the closed weekdays of a window that takes them like other days', () => {
    const channel = `${DAY}, holidays: { from: '10:00', to: '16:00' }`
    const trigger = `${DAY}, on: [wed, thu, fri]`
    const window = windowOf({ channel, trigger, holidays })
    expect([...window.holidays]).toEqual([thursday, friday, wednesday])
    const utc = {
      dayAt: (instantMs: number) => Math.floor(instantMs / 86_400_000),
      minuteAt: (instantMs: number) => (instantMs / 60_000) % 1440,
      instantOf: (day: number, minute: number) => (day * 1440 + minute) * 60_000,
    }
    const openingAfter = (day: number) => nextOpening(window, utc, day * 86_400_000) / 3_600_000
    expect(openingAfter(friday!)).toBe(friday! * 24 + 10)
    // Saturday and Sunday are shut, holidays or not; Wednesday is a plain one.
    expect(openingAfter(saturday!)).toBe((sunday! + 3) * 24 + 9)
  })
})

describe('windows that never meet are refused, and the two are named', () => {
  const never = (windows: Windows) => {
    const { places, texts } = problemsOf(filesOf(windows))
    expect(texts).toHaveLength(1)
    return [places[0], texts[0]!.split(' | ')[0]]
  }
  const clash = (owners: string) =>
    `the contact windows of ${owners} are never open at the same time`

  test('by the hour', () => {
    const windows = { channel: DAY, trigger: "from: '06:00', to: '09:00'" }
    expect(never(windows)).toEqual([
      't.yaml:3:41 contradiction',
      clash('trigger data-pack and channel sms'),
    ])
  })

  test('by the day, between channel and class, at the name of the channel', () => {
    const windows = {
      channel: `${DAY}, on: [sat, sun]`,
      class: `${DAY}, on: [mon]`,
      holidays: '[2026-10-01]',
    }
    expect(never(windows)).toEqual([
      't.yaml:3:21 contradiction',
      clash('channel sms and class promo'),
    ])
  })

  test('only all three together', () => {
    const windows = {
      trigger: "from: '09:00', to: '12:00'",
      channel: "from: '11:00', to: '14:00', on: [mon, tue]",
      class: "from: '09:00', to: '14:00', on: [tue, wed]",
    }
    expect(hoursOf(windows)).toMatch(/^- 11-12 - /)
    expect(never({ ...windows, class: "from: '12:00', to: '14:00'" })[1]).toBe(
      clash('trigger data-pack and class promo'),
    )
    const three = {
      trigger: `${DAY}, on: [mon, tue]`,
      channel: `${DAY}, on: [tue, wed]`,
      class: `${DAY}, on: [mon, wed]`,
    }
    expect(never({ ...three, holidays: '[2026-10-01]' })[1]).toBe(
      clash('trigger data-pack, channel sms and class promo'),
    )
  })

  test('but windows that meet on holidays only are not', () => {
    const rule = "holidays: { from: '10:00', to: '16:00' }"
    const windows = { channel: `${DAY}, on: [mon], ${rule}`, trigger: `${DAY}, on: [tue], ${rule}` }
    expect(hoursOf({ ...windows, holidays: '[2026-10-01]' })).toBe('- - - - - - - 10-16')
    expect(never(windows)[1]).toBe(clash('trigger data-pack and channel sms'))
  })
})
