/** The README says what the code does: what can be generated or compared is held together here. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readmeTables, withTables } from '../../config/rules-schema/generate.ts'
import { decodeControl } from '../../src/decode/control.ts'
import { decodeFeedback, decodeProfile } from '../../src/decode/messages.ts'
import { UsageDecoder } from '../../src/decode/usage.ts'
import { createApp } from '../../src/http/app.ts'
import { createWatchApp } from '../../src/http/watch-app.ts'
import { PROJECT_ROOT } from '../../src/launch.mjs'
import { createGatewayMetrics } from '../../src/metrics/gateway-metrics.ts'
import { HALT_LABELS } from '../../src/metrics/halt-labels.ts'
import { PARTITION_METRICS } from '../../src/metrics/partition-metrics.ts'
import { createMetrics } from '../../src/metrics/registry.ts'
import { createWatchMetrics } from '../../src/metrics/watch-metrics.ts'
import { SUPPRESSION_REASONS } from '../../src/model/decision.ts'
import { REJECT_REASONS } from '../../src/model/reject.ts'
import { RULING_CHOICES, WAYS_OUT } from '../../src/model/ways-out.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { createFakeWatch } from '../support/watch-view.ts'
import { createFakeWorker } from '../support/worker-view.ts'

const readme = readFileSync(join(PROJECT_ROOT, 'README.md'), 'utf8')
const packageFile = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8'))

const fences = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(
    ([, text]) => text!,
  )

/** Words that the README does not show as code. */
const missing = (words: readonly string[]): string[] =>
  words.filter((word) => !readme.includes(`\`${word}\``))

test('the tables of settings and keys are those of the grammar', () => {
  expect(withTables(readme, readmeTables())).toBe(readme)
})

test('its configuration is one that the engine takes', () => {
  const files = fences('yaml').flatMap((text) => {
    const path = /^# (\S+\.yaml)\n/.exec(text)?.[1]
    return path === undefined ? [] : [[path, text] as const]
  })
  expect(files.map(([path]) => path)).toEqual([
    'declarations.yaml',
    'triggers/data-pack.yaml',
    'policy.yaml',
    'triggers/ott-offer.yaml',
    'reporting.yaml',
  ])
  const { catalog, notes } = parseCatalog(Object.fromEntries(files))
  const used = new Set(catalog.counters.map(({ aggregate }) => aggregate))
  expect(used.size).toBe(5)
  expect(catalog.triggers[0]?.caps).toHaveLength(2)
  // Its policy says nothing in vain but what the example is too small for.
  expect(notes.filter((note) => !note.includes('no trigger'))).toEqual([])
  const [, offer] = catalog.triggers
  expect(offer?.contactWindow?.openings).toEqual([
    ...Array.from({ length: 5 }, () => ({ fromMinute: 720, toMinute: 1200 })),
    null,
    null,
    null,
  ])
})

test('its actions and its journey are ones that the engine takes', () => {
  const starts = ['trigger: app-reward', 'journey: newcomer']
  const texts = starts.map((start) => fences('yaml').find((text) => text.startsWith(start))!)
  const declared = [
    'tags: { rewarded: {}, activated: {}, has_pack: {}, ported_out: {}, gift_used: {}, newcomer_done: {} }',
    'fields: { plan: { type: enum, words: [data-10] } }',
    'apps: { a: 1, b: 2, c: 3 }',
    'counters:',
    '  apps: { distinct: apps, among: [a, b, c], where: kind == install, per: [month] }',
    '  data: { sum: bytes, per: [month] }',
  ].join('\n')
  const { journeys, triggers } = parseCatalog({ a: declared, b: texts[0]!, c: texts[1]! }).catalog
  expect(journeys[0]!.steps).toHaveLength(4)
  expect(triggers.filter(({ action }) => action !== undefined)).toHaveLength(3)
})

test('the first trigger is one that the scenario of the tutorial takes', () => {
  const trigger = fences('yaml').find((text) => text.startsWith('trigger: heavy-day'))
  const counters = readFileSync(
    join(PROJECT_ROOT, 'config', 'scenarios', 'data-pack', 'counters.yaml'),
    'utf8',
  )
  const dictionary = 'apps: { other: 0, qzone: 1, wechat: 2, tweibo: 3, sweibo: 4 }\n'
  const parameters = 'parameters: { count_nr: false }\n'
  const files = { 'a.yaml': counters, 'b.yaml': dictionary + parameters, 'c.yaml': trigger! }
  expect(parseCatalog(files).catalog.triggers.map(({ id }) => id)).toEqual(['heavy-day'])
})

describe('it names', () => {
  test('every halt, every suppression, every reject', () => {
    const halts = HALT_LABELS.filter((label) => !label.startsWith('HW_') && label !== 'other')
    expect(halts.length).toBeGreaterThan(15)
    expect(missing(halts)).toEqual([])
    expect(missing(SUPPRESSION_REASONS)).toEqual([])
    expect(missing(REJECT_REASONS)).toEqual([])
  })

  test('with every halt the rulings that lead out of it, and no others', () => {
    for (const [halt, { choices }] of Object.entries(WAYS_OUT)) {
      const row = readme.split('\n').find((line) => line.startsWith(`| \`${halt}\` |`)) ?? ''
      const wayOut = row.split(' | ').at(-1)!
      const refers = /the same|as `(digest-mismatch)`/.test(wayOut)
      const named = RULING_CHOICES.filter((choice) => wayOut.includes(`RESUME ${choice}`))
      if (!refers) expect([halt, ...named.sort()]).toEqual([halt, ...[...choices].sort()])
    }
  })

  test('every package that is depended on, and no other', () => {
    const { dependencies, devDependencies, optionalDependencies } = packageFile
    const packages = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
    const chapter = readme.slice(readme.indexOf('## Dependencies'), readme.indexOf('## Decisions'))
    const rows = chapter.split('\n').filter((line) => line.startsWith('| `'))
    const named = rows.flatMap((row) => {
      const cell = row.split('|')[1]!.replace(/`\([^)]*\)|\(`[^)]*\)/g, '')
      return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
    })
    expect(named.sort()).toEqual(packages.sort())
  })

  test('every route', async () => {
    const metrics = { contentType: 'text/plain', render: async () => '' }
    const worker = createApp(createFakeWorker(1).view, metrics, { token: null })
    for (const app of [worker, createWatchApp(createFakeWatch(), metrics, {})]) {
      await app.ready()
      const paths = Object.keys(app.swagger().paths ?? {})
      expect(paths.length).toBeGreaterThan(5)
      const shown = paths.filter((path) => !readme.includes(path.replace('{id}', '{number}')))
      expect(shown).toEqual([])
      await app.close()
    }
  })

  test('only metrics that there are', async () => {
    const { render } = createMetrics(createFakeWorker(1).view, { isProcessIncluded: false })
    const gateway = createGatewayMetrics(
      { version: '1', lanes: () => [], channels: () => [] },
      { isProcessIncluded: false },
    )
    const watch = createWatchMetrics(createFakeWatch())
    const text = (await render()) + (await gateway.render()) + (await watch.render())
    const known = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!)
    expect(known.length).toBeGreaterThan(PARTITION_METRICS.length)
    const named = [...readme.matchAll(/\bhighwater_\w+/g)].map(([name]) => name)
    expect(named.filter((name) => !known.includes(name))).toEqual([])
  })

  test('only files that there are', () => {
    const paths = [...readme.matchAll(/`((?:src|tests|config|bench|\.ci)\/[\w./-]*)`/g)]
    expect(paths.length).toBeGreaterThan(15)
    const absent = paths.map(([, path]) => path!).filter((path) => !existsSync(path))
    expect(absent).toEqual([])
  })

  test('only npm scripts that there are', () => {
    const scripts = [...readme.matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, name]) => name!)
    expect(scripts.filter((name) => !Object.hasOwn(packageFile.scripts, name))).toEqual([])
  })
})

test('its messages in TypeScript are messages that the engine takes', async () => {
  const block = fences('ts').find((text) => text.includes('usageColumns'))!
  const folder = join(PROJECT_ROOT, '.cache', `readme-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    writeFileSync(join(folder, 'messages.ts'), block)
    const url = pathToFileURL(join(folder, 'messages.ts')).href
    const made = await import(/* @vite-ignore */ url)
    const records = [{ sub: 13, bytes: 512_000, time: 1_795_000_000_000, rat: 6 }]
    for (const message of [made.usageColumns(records), made.usageRows(records)]) {
      const decoder = new UsageDecoder()
      decoder.decode(message, 'probe-7', 1, 4)
      const { count, subscribers, usageBytes, timesMs, rats } = decoder.batch
      const first = [count, subscribers[0], usageBytes[0], timesMs[0], rats[0]]
      expect(first).toEqual([1, 13, 512_000, 1_795_000_000_000, 6])
    }
    expect(decodeProfile(made.profile(13), 'crm', 1, 4).rows).toHaveLength(1)
    const [deletion] = decodeProfile(made.deleteProfile(13), 'crm', 1, 4).rows
    expect(deletion).toMatchObject({ subscriber: 13, isDeletion: true })
    expect(decodeFeedback(made.feedback(13), 'sms-gateway', 1, 4).rows).toHaveLength(1)
    const erase = { kind: 'erase', id: 'request-1', subscribers: [13] }
    expect(decodeControl(made.erase(13, 'request-1'))).toEqual(erase)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
