import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSecret } from '../../../src/config/secrets.ts'
import { SecretError } from '../../../src/errors.ts'

let folder: string
let file: string
const warnings: string[] = []
const warn = (message: string): void => void warnings.push(message)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'highwater-secrets-'))
  file = join(folder, 'hunter2')
  warnings.length = 0
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(text: string, mode = 0o600): void {
  writeFileSync(file, text)
  chmodSync(file, mode)
}

test('a secret comes from the file, and is read again by each call', () => {
  write('first\n')
  const secret = openSecret('nats.passwordFile', file, warn, {})
  expect(secret?.()).toBe('first')
  write('  second  \n')
  expect(secret?.()).toBe('second')
  expect(warnings).toEqual([])
})

test('a file that goes away leaves the last secret in use, and says so', () => {
  write('first')
  const secret = openSecret('nats.tokenFile', file, warn, {})
  rmSync(file)
  expect(secret?.()).toBe('first')
  write('')
  expect(secret?.()).toBe('first')
  expect(warnings).toHaveLength(2)
  expect(warnings[0]).toContain('nats.tokenFile cannot be read: ENOENT')
})

test('without a file it comes from the environment, and without both there is none', () => {
  expect(openSecret('http.tokenFile', null, warn, {})).toBeNull()
  expect(openSecret('http.tokenFile', null, warn, { HIGHWATER_HTTP_TOKEN: ' a ' })?.()).toBe('a')
})

test.each([
  ['a file that is missing', (): void => undefined, {}],
  ['an empty file', (): void => write('\n'), {}],
  ['a file that is no secret by its size', (): void => write('x'.repeat(70_000)), {}],
  ['file and variable at once', (): void => write('a'), { HIGHWATER_HTTP_TOKEN: 'b' }],
] as const)('%s is an error that names the setting, and neither path nor value', (_, make, env) => {
  make()
  let message = ''
  try {
    openSecret('http.tokenFile', file, warn, env)
  } catch (error) {
    expect(error).toBeInstanceOf(SecretError)
    message = (error as Error).message
  }
  expect(message).toContain('http.tokenFile')
  expect(message).not.toContain('hunter2')
})

test('an empty variable is a mistake, not the absence of a secret', () => {
  expect(() => openSecret('http.tokenFile', null, warn, { HIGHWATER_HTTP_TOKEN: '' })).toThrow(
    'HIGHWATER_HTTP_TOKEN is empty',
  )
})

test('a file that everybody may read is warned of', () => {
  write('a', 0o640)
  openSecret('nats.nkeyFile', file, warn, {})
  expect(warnings).toEqual([])
  write('a', 0o644)
  openSecret('nats.nkeyFile', file, warn, {})
  expect(warnings).toEqual([
    'everybody on this machine may read the file of nats.nkeyFile: chmod o-r it',
  ])
})
