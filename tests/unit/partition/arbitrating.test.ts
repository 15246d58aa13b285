import { describe, expect, it } from 'vitest'
import { ANN, MachineScript, recordAt } from '../../support/machine-script.ts'
import { policyFiles, type PolicyTrigger } from '../../support/policy-files.ts'

const NOON = '2026-11-20 12:00'
const TOMORROW = 'next day 12:00'
const LAYERS = 'arbitration: { layers: [model, default], offersPerContact: 1, contact: day }'
const TWO = 'arbitration: { layers: [model, default], offersPerContact: 2, contact: day }'

/** `a cap-trigger`, `b outranked by c`, `c goes`: what was decided of whom. */
function fates(script: MachineScript, lines: readonly string[]): string[] {
  return script.decisions.slice(script.decisions.length - lines.length).map((decision) => {
    if (decision.kind !== 'suppressed') return `${decision.trigger} goes`
    const { winner } = decision
    return `${decision.trigger} ${decision.reason}${winner === undefined ? '' : ` by ${winner}`}`
  })
}

describe('triggers that fire in one input', () => {
  it('go out as they fire where nothing makes them compete', () => {
    const script = new MachineScript(NOON, policyFiles({ a: {}, b: { more: ['priority: 1'] } }))
    const lines = script.usage(NOON, 10)
    expect(fates(script, lines)).toEqual(['a goes', 'b goes'])
  })

  it.each<[string, Record<string, PolicyTrigger>, string[]]>([
    [
      'layer before priority',
      { a: { more: ['priority: 1'] }, b: { more: ['priority: 9', 'layer: model'] } },
      ['b goes', 'a outranked by b'],
    ],
    [
      'priority before value',
      { a: { more: ['priority: 2', 'value: 9.0'] }, b: { more: ['priority: 1'] } },
      ['b goes', 'a outranked by b'],
    ],
    [
      'value before name',
      { a: { more: ['value: data.day * 1.0'] }, b: { more: ['value: data.day * 2.0'] } },
      ['b goes', 'a outranked by b'],
    ],
    ['name at last', { b: {}, a: {} }, ['a goes', 'b outranked by a']],
  ])('%s', (_, triggers, expected) => {
    const script = new MachineScript(NOON, policyFiles(triggers, [LAYERS]))
    const lines = script.usage(NOON, 10)
    expect(fates(script, lines)).toEqual(expected)
  })

  it('the strongest wins, whatever the order in which they fired', () => {
    const ids = ['a', 'b', 'c', 'd']
    const priorities = [3, 1, 2, 1]
    const triggers = Object.fromEntries(
      ids.map((id, at) => [
        id,
        { when: `data.day >= ${10 * (at + 1)}`, more: [`priority: ${priorities[at]}`] },
      ]),
    )
    const winners = new Set<string>()
    // Lines crossed one by one upwards, all at once, and in the order of the files.
    for (const steps of [[10, 10, 10, 10], [40], [20, 20], [10, 30], [30, 10]]) {
      const script = new MachineScript(NOON, policyFiles(triggers, [LAYERS]))
      const lines = script.batch(steps.map((usageBytes) => recordAt(NOON, usageBytes)))
      const found = fates(script, lines)
      winners.add(found.filter((fate) => fate.endsWith('goes')).join())
      expect(found.filter((fate) => fate.includes('outranked'))).toHaveLength(3)
    }
    expect([...winners]).toEqual(['b goes'])
  })

  it('as many win as fit into a contact; the loser names the strongest', () => {
    const triggers = { a: {}, b: {}, c: {} }
    const script = new MachineScript(NOON, policyFiles(triggers, [TWO]))
    const lines = script.usage(NOON, 10)
    expect(fates(script, lines)).toEqual(['a goes', 'b goes', 'c outranked by a'])
  })

  it('of different contacts do not compete', () => {
    const script = new MachineScript(NOON, policyFiles({ a: { at: TOMORROW }, b: {} }, [LAYERS]))
    expect(fates(script, script.usage(NOON, 10))).toEqual(['b goes'])
    expect(fates(script, script.tick('2026-11-21 12:00'))).toEqual(['a goes'])
  })

  it('that ignore caps neither compete nor take a place', () => {
    const triggers = { a: { more: ['class: service'] }, b: {}, c: { more: ['ignoresCaps: true'] } }
    const script = new MachineScript(NOON, policyFiles(triggers, [LAYERS]))
    expect(fates(script, script.usage(NOON, 10))).toEqual(['a goes', 'b goes', 'c goes'])
  })
})

describe('who comes later and is stronger', () => {
  const later = (more: readonly string[] = []): Record<string, PolicyTrigger> => ({
    weak: { at: TOMORROW },
    strong: { at: TOMORROW, when: 'data.day >= 20', more: ['layer: model', ...more] },
  })

  it('takes the place of what waits, which names it', () => {
    const script = new MachineScript(NOON, policyFiles(later(), [LAYERS]))
    expect(script.usage(NOON, 10)).toEqual([])
    expect(fates(script, script.usage(NOON, 10))).toEqual(['weak outranked by strong'])
    expect(script.machine.core!.heap.count).toBe(1)
    expect(fates(script, script.tick('2026-11-21 12:00'))).toEqual(['strong goes'])
  })

  it('finds what was sent in its place', () => {
    const strong = { ...later().strong, at: 'after 1h' }
    const files = policyFiles({ weak: {}, strong }, [LAYERS])
    const script = new MachineScript(NOON, files)
    expect(fates(script, script.usage(NOON, 10))).toEqual(['weak goes'])
    expect(fates(script, script.usage(NOON, 10))).toEqual(['strong outranked by weak'])
  })

  it('leaves the other in its place when it fails a cap itself', () => {
    const script = new MachineScript(NOON, policyFiles(later(['cap: 1 per month']), [LAYERS]))
    script.usage(NOON, 20)
    script.tick('2026-11-21 12:00')
    // The next day the weak one waits for the day after; the strong one has had its month.
    expect(script.usage('2026-11-21 12:00', 10)).toEqual([])
    const lines = script.usage('2026-11-21 12:00', 10)
    expect(fates(script, lines)).toEqual(['strong cap-trigger'])
    expect(fates(script, script.tick('2026-11-22 12:00'))).toEqual(['weak goes'])
  })

  it('finds the caps free that the other had taken', () => {
    const files = policyFiles(later(), [LAYERS, 'channels: { sms: { cap: 1 per month } }'])
    const script = new MachineScript(NOON, files)
    script.usage(NOON, 10)
    expect(fates(script, script.usage(NOON, 10))).toEqual(['weak outranked by strong'])
    expect(fates(script, script.tick('2026-11-21 12:00'))).toEqual(['strong goes'])
  })

  it('takes nobody’s place when it is cancelled on the spot', () => {
    const triggers = {
      weak: { at: 'after 2h' },
      strong: { when: 'data.day >= 20', more: ['layer: model', 'cancelWhen: tags.gone'] },
    }
    const script = new MachineScript(NOON, policyFiles(triggers, [LAYERS]))
    script.profile({ tags: { gone: true } })
    script.usage(NOON, 10)
    expect(fates(script, script.usage(NOON, 10))).toEqual(['strong cancelled'])
    expect(fates(script, script.tick('2026-11-20 14:00'))).toEqual(['weak goes'])
  })

  it('makes the weakest go, not just any', () => {
    const triggers = {
      a: { at: TOMORROW, more: ['priority: 5'] },
      b: { at: TOMORROW, more: ['priority: 7'] },
      c: { at: TOMORROW, when: 'data.day >= 20', more: ['priority: 6'] },
      d: { at: TOMORROW, when: 'data.day >= 30', more: ['priority: 8'] },
    }
    const script = new MachineScript(NOON, policyFiles(triggers, [TWO]))
    script.usage(NOON, 10)
    expect(fates(script, script.usage(NOON, 10))).toEqual(['b outranked by c'])
    expect(fates(script, script.usage(NOON, 10))).toEqual(['d outranked by a'])
    expect(fates(script, script.tick('2026-11-21 12:00'))).toEqual(['a goes', 'c goes'])
  })
})

it('what moves into another contact competes there', () => {
  const window = "contactWindow: { from: '09:00', to: '21:00', outside: defer, expires: 3d }"
  const triggers = {
    late: { at: 'after 1h', deliver: [window] },
    next: { at: 'next day 09:00', when: 'data.day >= 20', more: ['priority: 1'] },
  }
  const script = new MachineScript(NOON, policyFiles(triggers, [LAYERS]))
  script.usage(NOON, 10)
  script.usage(NOON, 10)
  // Nobody was there until the window had closed: both would go out tomorrow.
  const lines = script.tick('2026-11-20 22:00')
  expect(fates(script, lines)).toEqual(['late outranked by next'])
  expect(fates(script, script.tick('2026-11-21 09:00'))).toEqual(['next goes'])
  expect(script.view(ANN).deliveries).toHaveLength(1)
})

it('what could not be sent before it expires takes nobody’s place', () => {
  // 2026-11-21 is a Saturday: the stronger one's window opens after it has expired.
  const weekdays =
    "contactWindow: { from: '09:00', to: '21:00', outside: defer, on: [mon, tue, wed, thu, fri], expires: 24h }"
  const files = policyFiles(
    {
      weak: { when: 'data.day >= 10', at: 'after 45h' },
      strong: { when: 'data.day >= 20', more: ['priority: 1'], deliver: [weekdays] },
    },
    [LAYERS],
  )
  const script = new MachineScript('2026-11-21 12:00', files)
  expect(script.usage('2026-11-21 12:00', 10)).toEqual([])
  expect(fates(script, script.usage('2026-11-21 12:00', 10))).toEqual(['strong expired'])
  expect(fates(script, script.tick('2026-11-23 09:00'))).toEqual(['weak goes'])
})
