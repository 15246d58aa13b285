/**
 * A seeded source of pseudo-random numbers (sfc32 of PractRand, 2^64 and more numbers per seed):
 * the same seed gives the same numbers on every machine. Not for secrets.
 */
export class Random {
  /** What it was made from; print it wherever a run should be repeatable. */
  readonly seed: number
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param seed whole, 0 to 2^53-1 */
  constructor(seed: number) {
    this.seed = seed
    this.#a = Math.floor(seed / 4_294_967_296) | 0
    this.#b = seed | 0
    this.#c = 0x9e37_79b9 | 0
    for (let i = 0; i < 15; i++) this.next()
  }

  /** Whole, 0 to 2^32-1. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }

  /** From 0 up to, not including, 1, in steps of 2^-32. */
  fraction(): number {
    return this.next() * 2 ** -32
  }

  /** Whole, 0 up to, not including, `bound`, which is 1 to 2^32. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }
}

/** Mixes a whole number into 32 bits that look random; the same number gives the same bits. */
export function scramble(value: number): number {
  let mixed = Math.imul((value ^ (value >>> 16)) + 0x6d2b_79f5, 0x21f0_aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

/**
 * A share that a number has for good, from 0 inclusive to 1 exclusive: the answer to a question
 * about it, drawn anew for each question and seed, in whatever order they are asked.
 */
export function seededShare(seed: number, question: string, number: number): number {
  let salt = seed | 0
  for (let i = 0; i < question.length; i++) salt = scramble(salt ^ question.charCodeAt(i))
  return scramble(scramble(number) ^ salt) / 2 ** 32
}
