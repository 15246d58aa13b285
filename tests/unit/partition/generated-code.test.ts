/** What may stand in generated code: offsets, numbers, operators and a closed list of words. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PROJECT_ROOT } from '../../../src/launch.mjs'
import type { Catalog, ConfigFiles } from '../../../src/model/catalog.ts'
import { sourceOf } from '../../../src/model/message.ts'
import { CompiledCatalog } from '../../../src/partition/compile.ts'
import { generateUpdateKernel, type KernelCallbacks } from '../../../src/partition/kernel.ts'
import { generateMaskKernel, type MaskSources } from '../../../src/partition/mask-kernel.ts'
import { generateScorer } from '../../../src/partition/scoring.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { emptyLayout } from '../../../src/state/layout.ts'
import { PagedTable } from '../../../src/state/paged-table.ts'
import { RICH_FILES, RICHER_FILES } from '../../support/rich-files.ts'

/** Names that would do harm in code, as names of everything that has one. */
const HOSTILE = [
  "a');process.exit(('",
  '__proto__',
  'constructor',
  '`${globalThis.harm=1}`',
  '*/globalThis.harm=1;/*',
  'x\n];globalThis.harm=1;[',
  '\u2028globalThis.harm=1//',
  '0]|globalThis.harm',
  'prototype',
  'toString',
]

/** Words of the kernels, and names of a letter or two with the number of a table, unit or cell. */
const WORDS = new Set(
  (
    'use strict const let return function update for if else continue true false Number isFinite ' +
    'includes l r tables callbacks count slots batch masks periods slot m i meta isLate roll ' +
    'ownPeriods ownKeys late lateForWindow fire dayBit readSliding countBits usageBytes timesMs ' +
    'rats apps cells kinds pageFlags f64 i32 touch sources subscribers placeOf mask hour ' +
    'weekday place bits addInterest Math floor score quotas keys startMs read daysSinceTime value NaN ' +
    'judging blocks found was rank order columns n judges fireFound j s c d w isCrossed do while clz32 ' +
    'banks values conditions edges words ruler summaries span first end'
  ).split(' '),
)
const NUMBERED = /^(?:[tFWfwgoxKkbBascpqrCDE]|[MRS]\d+x|flags|scan)\d+$/

let sources: string[] = []

beforeEach(() => {
  sources = []
  const spy = new Proxy(globalThis.Function, {
    construct(target, args: string[]) {
      sources.push(args.at(-1)!)
      return new target(...args)
    },
  })
  vi.stubGlobal('Function', spy)
})

afterEach(() => {
  vi.unstubAllGlobals()
})

/** The code of two generations, the second as a reload makes it. */
function generate(...catalogs: readonly Catalog[]): string[] {
  const layout = emptyLayout('Asia/Shanghai')
  const tables: PagedTable[] = []
  sources = []
  for (const [index, catalog] of catalogs.entries()) {
    const compiled = new CompiledCatalog(catalog, layout, index === 0)
    for (let id = tables.length; id < layout.tables.length; id++) {
      tables.push(new PagedTable(id, layout.tables[id]!.strideSize))
    }
    generateMaskKernel(compiled.wheres, { subscribers: tables[0]! } as MaskSources)
    for (const haveOneSegment of [true, false]) {
      generateUpdateKernel(compiled, tables, {} as KernelCallbacks, haveOneSegment)
    }
    for (const segment of catalog.segments) generateScorer(compiled, tables, segment)
  }
  return sources
}

/** The same catalog with every name of the configuration, and every other text, replaced. */
function renamed(catalog: Catalog): Catalog {
  const names = new Map<string, string>()
  const rename = (name: string): void => {
    names.set(name, `${HOSTILE[names.size % HOSTILE.length]!}${names.size < 10 ? '' : names.size}`)
  }
  const { counters, tags, fields, triggers } = catalog
  for (const { name } of [...counters, ...tags, ...fields]) rename(name)
  for (const { id, file, channel, message } of triggers) {
    for (const text of [id, file, channel, sourceOf(message)]) rename(text)
  }
  for (const word of fields.flatMap(({ words }) => words)) rename(word)
  return deepReplace(catalog, names) as Catalog
}

/** Keys of a catalog whose values are names and texts of the configuration. */
const NAMING_KEYS = new Set(
  'name counter tag field id file channel source parts words oncePerTag startField trigger'.split(
    ' ',
  ),
)

function deepReplace(value: unknown, names: ReadonlyMap<string, string>, key = ''): unknown {
  if (typeof value === 'string') {
    // Tells one definition from another: any text will do.
    if (key === 'identity') return `${HOSTILE[0]}${value}`
    return NAMING_KEYS.has(key) ? (names.get(value) ?? value) : value
  }
  if (Array.isArray(value)) return value.map((each) => deepReplace(each, names, key))
  if (typeof value !== 'object' || value === null || value instanceof Map) return value
  const entries = Object.entries(value)
  return Object.fromEntries(entries.map(([name, each]) => [name, deepReplace(each, names, name)]))
}

/** Everything in a source that is none of the words, numbers and operators allowed. */
function foreignTokens(source: string): string[] {
  const tokens = source.match(/[\p{L}_$][\p{L}\p{N}_$]*|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\s+|./gu) ?? []
  return tokens.filter((token) => {
    if (/^\s+$/.test(token) || /^\d/.test(token)) return false
    if (/^[\p{L}_$]/u.test(token)) return !WORDS.has(token) && !NUMBERED.test(token)
    return !"()[]{}.,;:?+-*/%&|!~<>='".includes(token)
  })
}

const catalogOf = (files: ConfigFiles): Catalog => parseCatalog(files).catalog

test('the code of a rich configuration is made of a closed list of words', () => {
  const made = generate(catalogOf(RICH_FILES), catalogOf(RICHER_FILES))
  expect(made).toHaveLength(6)
  expect(made.every((source) => source.length > 50)).toBe(true)
  expect(made.flatMap(foreignTokens)).toEqual([])
  // Quotes come in one place only.
  expect(made.join('').replaceAll("'use strict'", '')).not.toContain("'")
})

test('names change nothing in the code, not even hostile ones that no parser lets through', () => {
  const plain = generate(catalogOf(RICH_FILES), catalogOf(RICHER_FILES))
  const hostile = generate(renamed(catalogOf(RICH_FILES)), renamed(catalogOf(RICHER_FILES)))
  expect(hostile).toHaveLength(plain.length)
  expect(hostile).toEqual(plain)
  expect(hostile.flatMap(foreignTokens)).toEqual([])
  expect('harm' in globalThis).toBe(false)
})

/** So many triggers that they are judged in blocks. */
function manyFiles(step: number): ConfigFiles {
  const conditions = ['!tags.has_pack', 'fields.fee > 5', 'lists.red', 'previous(data.month) < 9']
  const triggers = Array.from(
    { length: 40 },
    (_, index) => `
trigger: many-${index}
when: 'data.${index % 2 === 0 ? 'day' : 'month'} >= ${(index + 1) * step} && ${conditions[index % 4]}'
once: month
deliver: { channel: sms }
message: x
`,
  )
  return { ...RICH_FILES, 'triggers/many.yaml': triggers.join('---') }
}

test('nor where many conditions are judged in blocks', () => {
  const plain = generate(catalogOf(manyFiles(10)), catalogOf(manyFiles(11)))
  expect(plain.filter((source) => source.includes('scan0'))).toHaveLength(4)
  expect(plain.at(-1)).toContain('isCrossed')
  expect(plain.flatMap(foreignTokens)).toEqual([])
  const hostile = generate(renamed(catalogOf(manyFiles(10))), renamed(catalogOf(manyFiles(11))))
  expect(hostile).toEqual(plain)
})

test('nor in the code of scores', () => {
  const files: ConfigFiles = {
    ...RICH_FILES,
    'segments.yaml': `segments:
  seed:
    at: on demand
    where: 'data.day >= 1 && daysSince(seen.lifetime) > 1 && !tags.has_pack && fields.fee > 1 && lists.red && daysSince(date("2026-11-01")) > 2'
    score: 'previous(data.month) / 1024 - 0.5'
    minScore: -1.5e-7
    keepPrevious: true
    quotas: [{ where: 'wasIn.seed && !lists.black', top: 10 }, { top: 20 }]
`,
  }
  const plain = generate(catalogOf(files))
  expect(plain).toHaveLength(4)
  expect(plain[3]).toContain('daysSince')
  expect(plain.flatMap(foreignTokens)).toEqual([])
  expect(generate(renamed(catalogOf(files)))).toEqual(plain)
})

test('none of them gets so far: the parser refuses what is no name', () => {
  const isTaken = (name: string): boolean => {
    try {
      parseCatalog({ 'a.yaml': `tags: { ${JSON.stringify(name)}: {} }\n` })
      return true
    } catch {
      return false
    }
  }
  expect(isTaken('has_pack')).toBe(true)
  expect(HOSTILE.filter(isTaken)).toEqual([])
})

test('code is made of text in the kernels, for scores and for the index only', () => {
  const folder = join(PROJECT_ROOT, 'src')
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const makers = paths.filter((path) => {
    if (!path.endsWith('.ts')) return false
    const text = readFileSync(join(folder, path), 'utf8')
    return /\bFunction\(|\beval\(|node:vm|import\((?!['"])/.test(text)
  })
  expect(makers.sort()).toEqual([
    'partition/kernel.ts',
    'partition/mask-kernel.ts',
    'partition/scoring.ts',
    'state/index-passes.ts',
  ])
})

test('the search would see a foreign word, a text and a template', () => {
  expect(foreignTokens('const a = b1 + process.exit(1)')).toEqual(['a', 'process', 'exit'])
  expect(foreignTokens('if (w0[x0] > 1) `a`')).toEqual(['`', 'a', '`'])
  expect(foreignTokens('w0["a"]')).toEqual(['"', 'a', '"'])
})
