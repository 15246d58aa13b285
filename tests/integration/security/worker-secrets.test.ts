/** A worker's own secrets and its audit, from settings to log, in a whole worker. */

import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { natsSettings } from '../../../src/commands/nats-settings.ts'
import { type RunningWorker, serve } from '../../../src/commands/serve.ts'
import { parseSettings } from '../../../src/config/settings.ts'
import { runProgram } from '../../support/program.ts'
import {
  type Installation,
  LINE_FILES,
  openInstallation,
  until,
  writeFiles,
} from '../../support/worker-harness.ts'

vi.setConfig({ testTimeout: 120_000 })

let installation: Installation
let lines: string[]

beforeEach(async () => {
  installation = await openInstallation()
  lines = []
})

afterEach(() => installation.close())

async function start(
  settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  isWatching = false,
): Promise<RunningWorker> {
  const configDirectory = await installation.writeConfig('worker', LINE_FILES, settings)
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const worker = await serve({ configDirectory, logger, isWatching })
  installation.onClose(() => worker.stop())
  return worker
}

const warnings = (): string[] =>
  lines.filter((line) => line.includes('security warning')).map((line) => JSON.parse(line).message)

describe('the address that HTTP listens on', () => {
  test('on loopback: no warning', async () => {
    await start({ http: { port: 0 } })
    expect(warnings()).toEqual([])
  })

  test('elsewhere without a token: a warning, and strangers can neither write nor look', async () => {
    const { address } = await start({ http: { port: 0, host: '0.0.0.0' } })
    expect(warnings()).toHaveLength(1)
    expect(warnings()[0]).toContain('no token is configured')
    const url = `http://127.0.0.1:${address.port}`
    const headers = { 'x-forwarded-for': '192.0.2.7' }
    const write = await fetch(`${url}/-/reload`, { method: 'POST', headers })
    const look = await fetch(`${url}/v1/subscribers/1`, { headers })
    expect([write.status, look.status]).toEqual([403, 403])
  })

  test('elsewhere with a token: a warning that it needs TLS around it', async () => {
    const tokenFile = join(installation.directory, 'token')
    await writeFile(tokenFile, 'correct-horse-battery', { mode: 0o600 })
    await start({ http: { port: 0, host: '0.0.0.0', tokenFile } })
    expect(warnings()).toHaveLength(1)
    expect(warnings()[0]).toContain('put TLS in front')
  })
})

describe('a token', () => {
  test('whose file everybody may read is warned of', async () => {
    const tokenFile = join(installation.directory, 'token')
    await writeFile(tokenFile, 'correct-horse-battery')
    await chmod(tokenFile, 0o644)
    await start({ http: { port: 0, tokenFile } })
    expect(warnings().join()).toContain('http.tokenFile')
    expect(lines.join()).not.toContain('correct-horse-battery')
  })

  test('whose file is empty or gone stops the start: never open instead of closed', async () => {
    const tokenFile = join(installation.directory, 'hunter2')
    await writeFile(tokenFile, '\n')
    await expect(start({ http: { port: 0, tokenFile } })).rejects.toMatchObject({
      code: 'HW_SECRET',
      message: 'the file of http.tokenFile is empty',
    })
    await rm(tokenFile)
    const directory = join(installation.directory, 'config-worker')
    const { code, output } = await runProgram('start', '--config', directory)
    expect(code).toBe(1)
    expect(output).toContain('HW_SECRET the file of http.tokenFile cannot be read: ENOENT')
    expect(output).not.toContain('hunter2')
  })
})

test('a reload that nobody asked for by HTTP is in the audit, too', async () => {
  const auditFile = join(installation.directory, 'audit.log')
  const worker = await start({ http: { port: 0 }, log: { level: 'silent', auditFile } }, true)
  const read = async (): Promise<unknown[]> =>
    (await readFile(auditFile, 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  await until('the start is in', async () => (await read()).length === 1)
  const directory = join(installation.directory, 'config-worker')
  const line = LINE_FILES['triggers/line.yaml']!
  await writeFiles(directory, { 'triggers/line.yaml': line.replace('Hello', 'Goodbye') })
  await until('the change is in', async () => (await read()).length === 2)
  await writeFiles(directory, { 'triggers/line.yaml': 'trigger: [' })
  await worker.reload('SIGHUP')
  const entries = (await read()).slice(0, 4)
  expect(entries.slice(0, 2)).toMatchObject([
    { operation: 'reload: start', outcome: 'unchanged', generation: 1 },
    { operation: 'reload: file change', outcome: 'applied', generation: 2 },
  ])
  expect(entries).toContainEqual(
    expect.objectContaining({
      operation: 'reload: SIGHUP',
      actor: 'a signal',
      outcome: 'invalid',
      generation: 2,
    }),
  )
})

describe('settings of NATS', () => {
  const settingsOf = (nats: string) => parseSettings('highwater.yaml', `nats: ${nats}\n`).nats

  test('with a password for the network and no TLS are warned of', async () => {
    const passwordFile = join(installation.directory, 'password')
    await writeFile(passwordFile, 'hunter2', { mode: 0o600 })
    const said: string[] = []
    const warn = (message: string): void => void said.push(message)
    const plain = `{ servers: ["nats://broker:4222"], user: a, passwordFile: "${passwordFile}" }`
    natsSettings(settingsOf(plain), warn)
    expect(said).toEqual(['the secret for NATS goes over the network without TLS'])
    natsSettings(settingsOf(plain.replace('nats:/', 'tls:/')), warn)
    natsSettings(settingsOf(plain.replace('broker', '127.0.0.1')), warn)
    expect(said).toHaveLength(1)
  })

  test('whose certificate cannot be read name the setting', () => {
    const nats = '{ tlsCaFile: /nowhere/ca.pem }'
    expect(() => natsSettings(settingsOf(nats), () => undefined)).toThrow(
      'the file of nats.tlsCaFile cannot be read: ENOENT',
    )
  })

  test('and an environment that name different users are refused', () => {
    process.env.HIGHWATER_NATS_TOKEN = 'a'
    try {
      expect(() => natsSettings(settingsOf('{ user: a }'), () => undefined)).toThrow(
        'name several users',
      )
    } finally {
      delete process.env.HIGHWATER_NATS_TOKEN
    }
  })
})
