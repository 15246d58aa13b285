import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkAnswers } from '../../../bench/peers/files.ts'

/** Subscribers with an even number belong to stream 0, others to stream 1. */
const EXPECTED = ['10 2026-11 3', '11 2026-11 3', '12 2026-11 7', '13 2026-11 8']

/** Checks one answer against EXPECTED. */
async function check(...lines: string[]): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'highwater-answers-'))
  try {
    writeFileSync(join(folder, 'expected.txt'), `${EXPECTED.join('\n')}\n`)
    writeFileSync(join(folder, 'engine.answer'), `${lines.join('\n')}\n`)
    return await checkAnswers(folder, () => {})
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('an answer equals what as many records make fire', async () => {
  expect(await check('# records 7', '11 2026-11', '10 2026-11')).toBe(true)
  expect(await check('# records 8', '11 2026-11', '10 2026-11')).toBe(false)
  expect(await check('# records 7', '11 2026-11')).toBe(false)
  expect(await check('# records 7', '11 2026-11', '10 2026-11', '10 2026-11')).toBe(false)
  expect(await check('# records 7', '11 2026-11', '10 2026-10')).toBe(false)
})

test('of several streams, each counts its own records', async () => {
  expect(await check('# records 8 3', '10 2026-11', '12 2026-11')).toBe(true)
  expect(await check('# records 3 9', '11 2026-11', '13 2026-11')).toBe(true)
  expect(await check('# records 3 8', '11 2026-11', '13 2026-11')).toBe(false)
})

test('an answer says how many records it has seen', async () => {
  await expect(check('10 2026-11')).rejects.toThrow('records K')
})
