/**
 * A process that loads a damaged store as a worker would, and verifies it, flip after flip: LMDB
 * may end it. `flip-reader.ts DIRECTORY PRISTINE`; orders come and answers go over IPC.
 */

import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HighwaterError } from '../../src/errors.ts'
import type { PageStore } from '../../src/model/ports.ts'
import { verifyImage } from '../../src/partition/verify.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { loadMachine, stateOf } from '../support/machine-image.ts'
import { reasonOf } from './storage-room.ts'

/** One bit of the pristine file to turn; none where `offset` is negative. */
export interface FlipOrder {
  readonly offset: number
  readonly bit: number
}

/** What came of it. */
export interface FlipAnswer {
  /** Why a start refuses: a halt's reason or an error's code; null: it loads. */
  readonly refusal: string | null
  /** Digest of what was loaded; empty: no image. */
  readonly state: string
  /** What `verify` says of the checks that failed; null: all is well. */
  readonly verdict: string | null
}

const [directory = '', pristine = ''] = process.argv.slice(2)
const whole = readFileSync(pristine)

process.on('message', (order: FlipOrder) => {
  void answer(order).then((found) => process.send!(found))
})

async function answer({ offset, bit }: FlipOrder): Promise<FlipAnswer> {
  const bytes = Buffer.from(whole)
  if (offset >= 0) bytes[offset]! ^= 1 << bit
  const file = join(directory, 'state.mdb')
  rmSync(`${file}-lock`, { force: true })
  writeFileSync(file, bytes)
  let store: PageStore | null = null
  try {
    store = await openStore(directory)
    const { checks } = verifyImage(store, { partition: 0, partitionCount: 1 })
    const failed = checks.filter(({ outcome }) => outcome === 'failed')
    const verdict = failed.map(({ name, detail }) => `${name}: ${detail}`).join('; ') || null
    try {
      const loaded = loadMachine(store)
      const state = loaded === null ? '' : digestOf(stateOf(loaded.machine))
      return { refusal: null, state, verdict }
    } catch (error) {
      return { refusal: refusalOf(error), state: '', verdict }
    }
  } catch (error) {
    const refusal = refusalOf(error)
    return { refusal, state: '', verdict: refusal }
  } finally {
    await store?.close()
  }
}

function refusalOf(error: unknown): string {
  if (error instanceof HighwaterError) return reasonOf(error)!
  return `unexpected ${error instanceof Error ? error.message : String(error)}`
}

function digestOf(state: unknown): string {
  return createHash('sha256').update(JSON.stringify(state)).digest('hex')
}
