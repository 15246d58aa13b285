import { decode, encode } from '@msgpack/msgpack'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PageStore } from '../../src/model/ports.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { sealPage } from '../../src/state/page-image.ts'
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

  test.each([
    ['of another page', { page: 7 }],
    ['of another table', { table: 3 }],
    ['of a later checkpoint', { generation: 1e6 }],
    ['of another row size', { strideSize: 8 }],
  ])('a sound page %s in its place: page-checksum', async (_, other) => {
    await leaveImage(installation)
    await inStore(async (store) => {
      const address = { table: 0, page: 0, slot: slotOf(store) } as const
      const bytes = Uint8Array.from(store.readPage(address)!)
      const view = new DataView(bytes.buffer)
      const head = { table: 0, page: 0, strideSize: view.getUint32(12, true), generation: 1 }
      sealPage(bytes, { ...head, ...other })
      await store.writePage(address, bytes)
    })
    await expectHalt(installation, 'page-checksum')
  })

  test('another version of the right page, sound in itself: page-checksum', async () => {
    await leaveImage(installation)
    await inStore(async (store) => {
      const address = { table: 0, page: 0, slot: slotOf(store) } as const
      const bytes = Uint8Array.from(store.readPage(address)!)
      const strideSize = new DataView(bytes.buffer).getUint32(12, true)
      bytes[200]! ^= 1
      sealPage(bytes, { table: 0, page: 0, strideSize, generation: 1 })
      await store.writePage(address, bytes)
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
