/** Which pages make up an image, and what a backup says of it. */

import type { BackupNote } from '../model/backup.ts'
import type { PageAddress } from '../model/ports.ts'
import type { ManifestHead } from './image.ts'

/** Addresses of all pages that a manifest names, in the order in which a load reads them. */
export function* committedPages(
  manifest: ReadonlyMap<string, Uint8Array>,
  head: ManifestHead,
): Generator<PageAddress> {
  for (const { id } of head.tables) {
    const slots = manifest.get(`slots/${id}`) ?? new Uint8Array(0)
    for (let page = 0; page < slots.byteLength; page++) {
      yield { table: id, page, slot: slots[page] === 1 ? 1 : 0 }
    }
  }
}

/** What a backup's note says of the image itself. */
export type ImageNote = Pick<
  BackupNote,
  'partition' | 'partitionCount' | 'generation' | 'inputSequence' | 'decisionNumber' | 'engine'
>

/** Describes an image for people and scripts. */
export function noteOf(head: ManifestHead): ImageNote {
  const { version, runtime, tzdata, architecture } = head.engine
  return {
    partition: head.genesis.partition,
    partitionCount: head.genesis.partitionCount,
    generation: head.generation,
    inputSequence: head.sequence,
    decisionNumber: head.decisionNumber,
    engine: `${version} (${runtime}, tzdata ${tzdata}, ${architecture})`,
  }
}
