/** Copies of a partition's image: what they are read from, and what is known of each. */

import type { PageStore } from './ports.ts'

/** An image that can be read: a store, a moment of a store, or a backup. */
export type ImageReader = Pick<PageStore, 'readManifest' | 'readPage'>

/** A store as it was at one moment; must be released, and may end before that with its store. */
export interface StoreSnapshot extends ImageReader {
  /** Gives it up; may be called twice. Reading afterwards throws StoreError. */
  release(): void
}

/** What stands beside a backup, as JSON: whose image it is, and where that stands. */
export interface BackupNote {
  readonly version: 1
  /** Name of the backup in its directory. */
  readonly file: string
  readonly partition: number
  readonly partitionCount: number
  /** Which checkpoint of its partition it is a copy of. */
  readonly generation: number
  /** Last input applied: IN must still hold the next one, or the backup cannot go on. */
  readonly inputSequence: number
  readonly decisionNumber: number
  /** Version of the engine that wrote the image, its runtime, time zone data and architecture. */
  readonly engine: string
  /** RFC 3339, by the worker's clock. */
  readonly takenAt: string
  readonly pageCount: number
  readonly sizeBytes: number
  /** Hex, of the whole file. */
  readonly sha256: string
}

/** Outcome of a request for backups. */
export type BackupOutcome =
  | { readonly kind: 'taken'; readonly backups: readonly BackupNote[] }
  /** `backup.directory` is not set. */
  | { readonly kind: 'not-configured' }
  /** No partition of that number here, or none with an image yet. */
  | { readonly kind: 'no-image'; readonly error: string }
  /** Another one of the same partition is being made. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed'; readonly error: string }
