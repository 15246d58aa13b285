import { describe, expect, test } from 'vitest'
import {
  formatDuration,
  formatSize,
  parseDayNumber,
  parseDuration,
  parseInstant,
  parseMinuteOfDay,
  parseSize,
} from '../../../src/model/quantity.ts'
import { nearestWord, suggestWord } from '../../../src/model/spelling.ts'

test.each([
  ['2ms', 2],
  ['30s', 30_000],
  ['5m', 300_000],
  ['48h', 172_800_000],
  ['2d', 172_800_000],
  ['1.5h', 5_400_000],
  ['0s', 0],
  ['30', null],
  ['30 s', null],
  ['-1s', null],
  ['1e3s', null],
  ['1M', null],
  ['0.0001ms', null],
  ['999999999999d', null],
  ['', null],
])('the duration %s is %s ms', (text, valueMs) => {
  expect(parseDuration(text)).toBe(valueMs)
})

test.each([
  ['500 KiB', 512_000],
  ['500KiB', 512_000],
  ['5 MB', 5_000_000],
  ['1.5 GiB', 1_610_612_736],
  ['3 kB', 3000],
  ['7 B', 7],
  ['500', null],
  ['500 kb', null],
  ['500 KB', null],
  ['500  KiB', null],
  ['0.1 B', null],
  ['999999999999999 GiB', null],
])('the size %s is %s bytes', (text, valueBytes) => {
  expect(parseSize(text)).toBe(valueBytes)
})

test.each([
  ['00:00', 0],
  ['09:00', 540],
  ['23:59', 1439],
  ['24:00', 1440],
  ['24:01', null],
  ['9:00', null],
  ['12:60', null],
  ['12:30:00', null],
])('the time of day %s is minute %s', (text, minute) => {
  expect(parseMinuteOfDay(text)).toBe(minute)
})

test.each([
  ['1970-01-01', 0],
  ['2026-11-30', 20_787],
  ['2028-02-29', 21_243],
  ['2026-02-29', null],
  ['2026-13-01', null],
  ['2026-1-1', null],
  ['0001-01-01', null],
])('the date %s is day %s', (text, day) => {
  expect(parseDayNumber(text)).toBe(day)
})

test.each([
  ['2026-11-01T00:00:00+08:00', Date.UTC(2026, 9, 31, 16)],
  ['2026-11-01T00:00:00Z', Date.UTC(2026, 10, 1)],
  ['2026-11-01T00:00-03:30', Date.UTC(2026, 10, 1, 3, 30)],
  ['2026-11-01T00:00:00.25Z', Date.UTC(2026, 10, 1) + 250],
  ['2026-11-01T00:00:00', null],
  ['2026-11-01T24:00:00Z', null],
  ['2026-11-01T00:00:60Z', null],
  ['2026-11-31T00:00:00Z', null],
  ['2026-11-01T00:00:00+15:00', null],
  ['2026-11-01T00:00:00+08', null],
])('the instant %s is %s', (text, timeMs) => {
  expect(parseInstant(text)).toBe(timeMs)
})

describe('what is formatted reads back', () => {
  test.each([
    [0, '0ms'],
    [1, '1ms'],
    [30_000, '30s'],
    [172_800_000, '48h'],
    [604_800_000, '7d'],
    [90_061_001, '90061001ms'],
  ])('duration %s', (valueMs, text) => {
    expect(formatDuration(valueMs)).toBe(text)
    expect(parseDuration(text)).toBe(valueMs)
  })

  test.each([
    [0, '0 B'],
    [512_000, '500 KiB'],
    [3000, '3 kB'],
    [524_288, '512 KiB'],
    [5_000_000, '5 MB'],
    [1025, '1025 B'],
  ])('size %s', (valueBytes, text) => {
    expect(formatSize(valueBytes)).toBe(text)
    expect(parseSize(text)).toBe(valueBytes)
  })
})

describe('the nearest word', () => {
  test.each([
    ['dya', ['day', 'month'], 'day'],
    ['mnth', ['day', 'month'], 'month'],
    ['Day', ['day', 'month'], 'day'],
    ['xyz', ['day', 'month'], null],
    ['a', ['day'], null],
    ['contact_window', ['contactWindow'], 'contactWindow'],
    ['x'.repeat(100), ['x'.repeat(99)], null],
    ['', ['day'], null],
  ])('to %s', (word, candidates, nearest) => {
    expect(nearestWord(word, candidates)).toBe(nearest)
    const suggestion = nearest === null ? undefined : `did you mean "${nearest}"?`
    expect(suggestWord(word, candidates)).toBe(suggestion)
  })
})
