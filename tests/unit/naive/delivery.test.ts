import { describe, expect, it } from 'vitest'
import { S1_PARAMETERS } from '../../support/naive/input.ts'
import { Script } from './script.ts'

const NOW = { schedule: { kind: 'now' } } as const
const DROP = { contactWindow: { ...S1_PARAMETERS.contactWindow, outside: 'drop' } } as const

/** A seed, with `change` to S1, that has crossed the line at `crossing`. */
function crossed(crossing: string, change = {}): Script {
  const script = new Script(crossing, change)
  script.profile({ tags: { seed: 202611 } })
  script.usage(crossing, 600_000)
  return script
}

describe('real-time variant', () => {
  it('answers at once inside the contact window', () => {
    const sent = (crossing: string) => crossed(crossing, NOW).lines
    expect(sent('2026-11-20 09:00')).toEqual(['2026-11/1 2026-11-20T01:00Z..2026-11-20T13:00Z'])
    expect(sent('2026-11-20 20:59:59')).toEqual(['2026-11/1 2026-11-20T12:59Z..2026-11-20T13:00Z'])
  })

  it('waits for the next opening outside it', () => {
    const early = crossed('2026-11-20 08:59:59', NOW)
    expect(early.lines).toEqual([])
    expect(early.tick('2026-11-20 09:00')).toEqual([
      '2026-11/1 2026-11-20T01:00Z..2026-11-20T13:00Z',
    ])
    const late = crossed('2026-11-30 21:00', NOW)
    expect(late.tick('2026-12-01 08:59')).toEqual([])
    expect(late.tick('2026-12-01 09:00')).toEqual([
      '2026-11/1 2026-12-01T01:00Z..2026-12-01T13:00Z',
    ])
    late.profile({ tags: { seed: 202612 } })
    expect(late.usage('2026-12-01 09:00', 600_000)).toEqual(['2026-12/1 cap-trigger'])
  })

  it('drops outside it when told so, which spends the latch', () => {
    const script = crossed('2026-11-20 21:00', { ...NOW, ...DROP })
    expect(script.lines).toEqual(['2026-11/1 outside-contact-window'])
    script.tick('2026-11-21 12:00')
    expect(script.usage('2026-11-21 11:00', 600_000)).toEqual([])
  })

  it('plans a late record from the clock, not from its event time', () => {
    const script = new Script('2026-11-20 00:00', NOW)
    script.profile({ tags: { seed: 202611 } })
    script.tick('2026-11-21 22:00')
    script.usage('2026-11-20 10:00', 600_000)
    expect(script.tick('2026-11-22 09:00')).toEqual([
      '2026-11/1 2026-11-22T01:00Z..2026-11-22T13:00Z',
    ])
  })
})

it('next day 12:00 with drop: a backlog beyond 21:00 is lost, with its reason', () => {
  const script = crossed('2026-11-20 10:00', DROP)
  expect(script.tick('2026-11-21 21:00')).toEqual(['2026-11/1 outside-contact-window'])
})

describe('feedback', () => {
  it('expired(k) brings attempt k + 1 at the next noon, once, up to three', () => {
    const script = crossed('2026-11-20 10:00')
    expect(script.feedback('expired', '2026-11', 1)).toEqual([])
    expect(script.tick('2026-11-21 12:00')).toEqual([
      '2026-11/1 2026-11-21T04:00Z..2026-11-21T13:00Z',
    ])
    script.feedback('expired', '2026-11', 1)
    script.feedback('expired', '2026-11', 1)
    script.feedback('expired', '2026-11', 2)
    expect(script.tick('2026-11-22 12:00')).toEqual([
      '2026-11/2 2026-11-22T04:00Z..2026-11-22T13:00Z',
    ])
    script.feedback('expired', '2026-11', 2)
    script.tick('2026-11-23 12:00')
    expect(script.feedback('expired', '2026-11', 3)).toEqual(['2026-11/3 attempts-exhausted'])
    expect(script.feedback('expired', '2026-11', 3)).toEqual([])
    expect(script.lines).toHaveLength(4)
    expect(script.model.statistics.feedbackIgnored).toBe(4)
  })

  it('what was sent is settled and keeps the cap', () => {
    const script = crossed('2026-11-30 10:00')
    script.tick('2026-12-01 12:00')
    script.feedback('sent', '2026-11', 1)
    expect(script.feedback('expired', '2026-11', 1)).toEqual([])
    script.profile({ tags: { seed: 202612 } })
    expect(script.usage('2026-12-01 11:00', 600_000)).toEqual(['2026-12/1 cap-trigger'])
    expect(script.model.pendingCount()).toBe(0)
  })

  it('an attempt planned in the next month takes that cap and frees the old one', () => {
    const script = crossed('2026-11-29 10:00')
    script.tick('2026-11-30 12:00')
    script.feedback('expired', '2026-11', 1)
    script.tick('2026-12-01 00:30')
    script.profile({ tags: { seed: 202612 } })
    expect(script.usage('2026-12-01 00:10', 600_000)).toEqual(['2026-12/1 cap-trigger'])
    expect(script.tick('2026-12-01 12:00')).toEqual([
      '2026-11/2 2026-12-01T04:00Z..2026-12-01T13:00Z',
    ])
  })

  it('an attempt whose new month is taken is suppressed', () => {
    const script = crossed('2026-11-10 10:00')
    script.tick('2026-11-11 12:00')
    script.tick('2026-12-01 10:00')
    script.profile({ tags: { seed: 202612 } })
    script.usage('2026-12-01 09:00', 600_000)
    expect(script.feedback('expired', '2026-11', 1)).toEqual(['2026-11/2 cap-trigger'])
    expect(script.tick('2026-12-02 12:00')).toHaveLength(1)
  })

  it('in real time the next attempt goes out at once, after the same checks', () => {
    const script = crossed('2026-11-20 10:00', NOW)
    script.tick('2026-11-20 11:00')
    expect(script.feedback('expired', '2026-11', 1)).toEqual([
      '2026-11/2 2026-11-20T03:00Z..2026-11-20T13:00Z',
    ])
    script.profile({ tags: { has_pack: true } })
    expect(script.feedback('expired', '2026-11', 2)).toEqual(['2026-11/3 cancelled'])
  })

  it('with onExpired drop the first expiry ends it', () => {
    const script = crossed('2026-11-20 10:00', { onExpired: 'drop' })
    script.tick('2026-11-21 12:00')
    expect(script.feedback('expired', '2026-11', 1)).toEqual(['2026-11/1 expired'])
    expect(script.model.pendingCount()).toBe(0)
  })
})
