import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../src/errors.ts'
import { createTimeParser } from '../../../src/probe/csv-time.ts'

const utc = (text: string) => Date.parse(text)

describe('times in any format', () => {
  const parse = createTimeParser('auto', 'Asia/Shanghai')
  test.each([
    ['1795000000', 1_795_000_000_000],
    ['1795000000.25', 1_795_000_000_250],
    ['1795000000123', 1_795_000_000_123],
    ['1795000000123456', 1_795_000_000_123],
    ['0', 0],
    ['2026-11-21T10:00:00Z', utc('2026-11-21T10:00:00Z')],
    ['2026-11-21T10:00:00.5Z', utc('2026-11-21T10:00:00.500Z')],
    ['2026-11-21T10:00:00,123456+02:00', utc('2026-11-21T08:00:00.123Z')],
    ['2026-11-21 10:00:00-0330', utc('2026-11-21T13:30:00Z')],
    ['2026-11-21T10:00+08', utc('2026-11-21T02:00:00Z')],
    ['2026-11-21 10:00:00', utc('2026-11-21T02:00:00Z')],
    ['2026/11/21 1:02', utc('2026-11-20T17:02:00Z')],
    ['20261121100005', utc('2026-11-21T02:00:05Z')],
    ['2024-02-29 00:00:00', utc('2024-02-28T16:00:00Z')],
  ])('%s', (text, expected) => {
    expect(parse(text)).toBe(expected)
  })

  test.each([
    '',
    'yesterday',
    '-5',
    '1e9',
    '2026-02-29 00:00:00',
    '2026-13-01 00:00:00',
    '2026-11-21 24:00:00',
    '2026-11-21 10:60:00',
    '2026-11-21T10:00:00+19:00',
    '2026-11-21',
    '1969-12-31T23:59:59Z',
    '99999999999999999999',
  ])('not %j', (text) => {
    expect(parse(text)).toBe('bad-time')
  })

  test('without offset are refused when no zone is known', () => {
    const parseWithoutZone = createTimeParser('auto', null)
    expect(parseWithoutZone('2026-11-21 10:00:00')).toBe('time-without-zone')
    expect(parseWithoutZone('20261121100005')).toBe('time-without-zone')
    expect(parseWithoutZone('2026-11-21 10:00:00Z')).toBe(utc('2026-11-21T10:00:00Z'))
  })
})

describe('wall-clock times at a change of clocks in Berlin', () => {
  const parse = createTimeParser('auto', 'Europe/Berlin')
  test.each([
    ['the last second before the gap', '2026-03-29 01:59:59', '2026-03-29T00:59:59Z'],
    [
      'inside the gap, as if clocks had not been set',
      '2026-03-29 02:30:00',
      '2026-03-29T01:30:00Z',
    ],
    ['after the gap', '2026-03-29 03:00:00', '2026-03-29T01:00:00Z'],
    ['before the doubled hour', '2026-10-25 01:59:59', '2026-10-24T23:59:59Z'],
    ['inside the doubled hour, the first time', '2026-10-25 02:30:00', '2026-10-25T00:30:00Z'],
    ['after the doubled hour', '2026-10-25 03:00:00', '2026-10-25T02:00:00Z'],
  ])('%s', (_, text, expected) => {
    expect(parse(text)).toBe(utc(expected))
    expect(parse(text)).toBe(utc(expected))
  })

  test('agree with the zone at every quarter of the two days', () => {
    const format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: 'Europe/Berlin',
      dateStyle: 'short',
      timeStyle: 'medium',
    })
    for (const day of ['2026-03-29', '2026-10-25', '2026-07-01']) {
      for (let quarter = 0; quarter < 96; quarter++) {
        const instantMs = utc(`${day}T00:00:00Z`) + quarter * 900_000 + 7_000
        const parsed = parse(format.format(instantMs))
        // The second of the doubled hours reads as the first.
        expect([instantMs, instantMs - 3_600_000]).toContain(parsed)
        expect(format.format(Number(parsed))).toBe(format.format(instantMs))
      }
    }
  })
})

describe('a time format', () => {
  test.each([
    ['YYYYMMDDHHmmss', '20261121100005', '2026-11-21T10:00:05Z'],
    ['DD.MM.YYYY HH:mm', '21.11.2026 10:00', '2026-11-21T10:00:00Z'],
    ['YYYY-MM-DDTHH:mm:ss.SSS', '2026-11-21T10:00:05.078', '2026-11-21T10:00:05.078Z'],
    ['YYYYMMDD', '20261121', '2026-11-21T00:00:00Z'],
    ['s', '1795000000', '2026-11-18T11:06:40Z'],
    ['ms', '1795000000000', '2026-11-18T11:06:40Z'],
    ['us', '1795000000000000', '2026-11-18T11:06:40Z'],
  ])('%s reads %s', (format, text, expected) => {
    expect(createTimeParser(format, 'UTC')(text)).toBe(utc(expected))
  })

  test('refuses what it does not fit', () => {
    const parse = createTimeParser('DD.MM.YYYY', 'UTC')
    expect(parse('21-11-2026')).toBe('bad-time')
    expect(parse('21.11.20266')).toBe('bad-time')
    expect(parse('31.02.2026')).toBe('bad-time')
    expect(createTimeParser('s', 'UTC')('2026-11-21')).toBe('bad-time')
  })

  test.each(['HH:mm', 'YYYY-MM', 'YYYY-MM-DD DD', 'epoch'])('is not %s', (format) => {
    expect(() => createTimeParser(format, 'UTC')).toThrow(UsageError)
  })

  test('needs a zone that exists', () => {
    expect(() => createTimeParser('auto', 'Mars/Base')).toThrow(UsageError)
  })
})
