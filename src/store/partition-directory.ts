/** Where the store of a partition lies, and how names of files are made to last. */

import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** Directory of one partition's store below `store.directory`. */
export function partitionDirectory(storeDirectory: string, partition: number): string {
  return join(storeDirectory, `partition-${partition}`)
}

/** Makes the names in a directory survive a loss of power. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
