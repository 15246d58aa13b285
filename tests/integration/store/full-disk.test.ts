import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openStore } from '../../../src/store/lmdb-store.ts'
import { generationEntries } from './page-pattern.ts'

const WRITER = join(import.meta.dirname, 'full-writer.ts')

// A limit on the size of files does what a full disk does, and takes no right to mount one.
test.each([1, 2, 3])(
  'a store that can grow no more fails its writes, and neither ends the process nor harms what was committed (%i MiB)',
  async (limitMib) => {
    const directory = await mkdtemp(join(tmpdir(), 'highwater-full-'))
    try {
      const script = `trap '' XFSZ; ulimit -f ${limitMib * 2048}; exec "$0" "$@"`
      const args = ['-c', script, process.execPath, WRITER, directory]
      const { stdout } = await promisify(execFile)('sh', args)
      const { committed, isRight } = JSON.parse(stdout) as { committed: number; isRight: boolean }
      expect(isRight).toBe(true)
      expect(committed).toBeGreaterThan(0)
      const store = await openStore(directory)
      expect(store.readManifest()).toEqual(generationEntries(committed))
      await store.close()
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  },
)
