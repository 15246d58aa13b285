import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { emptyLayout, extendLayout, type LayoutImage } from '../../../src/state/layout.ts'
import { RICH_FILES, RICHER_FILES } from '../../support/rich-files.ts'
import { scenarioFiles } from '../../support/scenario-files.ts'
import { Random } from '../../support/workload/random.ts'

/** Bytes that a place takes. */
function sizeOf(key: string, bitCount: number, buckets: number): number {
  if (bitCount > 0) return 4
  if (key.startsWith('ring/')) return 8 * buckets
  return /^(?:counter|previous\d+|field)\//.test(key) ? 8 : 4
}

/** Every byte of every row belongs to one place at most, and every bit to one latch or flag. */
function expectNoOverlap(layout: LayoutImage): void {
  const owners = new Map<string, string>()
  const claim = (cell: string, key: string): void => {
    const owner = owners.get(cell)
    if (owner !== undefined) expect(`${key} in ${cell}`).toBe(owner)
    owners.set(cell, key)
  }
  for (const offset of Array(16).keys()) claim(`0/${offset}`, 'head')
  for (const { table, offset } of layout.bitWords) {
    for (let byte = 0; byte < 4; byte++) claim(`${table}/${offset + byte}`, 'bits')
  }
  for (const [key, { table, offset, bit, bitCount }] of Object.entries(layout.places)) {
    const sliding = /last_(\d+)_/.exec(key)
    const size = sizeOf(key, bitCount, sliding === null ? 1 : Number(sliding[1]))
    expect(offset % Math.min(size, 8), key).toBe(0)
    expect(offset + size, key).toBeLessThanOrEqual(layout.tables[table]!.strideSize)
    for (let byte = 0; byte < size && bitCount === 0; byte++)
      claim(`${table}/${offset + byte}`, key)
    for (let each = 0; each < bitCount; each++) claim(`${table}/${offset} bit ${bit + each}`, key)
    expect(bit + bitCount).toBeLessThanOrEqual(32)
  }
}

function extend(layout: LayoutImage, files: ConfigFiles): void {
  extendLayout(layout, parseCatalog(files).catalog)
}

/** A config with random counters, fields, tags and triggers. */
function randomFiles(random: Random): ConfigFiles {
  const windows = [
    'hour',
    'day',
    'week',
    'month',
    'cycle',
    'lifetime',
    'last 7 days',
    'last 24 hours',
  ]
  const counters = Array.from({ length: random.whole(1, 12) }, () => {
    const per = windows.filter(() => random.chance(0.35))
    const name = `c${random.whole(0, 15)}`
    return [
      name,
      `  ${name}: { ${random.pick(['sum: bytes', 'count: records'])}, keep: ${random.whole(0, 3)}, per: [day${per.map((each) => (each === 'day' ? '' : `, ${each}`)).join('')}] }`,
    ] as const
  })
  const named = new Map(counters)
  const flags = Array.from(
    { length: random.whole(0, 40) },
    (_, i) => `g${i}: { versioned: ${random.chance(0.2)} }`,
  )
  const fields = Array.from(
    { length: random.whole(0, 6) },
    (_, i) => `f${i}: { type: ${random.pick(['number', 'bool', 'date'])} }`,
  )
  const triggers = Array.from({ length: random.whole(0, 9) }, (_, i) => [
    `triggers/t${i}.yaml`,
    `trigger: t${i}\nwhen: '${[...named.keys()][0]}.day >= 5'\nonce: ${random.pick(['hour', 'day', 'week', 'month', 'cycle', 'ever'])}\ndeliver: { channel: sms }\nmessage: x\n`,
  ])
  return {
    'a.yaml': `lateness: 24h\ntags: { vip: {}, ${flags.join(', ')} }\nfields: { fee: { type: number }, ${fields.join(', ')} }\ncounters:\n${[...named.values()].join('\n')}\n`,
    ...Object.fromEntries(triggers),
  }
}

describe('a layout', () => {
  it.each([1, 2, 3, 4, 5, 6])('never gives a byte twice, over any reloads (seed %i)', (seed) => {
    const random = new Random(seed)
    const layout = emptyLayout('Asia/Shanghai')
    for (let generation = 1; generation <= 8; generation++) {
      const before = structuredClone(layout)
      extend(layout, randomFiles(random))
      expectNoOverlap(layout)
      // What is still there stays where it was; tables only get more.
      for (const [key, place] of Object.entries(before.places)) {
        if (layout.places[key] !== undefined && layout.places[key]!.bitCount > 0) {
          expect(layout.places[key]).toEqual(place)
        }
      }
      expect(
        layout.tables.slice(0, before.tables.length).map(({ strideSize }) => strideSize),
      ).toEqual(before.tables.map(({ strideSize }) => strideSize))
      for (const { strideSize } of layout.tables) expect(strideSize % 8).toBe(0)
    }
  })

  it('is extended by the same catalog again without a change', () => {
    for (const files of [RICH_FILES, RICHER_FILES, scenarioFiles('data-pack')]) {
      const layout = emptyLayout('Asia/Shanghai')
      extend(layout, files)
      const before = structuredClone(layout)
      extend(layout, files)
      expect(layout).toEqual(before)
    }
  })

  it('keeps the hot row at one line, and latches that are passed by together side by side', () => {
    const lines = Array.from({ length: 300 }, (_, index) => (index * 7) % 300)
    const triggers = lines.map(
      (line, index) =>
        `trigger: t${line}\nwhen: 'c.month >= ${line + 1} && ${index % 2 === 0 ? '' : '!'}tags.vip'\n` +
        'once: month\ndeliver: { channel: sms }\nmessage: x\n',
    )
    const layout = emptyLayout('Asia/Shanghai')
    extend(layout, {
      'a.yaml': 'tags: { vip: {} }\ncounters: { c: { sum: bytes, per: [month] } }\n',
      'triggers/all.yaml': triggers.join('---\n'),
    })
    expectNoOverlap(layout)
    expect(layout.tables[0]!.strideSize).toBe(64)
    const positions = [0, 1].map((parity) => {
      const own = lines.filter((_, index) => index % 2 === parity).sort((a, b) => a - b)
      return own.map((line) => {
        const { table, offset, bit } = layout.places[`latch/t${line}/month`]!
        expect(table).toBe(1)
        return offset * 32 + bit
      })
    })
    for (const each of positions) expect(each).toEqual([...each].sort((a, b) => a - b))
    expect(Math.max(...positions[0]!)).toBeLessThan(Math.min(...positions[1]!))
  })

  it('gives a few latches room in the word of the flags, so that the row stays one line', () => {
    const triggers = [2, 4, 6].map(
      (line) =>
        `trigger: t${line}\nwhen: 'a.day >= ${line} && tags.seed'\nonce: month\n` +
        'deliver: { channel: sms }\nmessage: x\n',
    )
    const layout = emptyLayout('Asia/Shanghai')
    extend(layout, {
      'a.yaml':
        'tags: { seed: {} }\ncounters: { a: { sum: bytes, per: [day, month] }, b: { sum: bytes, per: [day, month] } }\n',
      'triggers/all.yaml': triggers.join('---\n'),
    })
    expectNoOverlap(layout)
    expect(layout.tables.map(({ strideSize }) => strideSize)).toEqual([64])
    const { offset } = layout.places['tag/seed']!
    for (const line of [2, 4, 6])
      expect(layout.places[`latch/t${line}/month`]).toMatchObject({ table: 0, offset })
    // Later ones get words of their own: the row is closed, and their stamp must lie beside them.
    extend(layout, {
      'a.yaml': 'tags: { seed: {} }\n',
      'triggers/all.yaml':
        'trigger: late\nwhen: tags.seed\nonce: week\ndeliver: { channel: sms }\nmessage: x\n',
    })
    expectNoOverlap(layout)
    expect(layout.places['latch/late/week']!.table).toBe(1)
  })

  it('is the same for the same catalogs in the same order', () => {
    const run = (): LayoutImage => {
      const layout = emptyLayout('Asia/Shanghai')
      for (const files of [RICH_FILES, RICHER_FILES, RICH_FILES]) extend(layout, files)
      return layout
    }
    expect(run()).toEqual(run())
  })
})
