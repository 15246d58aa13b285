import { decode, encode } from '@msgpack/msgpack'
import { beforeAll, describe, expect, it } from 'vitest'
import type { HaltReason } from '../../src/errors.ts'
import { PAGE_HEAD_SIZE } from '../../src/state/page-image.ts'
import { ImageWriter, loadMachine, stateOf } from '../support/machine-image.ts'
import { ANN, MachineScript, recordAt } from '../support/machine-script.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { RICH_FILES, RICHER_FILES } from '../support/rich-files.ts'
import { Random } from '../support/workload/random.ts'

/** A partition with rows in every table, over several pages of the wide one. */
function populated(): MachineScript {
  const script = new MachineScript('2026-11-20 10:00', RICH_FILES)
  for (let subscriber = 1; subscriber <= 40; subscriber++) {
    script.profile({ subscriber, tags: { seed: 1 }, fields: { fee: subscriber, plan: 'large' } })
    script.batch([recordAt('2026-11-20 09:00', 600_000, { subscriber })])
  }
  return script
}

function save(script: MachineScript, store: MemoryStore, writer = new ImageWriter(store)) {
  writer.begin(script.machine)
  while (!writer.write(1));
  writer.commit()
  return writer
}

function halting(reason: HaltReason) {
  return expect.objectContaining({ code: 'HW_PARTITION_HALTED', reason })
}

let pristine: MemoryStore
beforeAll(() => {
  const script = populated()
  pristine = new MemoryStore()
  const writer = save(script, pristine)
  script.usage('2026-11-20 10:00', 1)
  save(script, pristine, writer)
})

describe('an image', () => {
  it('loaded at once is what was saved, and saves as the same bytes', () => {
    const script = populated()
    const store = new MemoryStore()
    save(script, store)
    const loaded = loadMachine(store)!
    expect(stateOf(loaded.machine)).toEqual(stateOf(script.machine))
    expect(store.manifest.size).toBeGreaterThan(3)
  })

  it('holds no page that did not change since the last one', () => {
    const script = populated()
    const store = new MemoryStore()
    const writer = save(script, store)
    const before = new Map(store.pages)
    script.usage('2026-11-20 10:00', 1, { subscriber: 1 })
    save(script, store, writer)
    const written = [...store.pages].filter(([key, bytes]) => before.get(key) !== bytes)
    // Subscriber 1's hot page, its wide page and the ledger's: no other.
    expect(written.length).toBeLessThan(before.size)
    expect(written.every(([key]) => key.endsWith('/1'))).toBe(true)
    expect(stateOf(loadMachine(store)!.machine)).toEqual(stateOf(script.machine))
  })

  it('is of one position, whatever was applied while it was written', () => {
    const script = populated()
    const expected = stateOf(script.machine)
    const store = new MemoryStore()
    const writer = new ImageWriter(store)
    writer.begin(script.machine)
    for (let isDone = false; !isDone; isDone = writer.write(1)) {
      script.tick(script.clockMs + 3_600_000)
      for (let subscriber = 1; subscriber <= 200; subscriber += 7) {
        script.batch([recordAt(script.clockMs, 700_000, { subscriber })])
      }
    }
    script.config(RICHER_FILES)
    writer.commit()
    expect(stateOf(loadMachine(store)!.machine)).toEqual(expected)
    expect(stateOf(script.machine)).not.toEqual(expected)
  })

  it('that was given up is never loaded, even where a later one is smaller', () => {
    const script = populated()
    const store = new MemoryStore()
    const writer = save(script, store)
    const committed = stateOf(script.machine)
    for (let subscriber = 100; subscriber < 900; subscriber++) {
      script.batch([recordAt('2026-11-20 10:00', 1, { subscriber })])
    }
    writer.begin(script.machine)
    while (!writer.write(5));
    writer.abandon()
    const loaded = loadMachine(store)!
    expect(stateOf(loaded.machine)).toEqual(committed)
    const again = populated()
    again.usage('2026-11-20 10:00', 5)
    loaded.machine.apply({ ...again.inputs.at(-1)!, sequence: loaded.machine.sequence + 1 })
    loaded.writer.begin(loaded.machine)
    while (!loaded.writer.write(5));
    loaded.writer.commit()
    expect(stateOf(loadMachine(store)!.machine)).toEqual(stateOf(again.machine))
  })

  it('in a store that holds none is none', () => {
    expect(loadMachine(new MemoryStore())).toBeNull()
  })
})

describe('a damaged image halts the partition', () => {
  /** Keys of the pages that the manifest's slots name. */
  function committedKeys(store: MemoryStore): string[] {
    return [...store.manifest].flatMap(([entry, slots]) =>
      entry.startsWith('slots/')
        ? [...slots].map((slot, page) => `${entry.slice('slots/'.length)}/${page}/${slot}`)
        : [],
    )
  }

  it('has pages in all tables and both slots', () => {
    const keys = committedKeys(pristine)
    expect(new Set(keys.map((key) => key.split('/')[0])).size).toBeGreaterThanOrEqual(3)
    expect(new Set(keys.map((key) => key.split('/')[2]))).toEqual(new Set(['0', '1']))
  })

  it('one bit flipped in any page', () => {
    const random = new Random(7)
    for (const key of committedKeys(pristine)) {
      const store = pristine.clone()
      const page = store.pages.get(key)!
      const at = random.whole(0, page.byteLength - 1)
      page[at]! ^= 1 << random.whole(0, 7)
      expect(() => loadMachine(store), `${key}, byte ${at}`).toThrow(halting('page-checksum'))
    }
  })

  it('a page torn in the middle', () => {
    for (const key of committedKeys(pristine)) {
      const store = pristine.clone()
      const page = store.pages.get(key)!
      page.copyWithin(PAGE_HEAD_SIZE, PAGE_HEAD_SIZE + 64, PAGE_HEAD_SIZE + 512)
      expect(() => loadMachine(store), key).toThrow(halting('page-checksum'))
    }
  })

  it('a page in another page’s place, or of another table', () => {
    const [first, second] = committedKeys(pristine).filter((key) => key.startsWith('1/'))
    const store = pristine.clone()
    store.pages.set(first!, store.pages.get(second!)!)
    expect(() => loadMachine(store)).toThrow(halting('page-checksum'))
  })

  it('a page that is newer than the manifest', () => {
    const script = populated()
    const store = new MemoryStore()
    const writer = save(script, store)
    script.usage('2026-11-20 10:00', 1, { subscriber: 1 })
    writer.begin(script.machine)
    while (!writer.write(5));
    // As if the store had put it into the slot that the manifest still names.
    store.pages.set('0/0/0', store.pages.get('0/0/1')!)
    expect(() => loadMachine(store)).toThrow(halting('page-checksum'))
  })

  it('a page that is older than the manifest', () => {
    const script = populated()
    const store = new MemoryStore()
    const writer = save(script, store)
    script.usage('2026-11-20 10:00', 1, { subscriber: 1 })
    save(script, store, writer)
    // As if the store had lost the last write: sound in itself, of the right place, and stale.
    store.pages.set('0/0/1', store.pages.get('0/0/0')!)
    expect(() => loadMachine(store)).toThrow(halting('page-checksum'))
  })

  it('a page gone or cut short', () => {
    const key = committedKeys(pristine)[0]!
    const gone = pristine.clone()
    gone.pages.delete(key)
    expect(() => loadMachine(gone)).toThrow(halting('page-missing'))
    const short = pristine.clone()
    short.pages.set(key, short.pages.get(key)!.slice(0, 100))
    expect(() => loadMachine(short)).toThrow(halting('page-missing'))
  })

  it('a manifest of another layout version, or without one of its entries', () => {
    const other = pristine.clone()
    const head = decode(other.manifest.get('head')!) as Record<string, unknown>
    other.manifest = new Map(other.manifest).set('head', encode({ ...head, imageVersion: 99 }))
    expect(() => loadMachine(other)).toThrow(halting('engine-version'))
    for (const key of pristine.manifest.keys()) {
      if (key === 'head') continue
      const store = pristine.clone()
      const entries = new Map(store.manifest)
      entries.delete(key)
      store.manifest = entries
      expect(() => loadMachine(store), key).toThrow(halting('page-missing'))
    }
  })
})

it('a loaded partition opens the latches that were to open', () => {
  const drop = {
    'counters.yaml': 'counters: { data: { sum: bytes, per: [month] } }',
    't.yaml':
      "trigger: t\nwhen: 'data.month >= 10'\nretry: true\nmessage: x\ndeliver: { channel: sms, " +
      "contactWindow: { from: '09:00', to: '21:00', outside: drop } }\n",
  }
  const script = new MachineScript('2026-11-20 22:00', drop)
  expect(script.usage('2026-11-20 22:00', 10)).toEqual(['t 2026-11/1 outside-contact-window'])
  const store = new MemoryStore()
  save(script, store)
  const { machine } = loadMachine(store)!
  const from = script.inputs.length
  script.tick('2026-11-21 09:00')
  expect(script.usage('2026-11-21 09:00', 1)).toHaveLength(1)
  for (const input of script.inputs.slice(from)) machine.apply(input)
  expect(machine.outbox.digest.text()).toBe(script.machine.outbox.digest.text())
})

it('a loaded partition decides on as the one that never stopped', () => {
  const script = populated()
  const store = new MemoryStore()
  save(script, store)
  const { machine } = loadMachine(store)!
  const from = script.inputs.length
  script.usage('2026-11-20 10:00', 900_000)
  script.profile({ subscriber: ANN, tags: { seed: 9 } })
  for (let hour = 0; hour < 40; hour++) script.tick(script.clockMs + 3_600_000)
  for (const input of script.inputs.slice(from)) machine.apply(input)
  expect(machine.outbox.digest.text()).toBe(script.machine.outbox.digest.text())
  expect(stateOf(machine)).toEqual(stateOf(script.machine))
})
