import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runBackup } from '../../src/commands/backup.ts'
import { createBackups, takeBackup } from '../../src/commands/backups.ts'
import { runRestore } from '../../src/commands/restore.ts'
import { runVerify } from '../../src/commands/verify.ts'
import type { BackupNote } from '../../src/model/backup.ts'
import { SYSTEM_CLOCK } from '../../src/partition/system-clock.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { dropOldest } from '../support/stream-tampering.ts'
import {
  type Installation,
  leaveImage,
  openInstallation,
  range,
  until,
  untilSaid,
} from '../support/worker-harness.ts'

let installation: Installation
let said: string[]

beforeEach(async () => {
  installation = await openInstallation()
  said = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line))
  vi.spyOn(console, 'error').mockImplementation((line: string) => void said.push(line))
})

afterEach(async () => {
  vi.restoreAllMocks()
  await installation.close()
})

const backupDirectory = (): string => join(installation.directory, 'backups')

/** A worker whose stores are `store-<name>` and whose backups are where all are. */
function configure(name: string, settings: Record<string, Record<string, unknown>> = {}) {
  const backup = { directory: backupDirectory() }
  return installation.writeConfig(name, undefined, { backup, ...settings })
}

async function backups(): Promise<string[]> {
  return (await readdir(backupDirectory())).filter((name) => name.endsWith('.backup')).sort()
}

const verifyOptions = { partition: null, backup: null, isOffline: false, isJson: false }
const restoreOptions = { partition: 0, isForced: false, isOffline: false }

describe('a backup of a running worker', () => {
  test('is of one checkpoint, while traffic runs and checkpoints go; another machine goes on from it', async () => {
    const config = await configure('a', { checkpoint: { every: '100ms' } })
    const worker = await installation.serve(config)
    await worker.supervisor.untilLive()
    const view = () => worker.supervisor.partitions()[0]!
    const notes: BackupNote[] = []
    for (let round = 0; round < 20; round++) {
      await installation.cross(range(round * 50 + 1, round * 50 + 50))
      if (round < 4) await until('a checkpoint', () => view().checkpointAtMs !== null)
      if (round % 4 !== 3) continue
      const url = `${worker.address.url}/-/backup?partition=0`
      const response = await fetch(url, { method: 'POST' })
      expect(response.status).toBe(200)
      const body = (await response.json()) as { backups: BackupNote[] }
      notes.push(...body.backups)
    }
    await until('all is said', () => view().acknowledgedDecisionNumber === 1000)
    await worker.stop()
    expect(notes).toHaveLength(5)
    expect(await backups()).toEqual(notes.map(({ file }) => file))
    for (const note of notes) {
      const path = join(backupDirectory(), note.file)
      expect(JSON.parse(await readFile(`${path}.json`, 'utf8'))).toEqual(note)
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect(await runVerify({ ...verifyOptions, config, partition: 0, backup: path })).toBe(0)
    }
    expect((await stat(backupDirectory())).mode & 0o777).toBe(0o700)

    // The machine is gone; an older backup than the last goes on where OUT is.
    const elsewhere = await configure('b')
    const from = join(backupDirectory(), notes[2]!.file)
    expect(await runRestore({ ...restoreOptions, config: elsewhere, from })).toBe(0)
    await installation.cross(range(1001, 1010))
    const heir = await installation.startLive({ name: 'b' })
    await untilSaid(heir, 1010)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 1010))
  })

  test('is asked for on the command line like one of a stopped worker', async () => {
    const port = await freePort()
    const config = await configure('a', { http: { port } })
    const worker = await installation.serve(config)
    await worker.supervisor.untilLive()
    const options = { config, partition: null, url: null, isJson: true }
    expect(await runBackup(options)).toBe(1)
    await installation.cross([1, 2, 3])
    await until('said', () => worker.supervisor.partitions()[0]!.acknowledgedDecisionNumber === 3)
    await worker.supervisor.worker(0)!.checkpoint()
    expect(await runBackup(options)).toBe(0)
    await worker.stop()
    expect(await runBackup(options)).toBe(0)
    const notes = said.map((line) => JSON.parse(line) as BackupNote)
    expect(notes).toMatchObject([
      { partition: 0, partitionCount: 1, decisionNumber: 3 },
      { partition: 0, partitionCount: 1, decisionNumber: 3 },
    ])
    expect(await backups()).toEqual(notes.map(({ file }) => file))
  })

  test('takes the token, and its path from nobody', async () => {
    const tokenFile = join(installation.directory, 'token')
    await writeFile(tokenFile, 'a-token-of-some-length\n', { mode: 0o600 })
    const config = await configure('a', { http: { port: 0, tokenFile } })
    const worker = await installation.serve(config)
    await worker.supervisor.untilLive()
    const ask = (query: string, token?: string) =>
      fetch(`${worker.address.url}/-/backup${query}`, {
        method: 'POST',
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      })
    expect((await ask('')).status).toBe(401)
    expect((await ask('', 'another')).status).toBe(401)
    for (const query of ['?partition=../..', '?partition=-1', '?partition=1e9']) {
      expect((await ask(query, 'a-token-of-some-length')).status, query).toBe(400)
    }
    const absent = await ask('?partition=5', 'a-token-of-some-length')
    expect([absent.status, await absent.json()]).toMatchObject([
      404,
      { error: { code: 'HW_BACKUP_NO_IMAGE' } },
    ])
    await worker.stop()
  })

  test('is refused where no directory is configured', async () => {
    const worker = await installation.serve(await installation.writeConfig('a'))
    await worker.supervisor.untilLive()
    const response = await fetch(`${worker.address.url}/-/backup`, { method: 'POST' })
    expect(await response.json()).toMatchObject({ error: { code: 'HW_BACKUP_NOT_CONFIGURED' } })
    expect(response.status).toBe(409)
  })
})

describe('a backup that fails', () => {
  const settings = () => ({ directory: backupDirectory(), bandwidth: 1e9, clock: SYSTEM_CLOCK })

  test('leaves what was there, and nothing else', async () => {
    await leaveImage(installation)
    const store = await openStore(installation.storeDirectory())
    const first = await takeBackup(settings(), 0, store)
    const before = await readdir(backupDirectory())
    const snapshot = store.snapshot()
    let reads = 0
    const failing = createBackups(
      settings(),
      () => [0],
      () => ({
        ...snapshot,
        readPage: (address) => {
          if (++reads > 1) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
          return snapshot.readPage(address)
        },
      }),
    )
    expect(await failing(null)).toEqual({
      kind: 'failed',
      error: 'the backup cannot be written: ENOSPC',
    })
    expect(await readdir(backupDirectory())).toEqual(before)
    expect(before).toEqual([first!.file, `${first!.file}.json`])
    // What a killed process leaves is taken away by the next attempt.
    await writeFile(join(backupDirectory(), '.partition-0.x.backup.partial'), 'half')
    await takeBackup(settings(), 0, store)
    expect((await readdir(backupDirectory())).filter((name) => name.endsWith('partial'))).toEqual(
      [],
    )
    await store.close()
  })

  test('ends with the store of its worker', async () => {
    await leaveImage(installation)
    const store = await openStore(installation.storeDirectory())
    const take = createBackups(
      { ...settings(), bandwidth: 1_000, clock: { ...SYSTEM_CLOCK, turn: () => store.close() } },
      () => [0],
      () => store.snapshot(),
    )
    const outcome = take(null)
    await store.close()
    expect((await outcome).kind).toBe('failed')
    expect(await readdir(backupDirectory())).toEqual([])
  })
})

describe('a restore', () => {
  async function takeOne(): Promise<string> {
    await leaveImage(installation)
    const config = await configure('a')
    expect(await runBackup({ config, partition: 0, url: null, isJson: false })).toBe(0)
    return join(backupDirectory(), (await backups())[0]!)
  }

  test('never goes over a store; by force it moves it aside', async () => {
    const from = await takeOne()
    const config = await configure('a')
    await expect(runRestore({ ...restoreOptions, config, from })).rejects.toMatchObject({
      code: 'HW_BACKUP_FAILED',
    })
    const holder = await openStore(installation.storeDirectory())
    const forced = { ...restoreOptions, config, from, isForced: true }
    await expect(runRestore(forced)).rejects.toMatchObject({ code: 'HW_STORE_LOCKED' })
    await holder.close()
    expect(await runRestore(forced)).toBe(0)
    expect(await readdir(join(installation.storeDirectory(), '..'))).toEqual([
      'partition-0',
      'partition-0.before-restore-1',
    ])
    const after = await installation.startLive()
    await installation.cross([21])
    await untilSaid(after, 21)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 21))
  })

  test('of a backup that is damaged, or of another partition, changes nothing', async () => {
    const from = await takeOne()
    const bytes = await readFile(from)
    bytes[bytes.length >> 1]! ^= 1
    const damaged = join(installation.directory, 'damaged')
    await writeFile(damaged, bytes)
    const config = await configure('b')
    expect(await runRestore({ ...restoreOptions, config, from: damaged })).toBe(1)
    const many = await configure('c', { partitions: { count: 4 } })
    expect(await runRestore({ ...restoreOptions, config: many, from, isOffline: true })).toBe(1)
    const other = { ...restoreOptions, config: many, from, partition: 2, isOffline: true }
    expect(await runRestore(other)).toBe(1)
    for (const name of ['b', 'c']) {
      await expect(readdir(join(installation.directory, `store-${name}`))).rejects.toThrow('ENOENT')
    }
  })

  test('of a backup whose next input IN no longer holds is refused; forced, it halts: input-gap', async () => {
    const from = await takeOne()
    for (const subscriber of range(21, 25)) await installation.cross([subscriber])
    await dropOldest(installation, 'IN_0', 2)
    const config = await configure('b')
    expect(await runRestore({ ...restoreOptions, config, from })).toBe(1)
    expect(said.join('\n')).toMatch(/input +failed +input-gap/)
    expect(await runRestore({ ...restoreOptions, config, from, isOffline: true })).toBe(0)
    const { worker, done } = await installation.startWorker({ name: 'b' })
    await done
    expect(worker.halt).toMatchObject({ reason: 'input-gap' })
  })
})

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
