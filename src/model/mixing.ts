/** A hash of 32 bits, for lots and shares that must be the same in every process. */

/**
 * Mixes 32 bits one to one: each bit of the input moves half of the output. The finalizer found by
 * search at github.com/skeeto/hash-prospector ("lowbias32"). The result is a signed integer.
 */
export function mix(value: number): number {
  let hash = value ^ (value >>> 16)
  hash = Math.imul(hash, 0x21f0_aaad)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x735a_2d97)
  return hash ^ (hash >>> 15)
}
