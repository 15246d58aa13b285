/**
 * A process to be killed: opens the store of argv[2], commits manifest after manifest, each with
 * all its pages in the other slot, and says each commit on standard output. It never ends by
 * itself.
 */

import { openStore } from '../../../src/store/lmdb-store.ts'
import { generationEntries, PAGE_COUNT, pageOf } from './page-pattern.ts'

const store = await openStore(process.argv[2]!)
process.stdout.write('open\n')
for (let generation = 1; ; generation++) {
  const slot = (generation % 2) as 0 | 1
  const writes: Promise<unknown>[] = []
  for (let page = 0; page < PAGE_COUNT; page++) {
    writes.push(store.writePage({ table: 1, page, slot }, pageOf(generation, page)))
    // Spread over many transactions, so that a kill lands between them.
    if (page % 50 === 0) await new Promise(setImmediate)
  }
  await Promise.all(writes)
  await store.commitManifest(generationEntries(generation))
  process.stdout.write(`${generation}\n`)
}
