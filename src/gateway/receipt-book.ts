/**
 * Which delivery a receipt is about: the target gave a name to each part when it took it over, and
 * names that part when it says what became of it. Kept in memory, bounded; made again at a start
 * from what GATE holds.
 */

/** A delivery whose receipts may come. */
interface Expected {
  readonly id: string
  readonly owner: number
  /** Names of parts that have not arrived yet. */
  readonly open: Set<string>
  isSettled: boolean
}

/** What a receipt means for its delivery. `owner`: whoever added it. */
export interface ReceiptMeaning {
  readonly id: string
  readonly owner: number
  /** `part`: others of its parts are still under way; `repeat`: it was known before. */
  readonly kind: 'delivered' | 'failed' | 'part' | 'repeat'
}

/** Receipts that are expected, the oldest forgotten first when there are too many. */
export class ReceiptBook {
  readonly #countMax: number
  readonly #expected = new Map<string, Expected>()

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  get count(): number {
    return this.#expected.size
  }

  /** `owner` sent delivery `id` in parts that bear these names. */
  add(receipts: readonly string[], id: string, owner: number): void {
    const expected: Expected = { id, owner, open: new Set(receipts), isSettled: false }
    for (const receipt of receipts) this.#expected.set(receipt, expected)
    for (const receipt of this.#expected.keys()) {
      if (this.#expected.size <= this.#countMax) break
      this.#expected.delete(receipt)
    }
  }

  has(receipt: string): boolean {
    return this.#expected.has(receipt)
  }

  /** Takes a receipt in; null: nobody expects it. A delivery fails with its first failed part. */
  take(receipt: string, state: 'delivered' | 'failed'): ReceiptMeaning | null {
    const expected = this.#expected.get(receipt)
    if (expected === undefined) return null
    const { id, owner, open } = expected
    if (expected.isSettled || !open.delete(receipt)) return { id, owner, kind: 'repeat' }
    if (state === 'delivered' && open.size > 0) return { id, owner, kind: 'part' }
    expected.isSettled = true
    return { id, owner, kind: state }
  }

  /** What GATE says came before: it is not said again. */
  replay(kind: 'delivered' | 'failed' | 'part', receipt: string | null): void {
    const expected = receipt === null ? undefined : this.#expected.get(receipt)
    if (expected === undefined) return
    expected.open.delete(receipt!)
    if (kind !== 'part') expected.isSettled = true
  }
}
