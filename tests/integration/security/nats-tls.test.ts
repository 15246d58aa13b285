/** TLS and identities at a real nats-server: what is trusted and what is refused and how. */

import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nkeys } from 'nats'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openSecret } from '../../../src/config/secrets.ts'
import { HighwaterError } from '../../../src/errors.ts'
import { brokerLink } from '../../../src/sink/broker-link.ts'
import { connectToNats, type NatsSettings } from '../../../src/sink/connection.ts'
import type { PrivateServer } from '../../../src/sink/nats-server.ts'
import type { NatsTlsSettings } from '../../../src/sink/tls.ts'
import {
  type Authority,
  type CertificateFiles,
  createAuthority,
} from '../../support/certificates.ts'
import { startNatsServer } from '../../support/nats-server.ts'
import { until } from '../../support/worker-harness.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

let folder: string
let ours: Authority
let foreign: Authority
let client: CertificateFiles
const servers: PrivateServer[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'highwater-tls-'))
  ours = await createAuthority(folder, 'ours')
  foreign = await createAuthority(folder, 'foreign')
  client = await ours.issue('client', ['DNS:worker'])
})

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function start(configText: string): Promise<PrivateServer> {
  const server = await startNatsServer({ configText })
  servers.push(server)
  return server
}

/** A server that shows a certificate and asks for one of ours. */
function mutualTls({ certFile, keyFile }: CertificateFiles): string {
  return `tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${ours.caFile}", verify: true }`
}

/** Connects and closes; the code and message of what went wrong, else `connected`. */
async function attempt(url: string, settings: Partial<NatsSettings>): Promise<string> {
  try {
    const connection = await connectToNats({
      servers: [url],
      name: 'test',
      ...settings,
    })
    await connection.close()
    return 'connected'
  } catch (error) {
    if (!(error instanceof HighwaterError)) throw error
    return `${error.code} ${error.message}`
  }
}

describe('TLS', () => {
  const trusted = (): NatsTlsSettings => ({ caFile: ours.caFile, ...client })

  test('both sides show certificates of our authority, by name and by address', async () => {
    const { url, port } = await start(
      mutualTls(await ours.issue('both', ['DNS:localhost', 'IP:127.0.0.1'])),
    )
    expect(await attempt(url, { tls: trusted() })).toBe('connected')
    expect(await attempt(`tls://localhost:${port}`, { tls: trusted() })).toBe('connected')
    const foreignClient = await foreign.issue('foreign-client', ['DNS:worker'])
    const expiredClient = await ours.issue('expired-client', ['DNS:worker'], true)
    const cases: readonly (readonly [NatsTlsSettings, string])[] = [
      [{ ...trusted(), caFile: foreign.caFile }, 'no authority that we trust'],
      [{}, 'no authority that we trust'],
      [{ caFile: ours.caFile }, 'does not take our certificate'],
      [{ caFile: ours.caFile, ...foreignClient }, 'does not take our certificate'],
      [{ caFile: ours.caFile, ...expiredClient }, 'does not take our certificate'],
      [{ ...trusted(), keyFile: foreignClient.keyFile }, 'is not the key of'],
    ]
    for (const [tls, words] of cases) {
      // A server that does not take our certificate says nothing until this is over.
      const connectTimeoutMs = words.includes('our certificate') ? 1_000 : 5_000
      const outcome = await attempt(url, { tls, connectTimeoutMs })
      expect(outcome).toMatch(/^HW_BROKER_TLS /)
      expect(outcome).toContain(words)
    }
  })

  test('a server whose certificate has expired is refused', async () => {
    const { url } = await start(mutualTls(await ours.issue('old', ['IP:127.0.0.1'], true)))
    expect(await attempt(url, { tls: trusted() })).toMatch(/^HW_BROKER_TLS .*has expired/)
  })

  test('a server reached by its address must show that address, or the name that we expect', async () => {
    const local = await start(mutualTls(await ours.issue('local', ['DNS:localhost'])))
    const other = await start(mutualTls(await ours.issue('other', ['DNS:broker.example'])))
    const address = await start(mutualTls(await ours.issue('address', ['IP:127.0.0.1'])))
    const refused = /^HW_BROKER_TLS .*for another name/
    // The client alone would have taken the first one and refused the last.
    expect(await attempt(local.url, { tls: trusted() })).toMatch(refused)
    expect(await attempt(other.url, { tls: trusted() })).toMatch(refused)
    expect(await attempt(address.url, { tls: trusted() })).toBe('connected')
    const named = { ...trusted(), serverName: 'broker.example' }
    expect(await attempt(other.url, { tls: named })).toBe('connected')
    expect(await attempt(address.url, { tls: named })).toMatch(refused)
  })

  test('a server that offers none gets no word from who asked for it', async () => {
    const { url, port } = await start('')
    const words = 'it offers no TLS'
    expect(await attempt(url, { tls: trusted() })).toContain(words)
    expect(await attempt(`tls://127.0.0.1:${port}`, { user: 'a', password: 'b' })).toContain(words)
    expect(await attempt(url, {})).toBe('connected')
  })

  test('certificates are read again at each dial: both sides change authority without us', async () => {
    const files = { certFile: join(folder, 'now.pem'), keyFile: join(folder, 'now.key') }
    const own = { certFile: join(folder, 'own.pem'), keyFile: join(folder, 'own.key') }
    const caFile = join(folder, 'now-ca.pem')
    const install = async (authority: Authority, name: string): Promise<void> => {
      const pairs = [
        [files, await authority.issue(`${name}-server`, ['IP:127.0.0.1'])],
        [own, await authority.issue(`${name}-client`, ['DNS:worker'])],
      ] as const
      for (const [target, { certFile, keyFile }] of pairs) {
        await copyFile(certFile, target.certFile)
        await copyFile(keyFile, target.keyFile)
      }
      await copyFile(authority.caFile, caFile)
    }
    await install(ours, 'first')
    const { certFile, keyFile } = files
    const server = await start(
      `tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${caFile}", verify: true }`,
    )
    const tls = { caFile, ...own }
    const connection = await connectToNats({ servers: [server.url], name: 'test', tls })
    await install(foreign, 'second')
    await server.restart()
    await brokerLink(connection).untilConnected(10_000)
    await connection.flush()
    await connection.close()
  })
})

describe('an identity', () => {
  const SEED = new TextDecoder().decode(nkeys.createUser().getSeed())
  const PASSWORD = 'correct-horse-battery'

  test('by nkey is taken, another key is refused, and no message shows a seed', async () => {
    const key = nkeys.createUser()
    const { url } = await start(`authorization { users: [{ nkey: ${key.getPublicKey()} }] }`)
    const nkeySeed = new TextDecoder().decode(key.getSeed())
    expect(await attempt(url, { nkeySeed })).toBe('connected')
    const wrong = await attempt(url, { nkeySeed: SEED })
    expect(wrong).toMatch(/^HW_BROKER_REFUSED .*refused the credentials/)
    const broken = await attempt(url, { nkeySeed: `${SEED.slice(0, -3)}AAA` })
    expect(broken).toMatch(/^HW_SECRET /)
    const swapped = await attempt(url, { credentials: SEED })
    expect(swapped).toMatch(/^HW_SECRET /)
    for (const outcome of [wrong, broken, swapped]) {
      expect(outcome).not.toContain(SEED.slice(0, 12))
    }
  })

  test('by password that changes while we run is read again at the next dial', async () => {
    process.env.HIGHWATER_TEST_PASSWORD = PASSWORD
    const server = await start('authorization { user: hw, password: $HIGHWATER_TEST_PASSWORD }')
    const file = join(folder, 'password')
    await writeFile(file, `${PASSWORD}\n`, { mode: 0o600 })
    const warnings: string[] = []
    const warn = (message: string): void => void warnings.push(message)
    const password = openSecret('nats.passwordFile', file, warn, {})!
    const settings = { servers: [server.url], name: 'test', user: 'hw', password }
    const connection = await connectToNats(settings)
    const link = brokerLink(connection)
    process.env.HIGHWATER_TEST_PASSWORD = 'another-password'
    await server.restart()
    await writeFile(file, 'another-password\n')
    await until('the new password is taken', async () => {
      await link.untilConnected(10_000)
      return connection.flush().then(
        () => true,
        () => false,
      )
    })
    expect(await attempt(server.url, { user: 'hw', password: PASSWORD })).toMatch(
      /^HW_BROKER_REFUSED /,
    )
    await connection.close()
    delete process.env.HIGHWATER_TEST_PASSWORD
    expect(warnings).toEqual([])
  })
})
