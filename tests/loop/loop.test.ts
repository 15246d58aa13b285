import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import type { LoopTally } from './run-case.ts'

const CASES = 40
const SEED = process.env.HIGHWATER_SEED ?? '4000'
const MAIN = join(import.meta.dirname, 'main.ts')
const FLAG = '--external-memory-accounted-in-global-limit'

it(`says what came of random deliveries as the naive model does (seeds from ${SEED})`, async () => {
  // In a process of its own: the flags that make machines cheap are those of the command.
  const args = [FLAG, MAIN, '--cases', String(CASES), '--seed', SEED, '--json']
  const env = { MALLOC_MMAP_THRESHOLD_: '1048576', ...process.env }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  const { cases, counts } = JSON.parse(stdout) as LoopTally
  expect(cases).toBe(CASES)
  // That the sample is about something: everything that may come back has come back.
  for (const name of [
    'sent',
    'expired',
    'replied',
    'clicked',
    'ordered',
    'opted-out',
    'question',
  ]) {
    expect(counts[name], name).toBeGreaterThan(CASES / 8)
  }
  for (const name of ['unknown-delivery', 'unattributed', 'bad-time', 'repeats']) {
    expect(counts[name], name).toBeGreaterThan(CASES / 8)
  }
}, 120_000)
