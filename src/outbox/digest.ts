/**
 * The running digest of all decisions: 64 bits, fed with the encoded bytes of one decision after
 * the other, so it does not depend on how decisions are grouped into messages. It tells a replay
 * that decides otherwise; it is no defence against forgery (the stream's permissions are).
 *
 * Two lanes of MurmurHash3's mixing, each entry closed by its length and cross-mixed.
 */

const MULTIPLIER_A = 0xcc9e2d51
const MULTIPLIER_B = 0x1b873593

/** Digest state: two 32-bit words. Starts at zero, before the first decision. */
export class Digest {
  low = 0
  high = 0

  /** Takes in bytes [start, end). */
  add(bytes: Uint8Array, start: number, end: number): void {
    let a = this.low
    let b = this.high
    let at = start
    for (; at + 4 <= end; at += 4) {
      const word =
        bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
      let mixed = Math.imul(word, MULTIPLIER_A)
      mixed = Math.imul((mixed << 15) | (mixed >>> 17), MULTIPLIER_B)
      a ^= mixed
      a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0
      b = (Math.imul(b ^ word, 0x85ebca6b) + ((b << 7) | (b >>> 25))) | 0
    }
    let tail = 0
    for (; at < end; at++) tail = (tail << 8) | bytes[at]!
    a = finish(a ^ tail ^ (end - start))
    b = finish(b ^ Math.imul(tail, MULTIPLIER_B) ^ (end - start) ^ a)
    this.low = (a + b) | 0
    this.high = b
  }

  /** 16 hex digits. */
  text(): string {
    return formatDigest(this.low, this.high)
  }
}

/** 16 hex digits of a digest's two words. */
export function formatDigest(low: number, high: number): string {
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0')
}

/** The two words of a digest's text. */
export function parseDigest(text: string): { low: number; high: number } {
  return {
    high: Number.parseInt(text.slice(0, 8), 16) | 0,
    low: Number.parseInt(text.slice(8), 16) | 0,
  }
}

function finish(hash: number): number {
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
