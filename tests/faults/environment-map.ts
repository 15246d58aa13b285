/**
 * Where things lie in an LMDB file: an own, trusting reader of a sound environment, so that a
 * family can damage exactly what it means to. Layout as described in src/store/environment-tree.ts.
 */

/** A value of one of our trees. */
export interface StoredValue {
  readonly tree: string
  readonly key: Buffer
  /** Of its first byte in the file. */
  readonly offset: number
  readonly size: number
}

/** What an environment is made of. Offsets and sizes in bytes. */
export interface EnvironmentMap {
  readonly pageSize: number
  readonly values: readonly StoredValue[]
  /** Offsets of the pages of all trees that are in force, and of both that describe them. */
  readonly treePages: readonly number[]
}

const HEAD = 24
const LEAF = 2
const ELSEWHERE = 1
const TREE = 2

/** Maps the last commit of a sound file. */
export function mapEnvironment(file: Buffer): EnvironmentMap {
  const pageSize = file.readUInt32LE(HEAD + 24)
  const transactionOf = (meta: number): bigint => file.readBigUInt64LE(meta + HEAD + 128)
  const meta = transactionOf(0) >= transactionOf(pageSize) ? 0 : pageSize
  const values: StoredValue[] = []
  const treePages = [0, pageSize]
  const walk = (root: bigint, tree: string): void => {
    if (root === 2n ** 64n - 1n) return
    const page = Number(root) * pageSize
    treePages.push(page)
    const isLeaf = file.readUInt16LE(page + 18) === LEAF
    const count = file.readUInt16LE(page + 20) / 2
    for (let index = 0; index < count; index++) {
      const node = page + HEAD + file.readUInt16LE(page + HEAD + 2 * index)
      const low = file.readUInt32LE(node)
      const flags = file.readUInt16LE(node + 4)
      if (!isLeaf) {
        walk(BigInt(low) + (BigInt(flags) << 32n), tree)
        continue
      }
      const keySize = file.readUInt16LE(node + 6)
      const data = node + 8 + keySize
      const key = file.subarray(node + 8, data)
      if (flags === TREE) {
        const name = key.toString('latin1').replace('\0', '')
        walk(file.readBigUInt64LE(data + 40), name)
      } else if (flags === ELSEWHERE) {
        const first = Number(file.readBigUInt64LE(data))
        values.push({ tree, key, offset: first * pageSize + HEAD, size: low })
      } else {
        values.push({ tree, key, offset: data, size: low })
      }
    }
  }
  walk(file.readBigUInt64LE(meta + HEAD + 24 + 40), 'free pages')
  walk(file.readBigUInt64LE(meta + HEAD + 72 + 40), 'trees')
  return { pageSize, values, treePages }
}
