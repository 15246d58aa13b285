import { decode, encode } from '@msgpack/msgpack'
import { beforeEach, describe, expect, test } from 'vitest'
import type { PartitionCore } from '../../../src/partition/core.ts'
import { IMAGE_VERSION } from '../../../src/partition/image.ts'
import { type Check, verifyImage } from '../../../src/partition/verify.ts'
import { LEDGER_HEAD_OFFSET } from '../../../src/state/layout.ts'
import { ImageWriter } from '../../support/machine-image.ts'
import { MachineScript, recordAt } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { RICH_FILES } from '../../support/rich-files.ts'

const OWNER = { partition: 0, partitionCount: 1 }

let script: MachineScript
let core: PartitionCore
let store: MemoryStore
let writer: ImageWriter

beforeEach(() => {
  store = new MemoryStore()
  writer = new ImageWriter(store)
  script = new MachineScript('2026-11-20 10:00', RICH_FILES)
  for (let subscriber = 1; subscriber <= 40; subscriber++) {
    script.profile({ subscriber, tags: { seed: 1 }, fields: { fee: subscriber, plan: 'large' } })
    script.batch([recordAt('2026-11-20 09:00', 600_000, { subscriber })])
  }
  core = script.machine.core!
})

/** The store, with an image of the machine as it is now. */
function save(): MemoryStore {
  writer.begin(script.machine)
  while (!writer.write(100));
  writer.commit()
  return store
}

/** Names of the checks that failed, with what they said. */
function failed(store: MemoryStore, owner = OWNER): Record<string, string> {
  const { checks } = verifyImage(store, owner)
  const bad = checks.filter(({ outcome }: Check) => outcome === 'failed')
  return Object.fromEntries(bad.map(({ name, detail }) => [name, detail]))
}

/** Replaces one entry of the manifest's head. */
function changeHead(store: MemoryStore, change: Record<string, unknown>): void {
  const head = decode(store.manifest.get('head')!) as Record<string, unknown>
  store.manifest = new Map(store.manifest).set('head', encode({ ...head, ...change }))
}

test('a sound image passes every check, and each says what it saw', () => {
  const { head, checks } = verifyImage(save(), OWNER)
  expect(head?.sequence).toBe(script.machine.sequence)
  expect(checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    'manifest ok',
    'pages ok',
    'configuration ok',
    'producers ok',
    'load ok',
    'index ok',
    'ledger ok',
    'timers ok',
  ])
  expect(checks.every(({ detail }) => /\d/.test(detail))).toBe(true)
})

test('rows that were given up are no damage', () => {
  for (const subscriber of [3, 4, 20]) {
    const slot = core.index.find(subscriber)
    for (const row of [...core.ledger.rowsOf(slot)]) core.ledger.free(row)
    core.index.remove(subscriber, slot)
  }
  const { checks } = verifyImage(save(), OWNER)
  const timers = checks.find(({ name }) => name === 'timers')
  expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
  expect(timers?.detail).toMatch(/due/)
  expect(checks.find(({ name }) => name === 'index')?.detail).toBe('37 subscribers in 40 slots')
})

test('no image is fine, and nothing else can be said of it', () => {
  const { head, checks } = verifyImage(new MemoryStore(), OWNER)
  expect([head, checks]).toMatchObject([null, [{ name: 'manifest', outcome: 'ok' }]])
})

describe('of the manifest it finds', () => {
  test('another partition or count', () => {
    expect(failed(save(), { partition: 1, partitionCount: 4 })).toHaveProperty('manifest')
    expect(failed(save(), { partition: 0, partitionCount: 4 })).toHaveProperty('manifest')
  })

  test('entries that are missing, too short, or not needed', () => {
    const saved = save()
    const whole = saved.manifest
    for (const key of [...whole.keys()].filter((each) => /^(slots|sums)/.test(each))) {
      const gone = new Map(whole)
      gone.delete(key)
      saved.manifest = gone
      expect(failed(saved).manifest, key).toContain(key)
      saved.manifest = new Map(whole).set(key, new Uint8Array(99))
      expect(failed(saved).manifest, key).toContain(key)
    }
    saved.manifest = new Map(whole).set('slots/77', new Uint8Array(1))
    expect(failed(saved).manifest).toContain('slots/77')
  })

  test('another layout version, or a table that is left out', () => {
    const saved = save()
    changeHead(saved, { imageVersion: 99 })
    expect(failed(saved).manifest).toContain('engine-version')
    changeHead(saved, { imageVersion: IMAGE_VERSION, tables: [{ id: 0, rowCount: 40 }] })
    expect(failed(saved).manifest).toContain('table 1')
  })
})

test('it counts every damaged page and names the first, and loads nothing of it', () => {
  const saved = save()
  for (const page of saved.pages.values()) page[50]! ^= 4
  const { pages } = failed(saved)
  expect(pages).toContain('page 0 of table 0 fails its checksum')
  expect(verifyImage(saved, OWNER).checks.at(-1)).toMatchObject({ outcome: 'skipped' })
})

test('it finds configuration that no longer compiles', () => {
  const saved = save()
  saved.manifest = new Map(saved.manifest).set('files', encode({ 'a.yaml': 'trigger: [' }))
  expect(failed(saved)).toHaveProperty('configuration')
})

test('it finds impossible producers', () => {
  const saved = save()
  const { producers } = decode(saved.manifest.get('head')!) as { producers: unknown[][] }
  changeHead(saved, { producers: [...producers, producers[0]] })
  expect(failed(saved).producers).toContain('twice')
  changeHead(saved, { producers: [[...producers[0]!.slice(0, 3), new Uint8Array(132)]] })
  expect(failed(saved).producers).toContain('impossible')
})

describe('of the state it finds', () => {
  test('a subscriber that has two slots', () => {
    core.tables[0]!.setF64(7, 0, core.subscriberOf(3))
    expect(failed(save()).index).toContain('hold one subscriber')
  })

  test('a subscriber of another partition, and a slot of nobody', () => {
    core.tables[0]!.setF64(7, 0, 0.5)
    expect(failed(save()).index).toContain('slot 7')
  })

  test('a chain that leads out of the ledger, into another, or to nobody', () => {
    const hot = core.tables[0]!
    const start = hot.getI32(7, LEDGER_HEAD_OFFSET)
    expect(start).toBeGreaterThan(0)
    hot.setI32(7, LEDGER_HEAD_OFFSET, 1_000_000)
    expect(failed(save()).ledger).toContain('leads out of the ledger')
    hot.setI32(7, LEDGER_HEAD_OFFSET, hot.getI32(8, LEDGER_HEAD_OFFSET))
    expect(failed(save()).ledger).toContain('which has its place already')
    hot.setI32(7, LEDGER_HEAD_OFFSET, 0)
    expect(failed(save()).ledger).toContain('is in no chain')
  })

  test('a row with the id of another', () => {
    const { ledger } = core
    ledger.write(1, { ...ledger.read(1), id: ledger.id(0) })
    expect(failed(save()).ledger).toContain('a wrong id')
  })
})
