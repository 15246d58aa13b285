import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MUTANTS } from './list.ts'
import { mutate } from './mutant.ts'

const PROJECT = join(import.meta.dirname, '..', '..')

describe('the list of protections', () => {
  test.each(MUTANTS)('$name: what is removed stands in the engine just once', async (mutant) => {
    const text = await readFile(join(PROJECT, mutant.file), 'utf8')
    expect(mutate(text, mutant)).not.toBeNull()
  })

  test('names each once', () => {
    const names = MUTANTS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  test('every suite exists', async () => {
    for (const suite of new Set(MUTANTS.flatMap(({ suites }) => suites))) {
      await readFile(join(PROJECT, 'tests', suite))
    }
  })
})

describe('a change of text', () => {
  const mutant = {
    name: 'm',
    protection: 'none',
    file: 'f',
    before: 'if (x)',
    after: 'if (y)',
    suites: [],
  }

  test('replaces what stands there once', () => {
    expect(mutate('a if (x) b', mutant)).toBe('a if (y) b')
  })

  test.each(['nothing', 'if (x) if (x)'])('refuses "%s"', (text) => {
    expect(mutate(text, mutant)).toBeNull()
  })
})
