import { createHash } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** Longest line in characters; longer ones are refused as a whole. */
export const LINE_LENGTH_MAX = 65_536

/** Some lines of a text, in order. A line that is too long is null. */
export type Lines = readonly (string | null)[]

/** Bytes of a stream; a Node Readable is one. */
export type ByteStream = AsyncIterable<Uint8Array>

/**
 * Reads the first bytes of a stream without losing them.
 * @returns up to `sizeMin` bytes or more, and the whole stream from its beginning
 */
export async function peek(
  stream: ByteStream,
  sizeMin: number,
): Promise<{ head: Uint8Array; whole: ByteStream }> {
  const iterator = stream[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let size = 0
  while (size < sizeMin) {
    const next = await iterator.next()
    if (next.done === true) break
    chunks.push(next.value)
    size += next.value.byteLength
  }
  const head = Buffer.concat(chunks)
  async function* replay(): AsyncGenerator<Uint8Array> {
    try {
      if (head.byteLength > 0) yield head
      for (;;) {
        const next = await iterator.next()
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  }
  return { head, whole: replay() }
}

/** True for bytes that begin like a gzip member (RFC 1952). */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

/** Unpacks gzip; several members in a row are fine. Errors of the data surface while reading. */
export function gunzip(stream: ByteStream): ByteStream {
  const unpacker = createGunzip()
  pipeline(Readable.from(stream, { objectMode: false }), unpacker, () => {})
  return unpacker
}

/**
 * Cuts a text into lines, which end with LF or CRLF. UTF-8, or UTF-16 with its byte order mark;
 * bytes that are neither become U+FFFD and spoil only their field. Memory is bounded by a chunk and
 * a line.
 */
export async function* readLines(stream: ByteStream): AsyncGenerator<Lines> {
  let decoder: InstanceType<typeof TextDecoder> | null = null
  let rest = ''
  let isSkipping = false
  function cut(text: string): Lines {
    const lines: (string | null)[] = []
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const piece = text.slice(from, end)
      const line = from === 0 ? rest + piece : piece
      if (from === 0) rest = ''
      lines.push(isSkipping || line.length > LINE_LENGTH_MAX ? null : trimReturn(line))
      isSkipping = false
      from = end + 1
    }
    if (!isSkipping) rest = from === 0 ? rest + text : text.slice(from)
    if (rest.length > LINE_LENGTH_MAX) {
      rest = ''
      isSkipping = true
    }
    return lines
  }
  for await (const chunk of stream) {
    decoder ??= new TextDecoder(encodingOf(chunk))
    const lines = cut(decoder.decode(chunk, { stream: true }))
    if (lines.length > 0) yield lines
  }
  const last = cut(decoder?.decode() ?? '')
  if (last.length > 0) yield last
  if (isSkipping) yield [null]
  else if (rest !== '') yield [trimReturn(rest)]
}

function trimReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function encodingOf(head: Uint8Array): string {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  return head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : 'utf-8'
}

/** SHA-256 of some texts and of a stream's bytes, as hex. */
export async function hashOf(texts: readonly string[], bytes: ByteStream): Promise<string> {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(`${text.length}:${text};`)
  for await (const chunk of bytes) hash.update(chunk)
  return hash.digest('hex')
}
