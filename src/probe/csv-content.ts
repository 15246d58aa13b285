/** The bytes of a CSV file or of standard input: what identifies them, and their lines. */

import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { once } from 'node:events'
import { UsageError } from '../errors.ts'
import {
  type ByteStream,
  gunzip,
  hashOf,
  isGzip,
  type Lines,
  peek,
  readLines,
} from './csv-lines.ts'

/** A stream of bytes, plain or gzip, and how its content is known again. */
export interface CsvSource {
  readonly stream: ByteStream
  /** Opens the same bytes once more, for the identity; null: the stream's head stands for it. */
  readonly identity: (() => ByteStream) | null
}

/** A content that was looked at. */
export interface CsvContent {
  /** SHA-256, as hex, of some texts and the content: of a stream, its first MiB. */
  readonly hash: (texts: readonly string[]) => Promise<string>
  /** Its lines, once. */
  readonly lines: () => AsyncGenerator<Lines>
}

const HEAD_SIZE = 1_048_576

/** A file, which is read twice, or `-` for standard input, known by its first MiB. */
export function sourceOf(path: string): CsvSource {
  if (path === '-') return { stream: process.stdin, identity: null }
  return { stream: createReadStream(path), identity: () => createReadStream(path) }
}

/** Reads the head of a source; whether it is compressed shows from the first bytes. */
export async function openContent(source: CsvSource): Promise<CsvContent> {
  const { head, whole } = await peek(source.stream, HEAD_SIZE)
  return {
    // Exactly the first MiB: how a stream is cut into chunks must not matter.
    hash: (texts) => hashOf(texts, source.identity?.() ?? only(head.subarray(0, HEAD_SIZE))),
    lines: () => readLines(isGzip(head) ? gunzip(whole) : whole),
  }
}

/** Opens a file for refused lines. @throws UsageError when it cannot be written */
export async function openRefused(path: string): Promise<WriteStream> {
  const stream = createWriteStream(path)
  try {
    await once(stream, 'open')
  } catch (error) {
    throw new UsageError(`cannot write ${path}`, { cause: error })
  }
  return stream
}

/** Ends a file for refused lines, and waits until it is written. */
export async function closeRefused(stream: WriteStream): Promise<void> {
  stream.end()
  await once(stream, 'close')
}

/** A sentence for trouble with the file or its compression; any other error as it is. */
export function readFailure(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const isOfFile = /^(ENOENT|EACCES|EISDIR|EIO|ERR_ENCODING|Z_)/.test(String(error.code))
  return isOfFile ? new UsageError(`${path}: ${error.message}`, { cause: error }) : error
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
