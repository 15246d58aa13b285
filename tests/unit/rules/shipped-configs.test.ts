import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import Schema from 'typebox/schema'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfigDirectory } from '../../../src/config/load.ts'
import type { TriggerSpec } from '../../../src/model/catalog.ts'
import { everyDay } from '../../../src/model/policy.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { catalogSchema, triggerSchema } from '../../../src/rules/schema.ts'

const root = new URL('../../../', import.meta.url)

const load = (path: string) => loadConfigDirectory(new URL(path, root).pathname)

/** Scenario S1 as the operator describes it. */
const dataPack: Partial<TriggerSpec> = {
  when: {
    kind: 'and',
    operands: [
      {
        kind: 'compare',
        operator: '>=',
        left: { kind: 'counter', counter: 'data_4g', counterWindow: 'day', previous: 0 },
        right: { kind: 'number', value: 512_000 },
      },
      { kind: 'tag', tag: 'seed' },
      { kind: 'not', operand: { kind: 'tag', tag: 'has_pack' } },
    ],
  },
  once: 'month',
  oncePerTag: 'seed',
  isLateFiring: true,
  channel: 'sms',
  contactWindow: {
    openings: everyDay({ fromMinute: 540, toMinute: 1260 }),
    holidays: new Set(),
    outside: 'defer',
    spreadMs: 0,
    expiresMs: 86_400_000,
  },
  caps: [{ count: 1, per: 'month', lengthMs: 0 }],
  cancelWhen: { kind: 'tag', tag: 'has_pack' },
}

describe('the scenario', () => {
  test('data-pack says what S1 says, delivered at the next noon', async () => {
    const { catalog } = parseCatalog((await load('config/scenarios/data-pack')).files)
    expect(catalog.triggers).toHaveLength(1)
    expect(catalog.triggers[0]).toMatchObject({
      ...dataPack,
      id: 'data-pack',
      schedule: { kind: 'at', days: 1, minuteOfDay: 720 },
      contactWindow: { ...dataPack.contactWindow, expiresMs: 36 * 3_600_000 },
    })
    expect(catalog.counters.find(({ name }) => name === 'data_4g')?.where).toEqual({
      kind: 'and',
      operands: [
        {
          kind: 'compare',
          operator: '==',
          left: { kind: 'column', column: 'kind' },
          right: { kind: 'number', value: 0 },
        },
        { kind: 'in', operand: { kind: 'column', column: 'rat' }, values: [1, 5, 6] },
      ],
    })
  })

  test('data-pack-realtime is the same, delivered now', async () => {
    const { catalog } = parseCatalog((await load('config/scenarios/data-pack-realtime')).files)
    expect(catalog.triggers).toHaveLength(1)
    expect(catalog.triggers[0]).toMatchObject({
      ...dataPack,
      id: 'data-pack-realtime',
      schedule: { kind: 'now' },
    })
  })

  test.each(['data-pack', 'data-pack-realtime'])('%s keeps its checkpoints apart', async (name) => {
    const { settings } = await load(`config/scenarios/${name}`)
    expect(settings.store.directory).toBe(`.cache/store/${name}`)
  })
})

test('the default config directory is valid and holds no trigger of others', async () => {
  const { files, settings } = await load('config')
  expect(parseCatalog(files).catalog.triggers).toEqual([])
  expect(settings.partitions).toEqual({ count: 1, owned: 'all', standby: [] })
})

describe('the editor schema', () => {
  const scenario = 'config/scenarios/data-pack'
  const read = (path: string): unknown =>
    parse(readFileSync(new URL(`${scenario}/${path}`, root), 'utf8'))

  test('accepts the shipped files', () => {
    expect(Schema.Check(triggerSchema(), read('triggers/data-pack.yaml'))).toBe(true)
    for (const path of ['counters', 'profile', 'dictionaries', 'parameters']) {
      expect(Schema.Check(catalogSchema(), read(`${path}.yaml`)), path).toBe(true)
    }
  })

  test.each([
    'trigger: Data',
    'trigger: a\nwhen: tags.x\nmessage: m\ndeliver: { channel: sms, at: tomorrow }',
    'trigger: a\nwhen: tags.x\nmessage: m\ndeliver: { channel: sms }\ncap: 0 per month',
    'trigger: a\nwhen: tags.x\nmessage: m\ndeliver: { channel: sms }\nonse: day',
  ])('refuses %j', (text) => {
    expect(Schema.Check(triggerSchema(), parseAllDocuments(text)[0]!.toJSON())).toBe(false)
  })
})
