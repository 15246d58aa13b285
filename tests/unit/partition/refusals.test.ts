import { describe, expect, it } from 'vitest'
import { SUPPRESSION_REASONS } from '../../../src/model/decision.ts'
import { nameOf } from '../../../src/state/layout.ts'
import { ROW_REFUSED } from '../../../src/state/ledger.ts'
import { ANN, at, MachineScript } from '../../support/machine-script.ts'
import { policyFiles } from '../../support/policy-files.ts'

const NOON = '2026-11-20 12:00'
const HOUR_MS = 3_600_000

/** Refusals that the ledger keeps of ANN, newest first: `a outranked by b at 12:00`. */
function remembered(script: MachineScript): string[] {
  const { ledger, layout, index } = script.machine.core!
  return [...ledger.rowsOf(index.find(ANN))].flatMap((number) => {
    const row = ledger.read(number)
    if (row.status !== ROW_REFUSED) return []
    const nameOfTrigger = (code: number) => layout.triggers[code]!.id
    const winner = row.winner === 0 ? '' : ` by ${nameOfTrigger(row.winner - 1)}`
    const detail = row.detail === 0 ? '' : ` (${nameOf(layout, row.detail)})`
    const hours = (row.notAfterMs - at(NOON)) / HOUR_MS
    const reason = SUPPRESSION_REASONS[row.reason]
    return [`${nameOfTrigger(row.trigger)} ${reason}${winner}${detail} after ${hours}h`]
  })
}

describe('the last refusal of each trigger', () => {
  const files = policyFiles({ a: {}, b: { more: ['layer: model', 'cap: 1 ever'] } }, [
    'arbitration: { layers: [model, default] }',
  ])

  it('is remembered with what it needs to be explained', () => {
    const script = new MachineScript(NOON, files)
    script.usage(NOON, 10)
    expect(remembered(script)).toEqual(['a outranked by b after 0h'])
    script.tick('2026-11-21 12:00')
    script.usage('2026-11-21 12:00', 10)
    expect(remembered(script)).toEqual([
      'b cap-trigger (trigger b: 1 ever) after 24h',
      'a outranked by b after 0h',
    ])
  })

  it('takes the place of the one before', () => {
    const script = new MachineScript(NOON, files)
    script.profile({ lists: { black: true } })
    script.usage(NOON, 10)
    script.tick('2026-11-21 12:00')
    script.usage('2026-11-21 12:00', 10)
    expect(remembered(script).sort()).toEqual(['a list-black after 24h', 'b list-black after 24h'])
  })

  it('is of what was pending, too, and takes up nothing', () => {
    const triggers = { a: { at: 'after 2h', more: ['cancelWhen: tags.gone'] }, b: {} }
    const capped = policyFiles({ ...triggers, b: { when: 'data.day >= 20' } }, ['caps: 1 per day'])
    const script = new MachineScript(NOON, capped)
    script.usage(NOON, 10)
    script.profile({ tags: { gone: true } })
    expect(script.tick('2026-11-20 14:00')).toEqual(['a 2026-11-20/1 cancelled'])
    expect(remembered(script)).toEqual(['a cancelled after 2h'])
    expect(script.usage(NOON, 10)[0]).toMatch(/^b 2026-11-20\/1 2026/)
    expect(script.view().deliveries).toHaveLength(1)
  })

  it('is forgotten when its time is over', () => {
    const short = policyFiles({ a: {} }, ['explain: { remember: 1h }'])
    const script = new MachineScript(NOON, short)
    script.profile({ lists: { black: true } })
    script.usage(NOON, 10)
    script.tick(at(NOON) + HOUR_MS)
    expect(remembered(script)).toHaveLength(1)
    script.tick(at(NOON) + HOUR_MS + 1)
    expect(remembered(script)).toEqual([])
  })

  it('is not kept at all if nobody wants it', () => {
    const script = new MachineScript(NOON, policyFiles({ a: {} }, ['explain: { remember: 0s }']))
    script.profile({ lists: { black: true } })
    script.usage(NOON, 10)
    expect(script.machine.core!.ledger.table.rowCount).toBe(0)
  })

  it('goes with its subscriber', () => {
    const script = new MachineScript(NOON, files)
    script.usage(NOON, 10)
    const { statistics, ledger } = script.machine.core!
    const before = statistics.suppressed.slice()
    script.erase()
    expect(statistics.suppressed).toEqual(before)
    for (let row = 0; row < ledger.table.rowCount; row++) expect(ledger.status(row)).toBe(0)
  })
})

describe('a window that does not open again within a year', () => {
  const closed = ["holidays: ['2026-11-21 to 2027-11-20', '2027-11-21 to 2028-06-30']"]
  const window = (outside: string) =>
    `contactWindow: { from: '09:00', to: '21:00', outside: ${outside}, holidays: closed }`

  it('makes it expire at once, and leaves no timer', () => {
    const files = policyFiles({ a: { deliver: [window('defer')] } }, closed)
    const script = new MachineScript('2026-11-20 22:00', files)
    expect(script.usage('2026-11-20 22:00', 10)).toEqual(['a 2026-11-20/1 expired'])
    expect(script.machine.core!.heap.count).toBe(0)
  })

  it('also when it was held up until then, or its attempt came too late', () => {
    const files = policyFiles({ a: { at: 'after 1h', deliver: [window('defer')] } }, closed)
    const held = new MachineScript(NOON, files)
    held.usage(NOON, 10)
    expect(held.tick('2026-11-20 22:00')).toEqual(['a 2026-11-20/1 expired'])
    const late = new MachineScript(NOON, policyFiles({ a: { deliver: [window('defer')] } }, closed))
    late.usage(NOON, 10)
    late.tick('2026-11-20 22:00')
    expect(late.feedback('expired', `a:${ANN}:2026-11-20:1`)).toEqual(['a 2026-11-20/2 expired'])
    expect(late.machine.core!.heap.count).toBe(0)
  })

  it('never opens the latch of one that retries again', () => {
    const files = policyFiles({ a: { more: ['retry: true'], deliver: [window('drop')] } }, closed)
    const script = new MachineScript('2026-11-20 22:00', files)
    script.usage('2026-11-20 22:00', 10)
    expect(script.machine.core!.heap.count).toBe(0)
  })
})
