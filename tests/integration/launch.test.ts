/**
 * The launcher in a project of its own: a temporary folder with a copy of it, a PATH that holds
 * only what the test puts there, and stand-ins for Debian's tools that do what these do with one
 * file.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { arePackagesInstalled, PROJECT_ROOT } from '../../src/launch.mjs'

interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

let root = ''
let path = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'highwater-launch-'))
  path = join(root, 'path')
  mkdirSync(path)
  symlinkSync(process.execPath, join(path, 'node'))
  mkdirSync(join(root, 'src'))
  copyFileSync(join(PROJECT_ROOT, 'src', 'launch.mjs'), join(root, 'src', 'launch.mjs'))
})

afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

describe('packages', () => {
  const wanted = {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/a-darwin': { version: '1.0.0', optional: true },
  }

  test('a record that holds what the lock file says is up to date without foreign systems', () => {
    writePackages(wanted, { 'node_modules/a': { version: '1.0.0' } })
    expect(arePackagesInstalled(root)).toBe(true)
  })

  test.each([
    ['a package that is missing', {}],
    ['another version', { 'node_modules/a': { version: '1.0.1' } }],
    [
      'another version of an optional package',
      { 'node_modules/a': { version: '1.0.0' }, 'node_modules/a-darwin': { version: '2.0.0' } },
    ],
    ['an installation that was broken off', null],
  ])('%s is not up to date', (_name, present) => {
    writePackages(wanted, present)
    expect(arePackagesInstalled(root)).toBe(false)
  })

  test('without a lock file there is nothing to install', () => {
    expect(arePackagesInstalled(root)).toBe(true)
  })

  test('an installation that fails ends in one sentence, the reason and exit code 2', () => {
    writePackages(wanted, null)
    writeProgram(join(path, 'npm'), "console.error('npm error no network'); process.exit(1)")
    const outcome = launchToEnd(['tool', 'a'])
    expect(outcome.code).toBe(2)
    expect(outcome.stderr).toContain('highwater: npm ci failed.\nnpm error no network\n')
    expect(readdirSync(join(root, '.cache', 'locks'))).toEqual([])
  })

  test('two launchers at once install once, and both go on', async () => {
    writePackages(wanted, null)
    writeFileSync(join(root, 'src', 'main.ts'), "console.log('ran')")
    writeProgram(
      join(path, 'npm'),
      `fs.appendFileSync('calls', 'npm ' + process.argv[2] + '\\n')
       await new Promise((resolve) => setTimeout(resolve, 300))
       fs.mkdirSync('node_modules', { recursive: true })
       fs.writeFileSync('node_modules/.package-lock.json',
         JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } }))`,
    )
    const outcomes = await Promise.all([ended(start(['x'])), ended(start(['x']))])
    expect(outcomes.map(({ stdout }) => stdout)).toEqual(['ran\n', 'ran\n'])
    expect(readFileSync(join(root, 'calls'), 'utf8')).toBe('npm ci\n')
  })
})

describe("Debian's programs", () => {
  test('two processes at once unpack a package once, and both get the program', async () => {
    writeDebian('fetched')
    const outcomes = await Promise.all([ended(ensure('promtool')), ended(ensure('prometheus'))])
    const bin = join(root, '.cache', 'bin')
    expect(outcomes.map(({ stdout }) => stdout)).toEqual([
      join(bin, 'promtool'),
      join(bin, 'prometheus'),
    ])
    expect(readFileSync(join(bin, 'promtool'), 'utf8')).toContain('promtool of fetched')
    expect(readFileSync(join(root, 'calls'), 'utf8')).toBe('update\ndownload prometheus\n')
    expect(readdirSync(join(root, '.cache')).sort()).toEqual(['bin', 'locks'])
  })

  test('a program that is a link into another package comes with that and its libraries', async () => {
    writeDebian('fetched')
    writeProgram(
      join(path, 'dpkg-deb'),
      `const tree = process.argv[4]
       fs.mkdirSync(tree + '/usr/bin', { recursive: true })
       fs.mkdirSync(tree + '/usr/lib/here', { recursive: true })
       fs.writeFileSync(tree + '/usr/bin/redis-check-rdb', '#', { mode: 0o755 })
       fs.symlinkSync('redis-check-rdb', tree + '/usr/bin/redis-server')
       fs.writeFileSync(tree + '/usr/lib/here/liblzf.so.1', '')`,
    )
    const outcome = await ended(ensure('redis-server'))
    expect(outcome.stdout).toBe(join(root, '.cache', 'bin', 'redis-server'))
    expect(lstatSync(outcome.stdout).isFile()).toBe(true)
    expect(existsSync(join(root, '.cache', 'lib', 'here', 'liblzf.so.1'))).toBe(true)
    expect(readFileSync(join(root, 'calls'), 'utf8')).toBe(
      'update\ndownload redis-server redis-tools liblzf1 libjemalloc2\n',
    )
  })

  test('what was unpacked once is found again without a word', async () => {
    writeDebian('fetched')
    await ended(ensure('promtool'))
    const again = await ended(ensure('promtool'))
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(again.stdout).toBe(join(root, '.cache', 'bin', 'promtool'))
  })

  test('a program on PATH goes before the cache', async () => {
    writeDebian('fetched')
    writeProgram(join(path, 'promtool'), '')
    expect((await ended(ensure('promtool'))).stdout).toBe(join(path, 'promtool'))
    expect(existsSync(join(root, 'calls'))).toBe(false)
  })

  test('the variable goes before PATH, and must name a program', async () => {
    writeProgram(join(path, 'promtool'), '')
    const chosen = join(root, 'my-promtool')
    writeProgram(chosen, '')
    const right = await ended(ensure('promtool', { HIGHWATER_PROMTOOL: chosen }))
    expect(right.stdout).toBe(chosen)
    const wrong = await ended(ensure('promtool', { HIGHWATER_PROMTOOL: `${chosen}-not` }))
    expect(wrong.stdout).toBe(
      `HW_USAGE HIGHWATER_PROMTOOL names ${chosen}-not, which is not a program.`,
    )
  })

  test('a package that cannot be fetched leaves nothing behind', async () => {
    writeDebian('fetched')
    writeProgram(join(path, 'apt-get'), "console.error('E: no network'); process.exit(100)")
    const outcome = await ended(ensure('promtool'))
    expect(outcome.stdout).toBe(
      "HW_USAGE Debian's package prometheus could not be fetched: install it, or make apt-get work." +
        '\nE: no network',
    )
    expect(readdirSync(join(root, '.cache'))).toEqual(['locks'])
    expect(readdirSync(join(root, '.cache', 'locks'))).toEqual([])
  })

  test('a machine without apt-get is told what to install', async () => {
    const outcome = await ended(ensure('promtool'))
    expect(outcome.stdout).toBe(
      'HW_USAGE promtool is missing: install it on PATH or set HIGHWATER_PROMTOOL to its path.',
    )
  })

  test('the lock of a dead process holds nobody up', async () => {
    writeDebian('fetched')
    const dead = spawnSync(process.execPath, ['-e', '']).pid
    mkdirSync(join(root, '.cache', 'locks'), { recursive: true })
    writeFileSync(join(root, '.cache', 'locks', 'prometheus'), String(dead))
    const outcomes = await Promise.all([ended(ensure('promtool')), ended(ensure('promtool'))])
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0])
    expect(readdirSync(join(root, '.cache', 'locks'))).toEqual([])
  })
})

describe('running', () => {
  test('the engine gets its arguments and huge pages, and hands back its exit code', () => {
    writeFileSync(
      join(root, 'src', 'main.ts'),
      `const words: string[] = process.argv.slice(2)
       console.log(JSON.stringify([words, process.env.GLIBC_TUNABLES]))
       process.exitCode = 7`,
    )
    const outcome = launchToEnd(['check', '--json', 'a b'])
    expect(outcome.code).toBe(7)
    expect(outcome.stderr).toBe('')
    expect(JSON.parse(outcome.stdout)).toEqual([
      ['check', '--json', 'a b'],
      'glibc.malloc.hugetlb=1',
    ])
    const chosen = launchToEnd([], { GLIBC_TUNABLES: 'glibc.malloc.check=0' })
    expect(JSON.parse(chosen.stdout)).toEqual([[], 'glibc.malloc.check=0'])
  })

  test('where only the build exists, the build runs', () => {
    mkdirSync(join(root, 'dist'))
    writeFileSync(join(root, 'dist', 'main.js'), "console.log('built')")
    expect(launchToEnd([]).stdout).toBe('built\n')
  })

  test('a tool runs under the same Node, and an unknown one is named', () => {
    mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true })
    const tool = join(root, 'node_modules', '.bin', 'lens')
    writeFileSync(tool, '#!/usr/bin/env node\nconsole.log(process.version, process.argv[2])')
    chmodSync(tool, 0o755)
    expect(launchToEnd(['tool', 'lens', '--fix']).stdout).toBe(`${process.version} --fix\n`)
    const unknown = launchToEnd(['tool', 'lense'])
    expect(unknown).toMatchObject({ code: 2, stderr: 'highwater: No tool lense here.\n' })
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s reaches the program', async (signal) => {
    writeFileSync(
      join(root, 'src', 'main.ts'),
      `process.on('${signal}', () => process.exit(9))
       setTimeout(() => {}, 20_000)
       console.log('ready')`,
    )
    const child = start([])
    const outcome = ended(child)
    await new Promise((resolve) => child.stdout!.once('data', resolve))
    child.kill(signal)
    expect(await outcome).toMatchObject({ code: 9, signal: null })
  })

  test('a program that dies of a signal takes the launcher along', () => {
    writeFileSync(join(root, 'src', 'main.ts'), "process.kill(process.pid, 'SIGKILL')")
    expect(launchToEnd([])).toMatchObject({ code: null, signal: 'SIGKILL' })
  })
})

function writePackages(wanted: object, present: object | null): void {
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: wanted }))
  if (present === null) return
  mkdirSync(join(root, 'node_modules'))
  const record = join(root, 'node_modules', '.package-lock.json')
  writeFileSync(record, JSON.stringify({ packages: present }))
}

/** apt-get notes its calls and brings an archive; dpkg-deb makes two programs out of it, slowly. */
function writeDebian(word: string): void {
  writeProgram(
    join(path, 'apt-get'),
    `const words = process.argv.slice(2).filter((word) => !word.startsWith('-') && !word.includes('='))
     fs.appendFileSync('${join(root, 'calls')}', words.join(' ') + '\\n')
     if (words[0] === 'download') fs.writeFileSync('a.deb', '${word}')`,
  )
  writeProgram(
    join(path, 'dpkg-deb'),
    `const [, , , archive, tree] = process.argv
     fs.mkdirSync(tree + '/usr/bin', { recursive: true })
     for (const name of ['prometheus', 'promtool']) {
       const file = tree + '/usr/bin/' + name
       fs.writeFileSync(file, '#', { mode: 0o755 })
       await new Promise((resolve) => setTimeout(resolve, 100))
       fs.appendFileSync(file, name + ' of ' + fs.readFileSync(archive, 'utf8'))
     }`,
  )
}

function writeProgram(file: string, body: string): void {
  mkdirSync(dirname(file), { recursive: true })
  // A program without an extension is a module only by its folder's package.json.
  writeFileSync(join(dirname(file), 'package.json'), '{"type":"module"}')
  writeFileSync(file, `#!${process.execPath}\nimport fs from 'node:fs'\n${body}\n`)
  chmodSync(file, 0o755)
}

function environment(extra: Record<string, string>): NodeJS.ProcessEnv {
  return { PATH: path, HOME: root, ...extra }
}

function start(args: readonly string[], extra: Record<string, string> = {}): ChildProcess {
  const launcher = join(root, 'src', 'launch.mjs')
  return spawn(process.execPath, [launcher, ...args], { cwd: root, env: environment(extra) })
}

/** A process that asks for one program and prints its path, or the code and text of the error. */
function ensure(name: string, extra: Record<string, string> = {}): ChildProcess {
  const script = `import('${join(root, 'src', 'launch.mjs')}')
    .then(({ ensureDebianProgram }) => ensureDebianProgram('${name}'))
    .catch((error) => error.code + ' ' + error.message)
    .then((text) => process.stdout.write(text))`
  return spawn(process.execPath, ['-e', script], { cwd: root, env: environment(extra) })
}

function ended(child: ChildProcess): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

function launchToEnd(args: readonly string[], extra: Record<string, string> = {}): Outcome {
  const launcher = join(root, 'src', 'launch.mjs')
  const outcome = spawnSync(process.execPath, [launcher, ...args], {
    cwd: root,
    env: environment(extra),
    encoding: 'utf8',
  })
  const { status, signal, stdout, stderr } = outcome
  return { code: status, signal, stdout, stderr }
}
