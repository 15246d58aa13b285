/**
 * Texts of subjects, made once each: a stream has few of them, and a text per message would be made
 * and hashed again for every one.
 */

/** A power of two; two subjects that meet in one place only cost their texts. */
const PLACES = 1024
const HASH_MULTIPLIER = 0x01000193

interface KnownSubject {
  readonly hash: number
  readonly bytes: Uint8Array
  readonly text: string
}

/** Subjects seen lately, at most one per place. */
export class SubjectTexts {
  readonly #known: (KnownSubject | undefined)[] = new Array<undefined>(PLACES).fill(undefined)
  readonly #decoder = new TextDecoder()

  /** The text of the bytes from `start` to `end`. */
  textOf(bytes: Uint8Array, start: number, end: number): string {
    let hash = end - start
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, HASH_MULTIPLIER)
    const place = (hash ^ (hash >>> 16)) & (PLACES - 1)
    const known = this.#known[place]
    if (known !== undefined && known.hash === hash && isEqual(known.bytes, bytes, start, end)) {
      return known.text
    }
    const own = bytes.slice(start, end)
    const text = this.#decoder.decode(own)
    this.#known[place] = { hash, bytes: own, text }
    return text
  }
}

function isEqual(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}
