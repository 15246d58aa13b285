import { open, readFile, rename } from 'node:fs/promises'
import { UsageError } from '../errors.ts'
import { PRODUCER_NAME } from '../model/wire.ts'

/**
 * What a probe must remember over a restart so that it never uses a seq for two different batches.
 */
export interface SavedSequence {
  readonly probe: string
  readonly epoch: number
  /** Seqs below these may have been used, by partition. */
  readonly nextSeqs: readonly number[]
}

/** Seqs reserved ahead with each save; a restart skips what is left of them. */
const RESERVED_SEQS = 10_000

/**
 * The saved seqs of a probe, in a small JSON file. Seqs are reserved ahead, so that a probe that
 * was killed goes on above everything that it may have sent. A gap in seqs means nothing to a
 * partition.
 */
export class SavedSequenceFile {
  readonly path: string
  #reserved: SavedSequence | null = null

  constructor(path: string) {
    this.path = path
  }

  /**
   * What was saved, or null when there is no file.
   * @throws UsageError when the file is not one of ours, or of another probe or partition count
   */
  async load(probe: string, partitionCount: number): Promise<SavedSequence | null> {
    let text: string
    try {
      text = await readFile(this.path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw new UsageError(`cannot read ${this.path}`, { cause: error })
    }
    const saved = parseSaved(text)
    if (saved === null) throw new UsageError(`${this.path} is not the saved state of a probe`)
    if (saved.probe !== probe || saved.nextSeqs.length !== partitionCount) {
      throw new UsageError(
        `${this.path} belongs to probe ${saved.probe} with ${saved.nextSeqs.length} partitions`,
      )
    }
    return saved
  }

  /** Makes sure that the file covers these seqs, before any of them is used. */
  async reserve(next: SavedSequence): Promise<void> {
    const reserved = this.#reserved
    if (reserved !== null && reserved.epoch === next.epoch) {
      const isCovered = next.nextSeqs.every((seq, partition) => seq < reserved.nextSeqs[partition]!)
      if (isCovered) return
    }
    const nextSeqs = next.nextSeqs.map((seq) => seq + RESERVED_SEQS)
    await this.#write({ ...next, nextSeqs })
  }

  /** Saves exact seqs, when nothing is under way any more. */
  async settle(next: SavedSequence): Promise<void> {
    await this.#write(next)
  }

  async #write(saved: SavedSequence): Promise<void> {
    const draft = `${this.path}.${process.pid}.tmp`
    const file = await open(draft, 'w')
    try {
      await file.writeFile(`${JSON.stringify({ version: 1, ...saved })}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, this.path)
    this.#reserved = saved
  }
}

function parseSaved(text: string): SavedSequence | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { version, probe, epoch, nextSeqs } = value as Record<string, unknown>
  if (version !== 1 || typeof probe !== 'string' || !PRODUCER_NAME.test(probe)) return null
  if (!isSequence(epoch) || !Array.isArray(nextSeqs) || !nextSeqs.every(isSequence)) return null
  return { probe, epoch, nextSeqs }
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
