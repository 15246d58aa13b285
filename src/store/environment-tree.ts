/**
 * A walk over LMDB's own structure before the library opens the file: lmdb 3.5.6 follows a damaged
 * page number or offset blindly, which ends the process with a segmentation fault, or shows a tree
 * that is not the one that was committed. What the values hold is not looked at: each carries a
 * checksum of ours. Costs one read per tree page (4 KiB for about 150 pages of state).
 *
 * Layout (liblmdb mdb.c of lmdb 3.5.6, data version 2; little-endian, 64 bits). A page begins with
 *
 *    0 u64 page number | 8 u64 transaction | 18 u16 flags | 20 u16 lower | 22 u16 upper
 *
 * and goes on at 24 with u16 offsets of its nodes (counted from there; lower / 2 of them). A node:
 *
 *    0 u32 size of the data, or low bits of the child | 4 u16 flags, or high bits of the child
 *    6 u16 key size | 8 key, then data, or where the data lies: u64 page, transaction, count
 *
 * A tree's record (48 bytes): 4 u16 flags | 6 u16 depth | 8 u64 branch, leaf, overflow pages,
 * entries | 40 u64 root. The first two pages hold, from byte 24 on, 16 u64 map size | 24 record of
 * the tree of free pages | 72 record of the main tree | 120 u64 last page | 128 u64 transaction.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { StoreError } from '../errors.ts'

const HEAD_SIZE = 24
const NODE_HEAD_SIZE = 8
const RECORD_SIZE = 48
const PLACE_SIZE = 24
const BRANCH = 1
const LEAF = 2
const META = 8
const NODE_ELSEWHERE = 1
const NODE_TREE = 2
const KEYS_ARE_NUMBERS = 8
/** No subdirectory, and keys of the tree of free pages are numbers: what our options leave here. */
const ENVIRONMENT_FLAGS = 0x4008
const FLAGS_BY_TREE: Readonly<Record<string, number>> = { pages: KEYS_ARE_NUMBERS, manifest: 0 }
const FREE_PAGES = 'free pages'
const NOTHING = new DataView(new ArrayBuffer(0))
const NO_ROOT = 2n ** 64n - 1n
const DEPTH_MAX = 16

interface Tree {
  readonly name: string
  readonly flags: number
  readonly depth: number
  readonly counts: readonly bigint[]
  readonly root: bigint
}

interface Node {
  readonly key: Uint8Array
  /** Where it begins in its page. */
  readonly at: number
}

interface Leaf {
  readonly key: Uint8Array
  readonly flags: number
  readonly data: DataView
}

/**
 * Passes when every page that the last commit reaches is whole and in its place, and no free page
 * is one of them. The file must begin like an environment (`checkEnvironmentFile`).
 * @throws {StoreError} otherwise
 */
export function checkEnvironmentTree(file: string, pageSize: number): void {
  const descriptor = openSync(file, 'r')
  try {
    new TreeWalk(descriptor, pageSize).run()
  } catch (error) {
    if (error instanceof StoreError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new StoreError(`${file} is damaged: ${why}`, { cause: error })
  } finally {
    closeSync(descriptor)
  }
}

/** One walk. Every problem is thrown as a plain Error whose message says what and where. */
class TreeWalk {
  readonly #descriptor: number
  readonly #pageSize: number
  readonly #pageCount: number
  readonly #used: Uint8Array
  #transaction = 0n
  #lastPage = 0n

  constructor(descriptor: number, pageSize: number) {
    this.#descriptor = descriptor
    this.#pageSize = pageSize
    this.#pageCount = Math.ceil(fstatSync(descriptor).size / pageSize)
    this.#used = new Uint8Array(this.#pageCount)
  }

  run(): void {
    const metas = [0, 1].map((page) => this.#readMeta(page))
    // As the library chooses: the later one, of equal ones the first.
    const meta = metas[0]!.transaction >= metas[1]!.transaction ? metas[0]! : metas[1]!
    this.#transaction = meta.transaction
    this.#lastPage = meta.lastPage
    this.#used.fill(1, 0, 2)
    const free: Leaf[] = []
    this.#walk(meta.free, (leaf) => free.push(leaf))
    const trees: Tree[] = []
    this.#walk(meta.main, ({ key, flags, data }) => {
      if (flags !== NODE_TREE || data.byteLength !== RECORD_SIZE) {
        throw new Error('the list of trees holds something else')
      }
      const name = new TextDecoder().decode(key).replace(/\0$/, '')
      trees.push(readRecord(name, data, 0))
    })
    for (const tree of trees) {
      if (tree.flags !== FLAGS_BY_TREE[tree.name])
        throw new Error('there is a tree of another kind')
      this.#walk(tree, () => undefined)
    }
    for (const { data } of free) this.#checkFree(data)
  }

  #readMeta(page: number): { free: Tree; main: Tree; lastPage: bigint; transaction: bigint } {
    const view = this.#read(page)
    const record = (name: string, at: number): Tree => readRecord(name, view, HEAD_SIZE + at)
    const meta = {
      free: { ...record(FREE_PAGES, 24), flags: KEYS_ARE_NUMBERS },
      main: record('trees', 72),
      lastPage: view.getBigUint64(HEAD_SIZE + 120, true),
      transaction: view.getBigUint64(HEAD_SIZE + 128, true),
    }
    const mapSize = view.getBigUint64(HEAD_SIZE + 16, true)
    const isRight =
      view.getUint16(18, true) === META &&
      view.getBigUint64(HEAD_SIZE + 8, true) === 0n &&
      view.getUint32(HEAD_SIZE + 24, true) === this.#pageSize &&
      view.getUint16(HEAD_SIZE + 28, true) === ENVIRONMENT_FLAGS &&
      meta.main.flags === 0 &&
      (meta.lastPage + 1n) * BigInt(this.#pageSize) <= mapSize
    if (!isRight) throw new Error(`page ${page} does not describe an environment of ours`)
    return meta
  }

  #walk(tree: Tree, take: (leaf: Leaf) => void): void {
    if (tree.root === NO_ROOT) {
      if (tree.depth !== 0 || tree.counts.some((count) => count !== 0n)) {
        throw new Error(`the tree of ${tree.name} has no root`)
      }
      return
    }
    if (tree.depth < 1 || tree.depth > DEPTH_MAX) throw new Error(`${tree.name}: a wrong depth`)
    const found = [0n, 0n, 0n, 0n]
    this.#visit(tree, tree.root, 1, [null, null], found, take)
    if (found.some((count, i) => count !== tree.counts[i])) {
      throw new Error(`the tree of ${tree.name} is not as large as its record says`)
    }
  }

  #visit(
    tree: Tree,
    number: bigint,
    depth: number,
    [least, beyond]: readonly [Uint8Array | null, Uint8Array | null],
    found: bigint[],
    take: (leaf: Leaf) => void,
  ): void {
    this.#use(number, 1n)
    const page = Number(number)
    const view = this.#read(page)
    const isLeaf = depth === tree.depth
    const flags = isLeaf ? LEAF : BRANCH
    if (
      view.getBigUint64(0, true) !== number ||
      view.getUint16(18, true) !== flags ||
      view.getBigUint64(8, true) > this.#transaction
    ) {
      throw new Error(`page ${page} is not the one that belongs there`)
    }
    const nodes = this.#readNodes(view, page)
    const compare = tree.flags === KEYS_ARE_NUMBERS ? compareNumbers : compareBytes
    let before = least
    for (const [i, { key, at }] of nodes.entries()) {
      // A branch's first key is empty: it stands for all that its parent's key allows.
      const isOpen = !isLeaf && i === 0
      if (isOpen ? key.length > 0 : before !== null && compare(before, key) >= (i === 0 ? 1 : 0)) {
        throw new Error(`page ${page} has its keys in another order`)
      }
      if (!isOpen && beyond !== null && compare(key, beyond) >= 0) {
        throw new Error(`page ${page} has keys of its neighbour`)
      }
      before = isOpen ? least : key
      if (isLeaf) {
        found[3]! += 1n
        take(this.#readLeaf(tree, view, page, nodes[i]!, found))
      } else {
        const next = nodes[i + 1]?.key ?? beyond
        const child = view.getUint32(at, true) + view.getUint16(at + 4, true) * 2 ** 32
        this.#visit(tree, BigInt(child), depth + 1, [before, next], found, take)
      }
    }
    found[isLeaf ? 1 : 0]! += 1n
  }

  #readNodes(view: DataView, page: number): Node[] {
    const room = this.#pageSize - HEAD_SIZE
    const lower = view.getUint16(20, true)
    const upper = view.getUint16(22, true)
    if (lower === 0 || lower % 2 !== 0 || lower > upper || upper > room) {
      throw new Error(`page ${page} has impossible bounds`)
    }
    return Array.from({ length: lower / 2 }, (_, i) => {
      const offset = view.getUint16(HEAD_SIZE + 2 * i, true)
      const at = HEAD_SIZE + offset
      if (offset < upper || at + NODE_HEAD_SIZE > this.#pageSize) {
        throw new Error(`page ${page} has an entry outside`)
      }
      const size = view.getUint16(at + 6, true)
      if (at + NODE_HEAD_SIZE + size > this.#pageSize) {
        throw new Error(`page ${page} has a key that ends outside`)
      }
      return { key: new Uint8Array(view.buffer, at + NODE_HEAD_SIZE, size), at }
    })
  }

  #readLeaf(tree: Tree, view: DataView, page: number, { key, at }: Node, found: bigint[]): Leaf {
    const flags = view.getUint16(at + 4, true)
    const size = view.getUint32(at, true)
    const dataAt = at + NODE_HEAD_SIZE + key.length
    const inPlaceSize = flags === NODE_ELSEWHERE ? PLACE_SIZE : size
    if (![0, NODE_ELSEWHERE, NODE_TREE].includes(flags) || dataAt + inPlaceSize > this.#pageSize) {
      throw new Error(`page ${page} has an entry that ends outside`)
    }
    if (flags !== NODE_ELSEWHERE) {
      return { key, flags, data: new DataView(view.buffer, dataAt, size) }
    }
    const first = view.getBigUint64(dataAt, true)
    const count = view.getBigUint64(dataAt + 16, true)
    if (count !== BigInt(Math.ceil((HEAD_SIZE + size) / this.#pageSize))) {
      throw new Error(`page ${page} has an entry of an impossible size`)
    }
    this.#use(first, count)
    found[2]! += count
    const data = tree.name === FREE_PAGES ? this.#readBytes(first, size) : NOTHING
    return { key, flags, data }
  }

  /** Pages of one record of the tree of free pages: a negative number is the length of a run. */
  #checkFree(data: DataView): void {
    if (data.byteLength === 0) return
    const count = Number(data.getBigUint64(0, true))
    if (8 + 8 * count > data.byteLength) throw new Error('a list of free pages is cut short')
    for (let i = 1; i <= count; i++) {
      const entry = data.getBigInt64(8 * i, true)
      if (entry === 0n) continue
      if (entry > 0n) {
        this.#use(entry, 1n)
        continue
      }
      i += 1
      if (i > count) throw new Error('a list of free pages is cut short')
      this.#use(data.getBigInt64(8 * i, true), -entry)
    }
  }

  /** Takes pages for one use: a second one is damage, and so is a page that cannot be. */
  #use(first: bigint, count: bigint): void {
    if (first < 2n || count < 1n || first + count - 1n > this.#lastPage) {
      throw new Error(`page ${first} cannot be`)
    }
    const end = Number(first + count)
    for (let page = Number(first); page < end && page < this.#pageCount; page++) {
      if (this.#used[page] !== 0) throw new Error(`page ${page} is in use twice`)
      this.#used[page] = 1
    }
  }

  #read(page: number): DataView {
    return this.#readAt(page * this.#pageSize, this.#pageSize)
  }

  #readBytes(firstPage: bigint, size: number): DataView {
    return this.#readAt(Number(firstPage) * this.#pageSize + HEAD_SIZE, size)
  }

  #readAt(at: number, size: number): DataView {
    const view = new DataView(new ArrayBuffer(size))
    if (readSync(this.#descriptor, view, 0, size, at) === size) return view
    throw new Error(`page ${Math.floor(at / this.#pageSize)} lies behind the end of the file`)
  }
}

function readRecord(name: string, view: DataView, at: number): Tree {
  return {
    name,
    flags: view.getUint16(at + 4, true),
    depth: view.getUint16(at + 6, true),
    counts: [8, 16, 24, 32].map((offset) => view.getBigUint64(at + offset, true)),
    root: view.getBigUint64(at + 40, true),
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** Little-endian numbers of one size; another size is damage, too. */
function compareNumbers(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) throw new Error('keys of two sizes')
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return a[i]! - b[i]!
  return 0
}
