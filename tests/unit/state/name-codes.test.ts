import { expect, it } from 'vitest'
import { codeOfName } from '../../../src/state/name-codes.ts'

it('numbers names from 1, in the order in which they came, each once', () => {
  const names: string[] = []
  expect(['a', 'b', 'a', 'c', 'b'].map((name) => codeOfName(names, name))).toEqual([1, 2, 1, 3, 2])
  expect(names).toEqual(['a', 'b', 'c'])
})

it('knows the names of a list that was loaded, or that grew beside it', () => {
  const names = structuredClone(['a', 'b'])
  expect(codeOfName(names, 'b')).toBe(2)
  names.push('c')
  expect(codeOfName(names, 'c')).toBe(3)
  expect(codeOfName(names, 'd')).toBe(4)
  expect(codeOfName(structuredClone(names), 'd')).toBe(4)
})

it('asks no name twice for so many that a search would not end', () => {
  // A list of names that counts how often one of them is read.
  let reads = 0
  const names = new Proxy<string[]>([], {
    get: (list, key) => {
      if (typeof key === 'string' && /^[0-9]+$/.test(key)) reads += 1
      return Reflect.get(list, key) as unknown
    },
  })
  for (let i = 0; i < 5_000; i++) codeOfName(names, `name ${i}`)
  expect(reads).toBeLessThan(10_000)
})
