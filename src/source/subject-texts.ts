/**
 * Texts of subjects, made once each: a stream has few of them, and a text per message would be made
 * and hashed again for every one. Subjects are compared as words of four bytes.
 */

/** A power of two; two subjects that meet in one place only cost their texts. */
const PLACES = 1024
const HASH_MULTIPLIER = 0x01000193
const WORD_SIZE = 4

interface KnownSubject {
  readonly hash: number
  readonly bytes: DataView
  readonly text: string
}

/** Subjects seen lately, at most one per place. */
export class SubjectTexts {
  readonly #known: (KnownSubject | undefined)[] = new Array<undefined>(PLACES).fill(undefined)
  readonly #decoder = new TextDecoder()

  /** The text of the bytes from `start` to `end`. */
  textOf(view: DataView, start: number, end: number): string {
    const size = end - start
    const last = end - WORD_SIZE
    let hash = size
    for (let at = start; at < last; at += WORD_SIZE) {
      hash = Math.imul(hash ^ view.getInt32(at), HASH_MULTIPLIER)
      hash ^= hash >>> 15
    }
    if (size >= WORD_SIZE) hash = Math.imul(hash ^ view.getInt32(last), HASH_MULTIPLIER)
    const place = (hash ^ (hash >>> 16)) & (PLACES - 1)
    const known = this.#known[place]
    if (known !== undefined && known.hash === hash && isEqual(known.bytes, view, start, size)) {
      return known.text
    }
    const bytes = new Uint8Array(view.buffer, view.byteOffset + start, size).slice()
    const text = this.#decoder.decode(bytes)
    this.#known[place] = { hash, bytes: new DataView(bytes.buffer), text }
    return text
  }
}

function isEqual(known: DataView, view: DataView, start: number, size: number): boolean {
  if (known.byteLength !== size) return false
  const last = size - WORD_SIZE
  if (last < 0) {
    for (let i = 0; i < size; i++) if (known.getUint8(i) !== view.getUint8(start + i)) return false
    return true
  }
  for (let i = 0; i < last; i += WORD_SIZE) {
    if (known.getInt32(i) !== view.getInt32(start + i)) return false
  }
  return known.getInt32(last) === view.getInt32(start + last)
}
