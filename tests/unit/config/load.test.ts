import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hashConfigDirectory, loadConfigDirectory } from '../../../src/config/load.ts'
import { ConfigInvalidError } from '../../../src/errors.ts'

let directory = ''

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'highwater-config-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

async function write(path: string, text: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true })
  await writeFile(join(directory, path), text)
}

async function problemsOf(): Promise<string[]> {
  try {
    await loadConfigDirectory(directory)
    return []
  } catch (error) {
    if (!(error instanceof ConfigInvalidError)) throw error
    return error.problems.map(({ file, code, message }) => `${file} ${code}: ${message}`)
  }
}

describe('a config directory', () => {
  test('gives its settings, and every other YAML file below it, sorted', async () => {
    await write('highwater.yaml', 'http: { port: 1234 }')
    await write('triggers/deep/b.yml', 'b')
    await write('triggers/a.yaml', 'a')
    await write('counters.yaml', 'c')
    await write('README.md', 'not ours')
    await write('x.yaml.bak', 'not ours')
    const { settings, files } = await loadConfigDirectory(directory)
    expect(settings.http.port).toBe(1234)
    expect(Object.entries(files)).toEqual([
      ['counters.yaml', 'c'],
      ['triggers/a.yaml', 'a'],
      ['triggers/deep/b.yml', 'b'],
    ])
  })

  test('without settings gives the defaults', async () => {
    expect((await loadConfigDirectory(directory)).settings.http.port).toBe(9480)
  })

  test('as Kubernetes mounts it gives each file once', async () => {
    await write('..2026_11_01/counters.yaml', 'c')
    await write('..2026_11_01/highwater.yaml', 'http: { port: 99 }')
    await symlink('..2026_11_01', join(directory, '..data'))
    for (const name of ['counters.yaml', 'highwater.yaml']) {
      await symlink(join('..data', name), join(directory, name))
    }
    const { settings, files } = await loadConfigDirectory(directory)
    expect(files).toEqual({ 'counters.yaml': 'c' })
    expect(settings.http.port).toBe(99)
  })

  test('with a link back to itself is read once', async () => {
    await write('a/a.yaml', 'a')
    await symlink(directory, join(directory, 'a', 'loop'))
    expect((await loadConfigDirectory(directory)).files).toEqual({ 'a/a.yaml': 'a' })
  })

  test('skips excluded folders, whatever is in them', async () => {
    await write('highwater.yaml', 'rules: { exclude: [grafana, a/b] }')
    await write('grafana/highwater.yaml', 'x')
    await write('a/b/c/d.yaml', 'x')
    await write('a/bb.yaml', 'ours')
    expect((await loadConfigDirectory(directory)).files).toEqual({ 'a/bb.yaml': 'ours' })
  })

  test('with settings in a folder is refused', async () => {
    await write('scenario/highwater.yaml', '')
    expect(await problemsOf()).toEqual([
      'scenario/highwater.yaml not-allowed: settings stand at the top of the config directory, in highwater.yaml, only',
    ])
  })

  test('that is too large in all is refused', async () => {
    for (const name of ['a', 'b', 'c']) await write(`${name}.yaml`, 'x'.repeat(400_000))
    expect(await problemsOf()).toEqual([
      'c.yaml too-large: more than 900000 bytes in all files up to this one',
    ])
  })

  test('with a file that is not UTF-8 is refused', async () => {
    await write('a.yaml', new Uint8Array([0x61, 0xff, 0xfe]))
    expect(await problemsOf()).toEqual(['a.yaml unreadable: the file is not UTF-8'])
  })

  test('with broken settings is refused at their place', async () => {
    await write('highwater.yaml', '\nhttp: { prot: 1 }')
    expect(await problemsOf()).toEqual(['highwater.yaml unknown-key: unknown key "prot" in http'])
  })

  test('that is not there is refused', async () => {
    await rm(directory, { recursive: true })
    expect(await problemsOf()).toEqual(['. unreadable: cannot be read: ENOENT'])
  })

  test('with a link to nowhere is refused', async () => {
    await symlink('nowhere.yaml', join(directory, 'a.yaml'))
    expect(await problemsOf()).toEqual(['. unreadable: cannot be read: ENOENT'])
  })
})

describe('the hash of a config directory', () => {
  test('follows names and contents, not other files', async () => {
    await write('a.yaml', 'a')
    const first = await hashConfigDirectory(directory)
    await write('a.txt', 'a')
    await write('.hidden.yaml', 'a')
    await write('a.yaml', 'a')
    expect(await hashConfigDirectory(directory)).toBe(first)
    await write('a.yaml', 'b')
    const second = await hashConfigDirectory(directory)
    await write('b.yaml', '')
    const third = await hashConfigDirectory(directory)
    await rm(directory, { recursive: true })
    const fourth = await hashConfigDirectory(directory)
    expect(new Set([first, second, third, fourth]).size).toBe(4)
  })
})
