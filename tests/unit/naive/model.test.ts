import { expect, it } from 'vitest'
import { S1_PARAMETERS } from '../../support/naive/input.ts'
import { ANN, Script } from './script.ts'

// Shanghai is UTC+8: noon is 04:00Z, the contact window 01:00Z to 13:00Z.

it('511,999 bytes are below the line, the 512,000th is on it', () => {
  const script = new Script('2026-11-20 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.tick('2026-11-20 10:00')
  script.usage('2026-11-20 09:00', 511_999)
  script.tick('2026-11-20 10:01')
  expect(script.model.pendingCount()).toBe(0)
  script.usage('2026-11-20 09:30', 1)
  expect(script.model.pendingCount()).toBe(1)
  expect(script.tick('2026-11-21 11:59:59.999')).toEqual([])
  expect(script.tick('2026-11-21 12:00')).toEqual([
    '2026-11/1 2026-11-21T04:00Z..2026-11-21T13:00Z',
  ])
})

it('only data over UTRAN, HSPA and EUTRAN counts', () => {
  const script = new Script('2026-11-20 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.tick('2026-11-20 10:00')
  for (const rat of [0, 2, 3, 4, 7, 10]) script.usage('2026-11-20 09:00', 900_000, { rat })
  script.usage('2026-11-20 09:00', 900_000, { kind: 1 })
  expect(script.model.pendingCount()).toBe(0)
  for (const rat of [1, 5]) script.usage('2026-11-20 09:00', 200_000, { rat })
  expect(script.model.pendingCount()).toBe(0)
  script.usage('2026-11-20 09:00', 112_000, { rat: 6 })
  expect(script.model.pendingCount()).toBe(1)
})

it('usage at two in the morning counts, and is answered at noon of the next day', () => {
  const script = new Script('2026-11-20 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.tick('2026-11-20 02:01')
  script.usage('2026-11-20 02:00', 600_000)
  script.tick('2026-11-20 12:00')
  expect(script.lines).toEqual([])
  expect(script.tick('2026-11-21 12:00')).toHaveLength(1)
})

it('a crossing on 30 November is sent on 1 December and uses up December', () => {
  const script = new Script('2026-11-30 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.tick('2026-11-30 20:00')
  script.usage('2026-11-30 19:00', 600_000)
  expect(script.tick('2026-12-01 12:00')).toEqual([
    '2026-11/1 2026-12-01T04:00Z..2026-12-01T13:00Z',
  ])
  script.tick('2026-12-10 03:00')
  script.profile({ tags: { seed: 202612 } })
  script.tick('2026-12-12 15:00')
  expect(script.usage('2026-12-12 14:00', 600_000)).toEqual(['2026-12/1 cap-trigger'])
  script.tick('2027-01-01 00:30')
  script.profile({ tags: { seed: 202701 } })
  script.usage('2027-01-01 00:10', 600_000)
  expect(script.tick('2027-01-02 12:00')).toEqual([
    '2027-01/1 2027-01-02T04:00Z..2027-01-02T13:00Z',
  ])
})

it('a new month without a new tagging brings no second delivery', () => {
  const script = new Script('2026-11-20 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.usage('2026-11-20 00:01', 600_000)
  script.tick('2026-11-21 12:00')
  script.tick('2026-12-02 00:00')
  expect(script.usage('2026-12-01 23:00', 600_000)).toEqual(['2026-12/1 already-this-tagging'])
  script.profile({ tags: { seed: 202612 } })
  expect(script.model.pendingCount()).toBe(0)
})

it('a new tagging in the month of a delivery brings no second one', () => {
  const script = new Script('2026-11-05 00:00')
  script.profile({ tags: { seed: 202610 } })
  script.usage('2026-11-05 00:01', 600_000)
  expect(script.tick('2026-11-06 12:00')).toHaveLength(1)
  script.tick('2026-11-10 03:00')
  script.profile({ tags: { seed: 202611 } })
  script.usage('2026-11-10 02:00', 600_000)
  expect(script.model.pendingCount()).toBe(0)
  expect(script.lines).toHaveLength(1)
})

it('the day of the tagging counts whole, also what came before the tag', () => {
  const script = new Script('2026-11-10 00:00')
  script.tick('2026-11-10 06:00')
  script.usage('2026-11-10 00:30', 400_000)
  script.usage('2026-11-10 05:00', 112_000)
  script.tick('2026-11-10 08:00')
  script.profile({ tags: { seed: 202611 } })
  expect(script.tick('2026-11-11 12:00')).toEqual([
    '2026-11/1 2026-11-11T04:00Z..2026-11-11T13:00Z',
  ])
})

it('a tag that comes after midnight does not see the usage of the day before', () => {
  const script = new Script('2026-11-10 00:00')
  script.tick('2026-11-10 23:59')
  script.usage('2026-11-10 23:58', 600_000)
  script.tick('2026-11-11 00:00')
  script.profile({ tags: { seed: 202611 } })
  expect(script.model.pendingCount()).toBe(0)
})

it('a tag sees the day of the clock although the last record lies in the next day', () => {
  const script = new Script('2026-11-10 23:50')
  script.usage('2026-11-10 23:50', 600_000)
  script.tick('2026-11-10 23:58')
  script.usage('2026-11-11 00:01', 1_000)
  script.profile({ tags: { seed: 202611 } })
  expect(script.tick('2026-11-11 12:00')).toHaveLength(1)
})

it('a record that arrives after noon of the next day waits for the noon after it', () => {
  const script = new Script('2026-11-20 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.tick('2026-11-21 12:00:00.001')
  script.usage('2026-11-20 22:00', 600_000)
  script.tick('2026-11-21 20:00')
  expect(script.lines).toEqual([])
  expect(script.tick('2026-11-22 12:00')).toEqual([
    '2026-11/1 2026-11-22T04:00Z..2026-11-22T13:00Z',
  ])
})

it('a record that arrives at noon sharp is answered at once', () => {
  const script = new Script('2026-11-20 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.tick('2026-11-21 12:00')
  expect(script.usage('2026-11-20 22:00', 600_000)).toEqual([
    '2026-11/1 2026-11-21T04:00Z..2026-11-21T13:00Z',
  ])
})

it('a pack ordered before noon cancels, and the cap of the month stays free', () => {
  const script = new Script('2026-11-30 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.usage('2026-11-30 00:01', 600_000)
  script.tick('2026-12-01 11:00')
  script.profile({ tags: { has_pack: true } })
  expect(script.tick('2026-12-01 12:00')).toEqual(['2026-11/1 cancelled'])
  script.tick('2026-12-12 15:00')
  script.profile({ tags: { has_pack: false, seed: 202612 } })
  script.usage('2026-12-12 14:00', 600_000)
  expect(script.tick('2026-12-13 12:00')).toEqual([
    '2026-12/1 2026-12-13T04:00Z..2026-12-13T13:00Z',
  ])
})

it('a pack returned before noon leaves the delivery standing', () => {
  const script = new Script('2026-11-20 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.usage('2026-11-20 00:01', 600_000)
  script.profile({ tags: { has_pack: true } })
  script.profile({ tags: { has_pack: null } })
  expect(script.tick('2026-11-21 12:00')).toHaveLength(1)
})

it('a seed that is deselected while its delivery waits is still sent to', () => {
  const script = new Script('2026-11-20 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.usage('2026-11-20 00:01', 600_000)
  script.profile({ tags: { seed: null } })
  expect(script.tick('2026-11-21 12:00')).toHaveLength(1)
})

it('a list stops a candidate at once and a waiting delivery at noon, and spends the latch', () => {
  const script = new Script('2026-11-20 00:00')
  script.profile({ tags: { seed: 202611 }, lists: { black: true, optOut: true } })
  expect(script.usage('2026-11-20 00:01', 600_000)).toEqual(['2026-11/1 list-black'])
  script.profile({ lists: { black: false } })
  expect(script.usage('2026-11-20 00:02', 600_000)).toEqual([])
  script.tick('2026-12-10 03:00')
  script.profile({ tags: { seed: 202612 }, lists: { optOut: false } })
  script.usage('2026-12-10 02:00', 600_000)
  script.profile({ lists: { optOut: true } })
  expect(script.tick('2026-12-11 12:00')).toEqual(['2026-12/1 opted-out'])
})

it('a noon backlog goes out until 21:00, then waits for the next noon and is checked again', () => {
  const start = () => {
    const script = new Script('2026-11-20 00:00')
    script.profile({ tags: { seed: 202611 } })
    script.usage('2026-11-20 00:01', 600_000)
    return script
  }
  expect(start().tick('2026-11-21 20:59:59.999')).toEqual([
    '2026-11/1 2026-11-21T12:59Z..2026-11-21T13:00Z',
  ])
  const late = start()
  expect(late.tick('2026-11-21 21:00')).toEqual([])
  // It lives until 36 h after the first noon, which is midnight after the second one.
  expect(late.tick('2026-11-22 12:00')).toEqual(['2026-11/1 2026-11-22T04:00Z..2026-11-22T13:00Z'])
  const ordered = start()
  ordered.tick('2026-11-21 21:00')
  ordered.profile({ tags: { has_pack: true } })
  expect(ordered.tick('2026-11-22 12:00')).toEqual(['2026-11/1 cancelled'])
  expect(start().tick('2026-11-22 23:59:59.999')).toEqual(['2026-11/1 expired'])
  expect(start().tick('2026-11-23 00:00')).toEqual(['2026-11/1 expired'])
})

it('with 24 h to live, a delivery that misses its day expires', () => {
  const contactWindow = { ...S1_PARAMETERS.contactWindow, expiresMs: 24 * 3_600_000 }
  const script = new Script('2026-11-20 00:00', { contactWindow })
  script.profile({ tags: { seed: 202611 } })
  script.usage('2026-11-20 00:01', 600_000)
  expect(script.tick('2026-11-21 21:00')).toEqual(['2026-11/1 expired'])
})

it('a delivery deferred over the end of the month takes the cap of the new month with it', () => {
  const script = new Script('2026-11-29 00:00')
  script.profile({ tags: { seed: 202611 } })
  script.usage('2026-11-29 00:01', 600_000)
  script.tick('2026-11-30 21:30')
  expect(script.tick('2026-12-01 12:00')).toEqual([
    '2026-11/1 2026-12-01T04:00Z..2026-12-01T13:00Z',
  ])
  script.tick('2026-12-10 00:10')
  script.profile({ tags: { seed: 202612 } })
  expect(script.usage('2026-12-10 00:05', 600_000)).toEqual(['2026-12/1 cap-trigger'])
})

it('each subscriber has latches and caps of his own', () => {
  const script = new Script('2026-11-20 00:00')
  const other = ANN + 1
  script.profile({ tags: { seed: 202611 } })
  script.profile({ subscriber: other, tags: { seed: 202611 } })
  script.usage('2026-11-20 00:01', 600_000)
  script.usage('2026-11-20 00:02', 600_000, { subscriber: other })
  expect(script.tick('2026-11-21 12:00')).toEqual([
    '2026-11/1 2026-11-21T04:00Z..2026-11-21T13:00Z',
    `${other} 2026-11/1 2026-11-21T04:00Z..2026-11-21T13:00Z`,
  ])
})
