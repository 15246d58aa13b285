import { decode, encode } from '@msgpack/msgpack'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PageStore } from '../../src/model/ports.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { replacing } from '../support/port-wrappers.ts'
import { expectHalt } from '../support/stream-tampering.ts'
import {
  type Installation,
  leaveImage,
  openInstallation,
  untilSaid,
} from '../support/worker-harness.ts'

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation()
})

afterEach(async () => {
  await installation.close()
})

describe('the image', () => {
  async function inStore(change: (store: PageStore) => Promise<unknown>): Promise<void> {
    const store = await openStore(installation.storeDirectory())
    await change(store)
    await store.close()
  }

  function slotOf(store: PageStore): 0 | 1 {
    return store.readManifest().get('slots/0')?.[0] === 1 ? 1 : 0
  }

  test('a page with one bit turned: page-checksum', async () => {
    await leaveImage(installation)
    await inStore(async (store) => {
      const address = { table: 0, page: 0, slot: slotOf(store) } as const
      const bytes = Uint8Array.from(store.readPage(address)!)
      bytes[200]! ^= 1
      await store.writePage(address, bytes)
    })
    await expectHalt(installation, 'page-checksum')
  })

  test('whoever cannot load the image does not fence off an owner that works', async () => {
    await leaveImage(installation)
    const owner = await installation.startLive({ name: 'owner' })
    const broken = await installation.startWorker({
      wrap: (ports) => ({
        ...ports,
        store: replacing<PageStore>(ports.store, { readPage: () => null }),
      }),
    })
    await broken.done
    expect(broken.worker.halt).toMatchObject({ reason: 'page-missing' })
    const claims = (await installation.readOut()).filter(({ kind }) => kind === 'claim')
    expect(claims).toHaveLength(2)
    await installation.cross([777])
    await untilSaid(owner, 21)
  })

  test('a sound page in the place of another: page-checksum', async () => {
    await leaveImage(installation)
    await inStore(async (store) => {
      const tables = (decode(store.readManifest().get('head')!) as { tables: { id: number }[] })
        .tables
      const other = tables.find(
        ({ id }) => id !== 0 && store.readManifest().get(`slots/${id}`)!.length > 0,
      )!
      const slot = store.readManifest().get(`slots/${other.id}`)![0] === 1 ? 1 : 0
      const bytes = Uint8Array.from(store.readPage({ table: other.id, page: 0, slot })!)
      const size = store.readPage({ table: 0, page: 0, slot: slotOf(store) })!.byteLength
      const fitting = new Uint8Array(size)
      fitting.set(bytes.subarray(0, size))
      await store.writePage({ table: 0, page: 0, slot: slotOf(store) }, fitting)
    })
    await expectHalt(installation, 'page-checksum')
  })

  test('a page that is not there: page-missing', async () => {
    await leaveImage(installation)
    await expectHalt(installation, 'page-missing', {
      wrap: (ports) => ({
        ...ports,
        store: replacing<PageStore>(ports.store, { readPage: () => null }),
      }),
    })
  })

  test('a manifest without an entry that it needs: page-missing', async () => {
    await leaveImage(installation)
    await inStore(async (store) => {
      const entries = new Map([...store.readManifest()].map(([key, value]) => [key, value.slice()]))
      entries.delete('slots/0')
      await store.commitManifest(entries)
    })
    await expectHalt(installation, 'page-missing')
  })

  test('an image of a layout that we do not read: engine-version', async () => {
    await leaveImage(installation)
    await inStore(async (store) => {
      const entries = new Map([...store.readManifest()].map(([key, value]) => [key, value.slice()]))
      const head = decode(entries.get('head')!) as { imageVersion: number }
      await store.commitManifest(
        entries.set('head', encode({ ...head, imageVersion: head.imageVersion + 1 })),
      )
    })
    await expectHalt(installation, 'engine-version')
  })
})
