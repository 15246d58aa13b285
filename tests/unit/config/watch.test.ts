import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchDirectory } from '../../../src/config/watch.ts'

let directory = ''
let abort = new AbortController()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'highwater-watch-'))
  abort = new AbortController()
})

afterEach(async () => {
  abort.abort()
  await rm(directory, { recursive: true, force: true })
})

/** Watches with a slow or a quick poll; gives the number of changes seen so far. */
async function changesWith(pollMs: number): Promise<() => number> {
  let changeCount = 0
  const onChange = () => void changeCount++
  await watchDirectory(directory, onChange, { signal: abort.signal, debounceMs: 20, pollMs })
  return () => changeCount
}

const HOUR_MS = 3_600_000

/** Waits until `read` gives `count`. */
const until = (read: () => number, count: number) =>
  vi.waitFor(() => expect(read()).toBe(count), { timeout: 10_000, interval: 10 })

/** Mounts a version as Kubernetes does: a new folder, then `..data` is swapped onto it. */
async function mountVersion(version: number): Promise<void> {
  const folder = `..version_${version}`
  await mkdir(join(directory, folder))
  await writeFile(join(directory, folder, 'a.yaml'), `version: ${version}`)
  await symlink(folder, join(directory, '..data_tmp'))
  await rename(join(directory, '..data_tmp'), join(directory, '..data'))
  await rm(join(directory, `..version_${version - 1}`), { recursive: true, force: true })
}

test('every swap of a Kubernetes volume is seen', async () => {
  await mountVersion(1)
  await symlink(join('..data', 'a.yaml'), join(directory, 'a.yaml'))
  const changes = await changesWith(HOUR_MS)
  await mountVersion(2)
  await until(changes, 1)
  await mountVersion(3)
  await until(changes, 2)
  await mountVersion(4)
  await until(changes, 3)
})

test('a file below a folder is seen when it comes, changes and goes', async () => {
  await mkdir(join(directory, 'triggers'))
  const changes = await changesWith(HOUR_MS)
  const path = join(directory, 'triggers', 'a.yaml')
  await writeFile(path, 'a')
  await until(changes, 1)
  await writeFile(path, 'b')
  await until(changes, 2)
  await rm(path)
  await until(changes, 3)
})

test('what events do not tell, the poll finds', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'highwater-elsewhere-'))
  try {
    await writeFile(join(elsewhere, 'a.yaml'), 'a')
    await symlink(join(elsewhere, 'a.yaml'), join(directory, 'a.yaml'))
    const changes = await changesWith(30)
    await writeFile(join(elsewhere, 'a.yaml'), 'b')
    await until(changes, 1)
  } finally {
    await rm(elsewhere, { recursive: true })
  }
})

test('a directory that is replaced goes on being watched', async () => {
  await writeFile(join(directory, 'a.yaml'), 'a')
  const changes = await changesWith(30)
  await rm(directory, { recursive: true })
  await until(changes, 1)
  await mkdir(directory)
  await writeFile(join(directory, 'a.yaml'), 'b')
  await vi.waitFor(() => expect(changes()).toBeGreaterThanOrEqual(2), { timeout: 10_000 })
})

test('the same contents, other files and changes after the end are no change', async () => {
  await writeFile(join(directory, 'a.yaml'), 'a')
  const changes = await changesWith(20)
  await writeFile(join(directory, 'a.yaml'), 'a')
  await writeFile(join(directory, 'a.txt'), 'b')
  await delay(200)
  expect(changes()).toBe(0)
  abort.abort()
  await writeFile(join(directory, 'a.yaml'), 'b')
  await delay(200)
  expect(changes()).toBe(0)
})

test('calls do not overlap, and a change during a call is not lost', async () => {
  let [running, runningMax, callCount] = [0, 0, 0]
  const onChange = async () => {
    runningMax = Math.max(runningMax, ++running)
    callCount++
    await writeFile(join(directory, 'b.yaml'), callCount < 3 ? String(callCount) : '2')
    await delay(60)
    running--
  }
  const options = { signal: abort.signal, debounceMs: 10, pollMs: HOUR_MS }
  await watchDirectory(directory, onChange, options)
  await writeFile(join(directory, 'a.yaml'), 'a')
  await until(() => callCount, 3)
  expect(runningMax).toBe(1)
})
