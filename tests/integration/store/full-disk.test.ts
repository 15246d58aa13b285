import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openStore } from '../../../src/store/lmdb-store.ts'
import { generationEntries } from './page-pattern.ts'

const STORE = join(import.meta.dirname, '../../../src/store/lmdb-store.ts')
const WRITER = join(import.meta.dirname, 'full-writer.ts')

// LMDB writes to it through a mapping: a byte without room behind it would end the process.
test('the lock file of an open store has its room on the disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'highwater-full-'))
  try {
    for (let life = 0; life < 2; life++) {
      const store = await openStore(directory)
      const { size, blocks } = await stat(join(directory, 'state.mdb-lock'))
      expect(blocks * 512).toBeGreaterThanOrEqual(size)
      expect(size).toBeGreaterThan(8_000)
      await store.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

test('a store is not opened where there is no room for a new one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'highwater-full-'))
  try {
    const open = `import { openStore } from ${JSON.stringify(STORE)}
      await openStore(${JSON.stringify(directory)}).catch((error) => console.log(error.code))`
    const script = `trap '' XFSZ; ulimit -f 64; exec "$0" "$@"`
    const args = ['-c', script, process.execPath, '--input-type=module', '--eval', open]
    const { stdout } = await promisify(execFile)('sh', args)
    expect(stdout.trim()).toBe('HW_STORE')
    const store = await openStore(directory)
    await store.close()
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

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
