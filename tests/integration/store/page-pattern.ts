/** What the killed process writes, and what its reader expects. */

export const PAGE_COUNT = 600

/** A page that says its generation and number in every word. */
export function pageOf(generation: number, page: number): Uint8Array {
  const words = new Uint32Array(1018)
  for (let i = 0; i < words.length; i++) words[i] = generation * 1_000_003 + page * 31 + i
  return new Uint8Array(words.buffer)
}

export function generationEntries(generation: number): ReadonlyMap<string, Uint8Array> {
  return new Map([['generation', new Uint8Array(new Uint32Array([generation]).buffer)]])
}
