import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { stateOf } from '../../support/machine-image.ts'
import { at, MachineScript } from '../../support/machine-script.ts'

const NOON = '2026-11-20 12:00'

/** A configuration from its parts. */
function files(counters: string, triggers: readonly string[] = [], head = ''): ConfigFiles {
  const entries = triggers.map((text, index) => [`triggers/t${index}.yaml`, text])
  const tags = 'tags: { vip: {}, seed: { versioned: true } }'
  const text = `${tags}\n${head}\ncounters:\n${counters}\n`
  return { 'counters.yaml': text, ...Object.fromEntries(entries) }
}

const DATA = '  data: { sum: bytes, per: [day, month] }'
const trigger = (when: string, more = '', id = 't'): string =>
  `trigger: ${id}\nwhen: '${when}'\n${more}\ndeliver: { channel: sms }\nmessage: x\n`

describe('a config that is refused', () => {
  const good = files(DATA, [trigger('data.day >= 10')])
  const manyWheres = Array.from(
    { length: 32 },
    (_, index) => `  c${index}: { sum: bytes, where: 'app == ${index}', per: [day] }`,
  )
  const manyRows = Array.from(
    { length: 17 },
    (_, index) =>
      `  c${index}: { sum: bytes, per: [last 168 hours, last 167 hours, last 166 hours, last 165 hours, last 164 hours, last 163 hours, last 162 hours, last 161 hours] }`,
  )

  it.each<[string, ConfigFiles]>([
    ['is no YAML', { 'counters.yaml': 'counters: [' }],
    ['reads what is not there', files(DATA, [trigger('voice.day >= 10')])],
    ['says nothing at all of a trigger’s delivery', files(DATA, ['trigger: t\nwhen: tags.vip\n'])],
    ['has too many different wheres', files(manyWheres.join('\n'))],
    ['needs rows that are too long', files(manyRows.join('\n'))],
    [
      'lets records be later than the latches remember',
      files(DATA, [trigger('data.day >= 10')], 'lateness: 168h'),
    ],
  ])('because it %s leaves no trace but the refusal', (_, bad) => {
    const script = new MachineScript(NOON, good)
    script.usage(NOON, 9)
    const before = stateOf(script.machine)
    expect(script.config(bad)).toEqual([])
    expect(script.rejects).toEqual({ 'config-invalid': 1 })
    const { sequence, fingerprint, ...rest } = stateOf(script.machine)
    const { sequence: before1, fingerprint: before2, ...expected } = before
    expect(rest).toEqual(expected)
    expect([sequence, fingerprint]).not.toEqual([before1, before2])
    expect(script.usage(NOON, 1)).toHaveLength(1)
    expect(script.config(good)).toEqual([])
    expect(script.machine.core!.generation).toBe(2)
  })

  it('because its generation is not the next one', () => {
    const script = new MachineScript(NOON, good)
    for (const generation of [0, 1, 3, 2_147_483_647]) script.config(good, generation)
    expect(script.rejects).toEqual({ 'stale-generation': 4 })
    script.config(good, 2)
    expect(script.machine.core!.generation).toBe(2)
    script.config(good, 2)
    expect(script.rejects).toEqual({ 'stale-generation': 5 })
  })

  it('a config that comes twice, by its id, changes nothing and is no mistake', () => {
    const script = new MachineScript(NOON, good)
    script.config(good, 2, 'once')
    script.config(files(DATA), 2, 'once')
    script.config(files(DATA), 3, 'once')
    expect(script.rejects).toEqual({})
    expect(script.machine.core!.generation).toBe(2)
    expect(script.machine.core!.files).toEqual(good)
  })
})

it('many reloads end in a refusal, not in pages that are mistaken for others', () => {
  const script = new MachineScript(NOON, files(DATA))
  for (let round = 0; round < 300; round++) {
    const windows = 'last 168 hours, last 167 hours, last 166 hours'
    script.config(files(`${DATA}\n  c${round}: { sum: bytes, per: [${windows}] }`))
  }
  const { rejects } = script
  expect(rejects['config-invalid']).toBeGreaterThan(0)
  expect(script.machine.core!.tables.length).toBeLessThan(255)
  script.usage(at(NOON), 10)
  expect(script.counter('data.day')).toEqual([10])
})
