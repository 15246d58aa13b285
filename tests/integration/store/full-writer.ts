/**
 * A process whose files may not grow beyond a limit: writes pages into the store of argv[2] until a
 * commit fails, closes the store, waits for whatever else may come of it, and says how it went.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../../../src/errors.ts'
import { openStore } from '../../../src/store/lmdb-store.ts'
import { generationEntries, pageOf } from './page-pattern.ts'

const PAGES_PER_TURN = 10
const TURNS = 6
const GENERATIONS_MAX = 200

const store = await openStore(process.argv[2]!)
let committed = 0
let failure: unknown = null
for (let generation = 1; failure === null && generation < GENERATIONS_MAX; generation++) {
  const writes: Promise<unknown>[] = []
  const note = (error: unknown): void => {
    failure ??= error
  }
  for (let turn = 0; turn < TURNS; turn++) {
    for (let i = 0; i < PAGES_PER_TURN; i++) {
      const page = (generation * TURNS + turn) * PAGES_PER_TURN + i
      writes.push(
        store.writePage({ table: 0, page, slot: 0 }, pageOf(generation, page)).catch(note),
      )
    }
    await new Promise(setImmediate)
  }
  await Promise.all(writes)
  await store.commitManifest(generationEntries(generation)).catch(note)
  if (failure === null) committed = generation
}
await store.close().catch(() => undefined)
await sleep(300)
const isRight = failure instanceof StoreError
process.stdout.write(JSON.stringify({ committed, isRight }))
