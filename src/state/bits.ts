/** Arithmetic on the bits of 32-bit words. */

/** Bits set in the low 32. */
export function countBits(value: number): number {
  let bits = value >>> 0
  bits -= (bits >>> 1) & 0x5555_5555
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
  return (((bits + (bits >>> 4)) & 0x0f0f_0f0f) * 0x0101_0101) >>> 24
}
