import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PROJECT_ROOT } from '../../src/launch.mjs'
import { type LockFile, type LockedPackage, lockProblems, type Manifest } from './lock-file.ts'
import { judgeAudit } from './npm-audit.ts'

const read = (file: string): unknown => JSON.parse(readFileSync(join(PROJECT_ROOT, file), 'utf8'))
const lock = read('package-lock.json') as LockFile
const manifest = read('package.json') as Manifest

test('the lock file holds nothing that is not pinned, hashed, from the registry and licensed', () => {
  expect(Object.keys(lock.packages).length).toBeGreaterThan(100)
  expect(lockProblems(lock, manifest)).toEqual([])
})

describe('the check of the lock file complains of', () => {
  const path = 'node_modules/fastify'
  const changed = (entry: LockedPackage): LockFile => ({
    ...lock,
    packages: { ...lock.packages, [path]: { ...lock.packages[path], ...entry } },
  })
  const { integrity: _, ...unhashed } = lock.packages[path]!

  test.each([
    [
      'a package from git',
      changed({ resolved: 'git+ssh://git@host.example/a.git#1' }),
      'from git+',
    ],
    ['a package from an address', changed({ resolved: 'http://host.example/a.tgz' }), 'from http:'],
    ['a weak hash', changed({ integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }), 'no hash'],
    [
      'no hash',
      { ...lock, packages: { ...lock.packages, [path]: unhashed } } as LockFile,
      'no hash',
    ],
    ['a folder', changed({ link: true }), 'no package of its own'],
    ['another licence', changed({ license: 'GPL-3.0-only' }), 'licensed as GPL-3.0-only'],
    ['a licence that only tools may have', changed({ license: 'MPL-2.0' }), 'licensed as MPL-2.0'],
    ['an install script', changed({ hasInstallScript: true }), 'wants to run a script'],
  ] as const)('%s', (_name, tampered, words) => {
    const problems = lockProblems(tampered, manifest)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(words)
  })

  test('a declaration that package.json does not have, and one that leaves a choice', () => {
    const dependencies = { ...manifest.dependencies, fastify: '^5.0.0' }
    const words = 'dependencies differ in fastify'
    expect(lockProblems(lock, { ...manifest, dependencies })).toEqual([words])
    const root = { ...lock.packages[''], dependencies }
    const both = { ...lock, packages: { ...lock.packages, '': root } }
    expect(lockProblems(both, { ...manifest, dependencies })).toEqual([
      'fastify is not of one exact version',
    ])
  })
})

describe('what npm audit said is', () => {
  const report = (total: number, vulnerabilities = {}) =>
    JSON.stringify({ vulnerabilities, metadata: { vulnerabilities: { total } } })

  test('clean when there is a report and nothing in it', () => {
    expect(judgeAudit(report(0))).toMatchObject({ kind: 'clean', exitCode: 0 })
  })

  test('found when there is something, by name', () => {
    const verdict = judgeAudit(report(1, { a: { severity: 'high', range: '<2' } }))
    expect(verdict).toMatchObject({ kind: 'found', exitCode: 1 })
    expect(verdict.lines).toContain('  high a <2')
  })

  test.each([
    ['an error of the registry', '{"message":"405","statusCode":405,"error":{"summary":""}}'],
    ['an error of the network', '{"error":{"code":"ENOTFOUND","summary":"…"}}'],
    ['nothing', ''],
    ['a page of some proxy', '<html>'],
    ['an empty report', '{}'],
  ])('no answer, and never clean, after %s', (_, output) => {
    expect(judgeAudit(output)).toMatchObject({ kind: 'no-answer', exitCode: 3 })
  })
})
