import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ConfigInvalidError } from '../../../src/errors.ts'
import { defaultOf } from '../../../src/config/read-settings.ts'
import type { Field } from '../../../src/config/setting-fields.ts'
import { assignedPartitions, parseSettings } from '../../../src/config/settings.ts'
import { SETTINGS_FIELDS } from '../../../src/config/settings-grammar.ts'
import { settingsReference, settingsSchema } from '../../../src/config/settings-reference.ts'

const FILE = 'highwater.yaml'

function problemsOf(text: string): string[] {
  try {
    parseSettings(FILE, text)
    return []
  } catch (error) {
    if (!(error instanceof ConfigInvalidError)) throw error
    return error.problems.map(
      (p) => `${p.line}:${p.column} ${p.code}: ${p.message} | ${p.suggestion ?? ''}`,
    )
  }
}

test('an empty text gives the defaults', () => {
  for (const text of ['', '# nothing\n', 'nats:\nhttp: {}\n']) {
    expect(parseSettings(FILE, text)).toEqual({
      nats: {
        servers: ['nats://127.0.0.1:4222'],
        user: null,
        passwordFile: null,
        tokenFile: null,
        nkeyFile: null,
        credentialsFile: null,
        inboxPrefix: null,
        tls: { caFile: null, certFile: null, keyFile: null, serverName: null },
      },
      partitions: { count: 1, owned: 'all', standby: [] },
      standby: { promoteAfterMs: null },
      genesis: { zone: 'Asia/Shanghai', clock: { mode: 'real' } },
      store: { directory: 'data' },
      backup: { directory: null },
      checkpoint: { everyMs: 30_000, bandwidthBytesPerSecond: 200_000_000 },
      outbox: {
        latencyMs: 2,
        batchDecisionsMax: 1000,
        batchSizeMax: 524_288,
        pendingDecisionsMax: 100_000,
      },
      shutdown: { timeoutMs: 45_000 },
      streams: {
        inputMaxAgeMs: 3 * 86_400_000,
        inputMaxSize: -1,
        outputMaxAgeMs: 7 * 86_400_000,
        outputMaxSize: -1,
        rejectMaxAgeMs: 7 * 86_400_000,
        rejectMaxSize: 1024 ** 3,
        replicas: 1,
      },
      http: {
        host: '127.0.0.1',
        port: 9480,
        tokenFile: null,
        writesPerMinute: 30,
        readsPerMinute: 1200,
        offersPerMinute: 120_000,
        connectionsMax: 256,
      },
      watch: {
        directory: 'data/watch',
        snapshotEveryMs: 60_000,
        host: '127.0.0.1',
        port: 9482,
        workers: [],
        recipients: {},
      },
      gateway: {
        name: 'gateway',
        begin: 'all',
        receiptsWithinMs: 3 * 86_400_000,
        host: '127.0.0.1',
        port: 9481,
        channels: [],
      },
      log: { level: 'info', auditFile: null },
      rules: { exclude: [] },
    })
  }
})

test('everything can be said', () => {
  const settings = parseSettings(
    FILE,
    `
nats: { servers: [nats://a:4222, tls://b], user: hw, passwordFile: p, tlsCaFile: ca, tlsCertFile: c, tlsKeyFile: k, tlsServerName: n, inboxPrefix: _INBOX_hw }
partitions: { count: 16, owned: [0, 15], standby: [1] }
standby: { promoteAfter: 10s }
genesis: { zone: Europe/Berlin, clock: virtual, writer: demo, start: 2026-11-01T00:00:00+08:00 }
store: { directory: /var/lib/highwater }
checkpoint: { every: 1m, bandwidth: 50 MiB per second }
outbox: { latency: 5ms, batchDecisionsMax: 10, batchSizeMax: 64 KiB, pendingDecisionsMax: 5000 }
streams: { inputMaxAge: 2d, inputMaxSize: 10 GiB, outputMaxAge: 2d, outputMaxSize: 5 GiB, rejectMaxSize: unlimited, replicas: 3 }
http: { host: 0.0.0.0, port: 0, tokenFile: t }
log: { level: debug }
rules: { exclude: [grafana, a/b] }
`,
  )
  expect(settings.nats).toEqual({
    servers: ['nats://a:4222', 'tls://b'],
    user: 'hw',
    passwordFile: 'p',
    tokenFile: null,
    nkeyFile: null,
    credentialsFile: null,
    inboxPrefix: '_INBOX_hw',
    tls: { caFile: 'ca', certFile: 'c', keyFile: 'k', serverName: 'n' },
  })
  expect(settings.partitions).toEqual({ count: 16, owned: [0, 15], standby: [1] })
  expect(settings.standby).toEqual({ promoteAfterMs: 10_000 })
  expect(settings.genesis.clock).toEqual({
    mode: 'virtual',
    writer: 'demo',
    startMs: Date.UTC(2026, 9, 31, 16),
  })
  expect(settings.checkpoint).toEqual({ everyMs: 60_000, bandwidthBytesPerSecond: 52_428_800 })
  expect(settings.streams).toMatchObject({ inputMaxSize: 10 * 1024 ** 3, rejectMaxSize: -1 })
  expect(settings.rules.exclude).toEqual(['grafana', 'a/b'])
  expect(Object.isFrozen(settings.nats.tls)).toBe(true)
})

describe('is refused, with its place and what was meant', () => {
  test.each([
    ['htpp: {}', '1:1 unknown-key', 'did you mean "http"?'],
    ['http: { prot: 1 }', '1:9 unknown-key', 'did you mean "port"?'],
    ['http: { port: 70000 }', '1:15 bad-value', 'a whole number from 0 to 65535; found 70000'],
    ['http: { port: "80" }', '1:15 bad-value', 'found "80"'],
    ['http: 9480', '1:7 wrong-type', 'http must be a mapping of host, port, tokenFile,'],
    ['- a', '1:1 wrong-type', 'the settings must be a mapping'],
    ['checkpoint: { every: 30 }', '1:22 bad-value', 'did you mean 30s or 30ms?'],
    ['checkpoint: { every: 0s }', '1:22 bad-value', 'a duration from 100ms to 1h'],
    ['checkpoint: { every: 30 s }', '1:22 bad-value', 'like 30s'],
    ['checkpoint: { bandwidth: 200 MB }', '1:26 bad-value', 'did you mean 200 MB per second?'],
    ['checkpoint: { bandwidth: 200 }', '1:26 bad-value', 'did you mean 200 KiB or 200 MB?'],
    ['checkpoint: { bandwidth: 1 kB per second }', '1:26 bad-value', 'from 1 MB to 10 GB'],
    ['outbox: { batchSizeMax: 524288 }', '1:25 bad-value', 'did you mean 512 KiB?'],
    ['outbox: { batchSizeMax: 1 KiB }', '1:25 bad-value', 'from 16 KiB to 8 MiB'],
    ['streams: { inputMaxSize: none }', '1:26 bad-value', 'or unlimited'],
    ['streams: { replicas: 2 }', '1:22 out-of-range', 'write 1, 3 or 5'],
    ['streams: { inputMaxAge: 8d }', '1:1 out-of-range', 'raise outputMaxAge'],
    ['streams: { outputMaxAge: 1d }', '1:26 out-of-range', 'raise outputMaxAge'],
    ['log: { level: debgu }', '1:15 bad-value', 'did you mean "debug"?'],
    ['genesis: { zone: Asia/Shangai }', '1:18 bad-value', 'did you mean Asia/Shanghai?'],
    ['genesis: { zone: Shanghai }', '1:18 bad-value', 'did you mean Asia/Shanghai?'],
    ['genesis: { zone: +08:00 }', '1:18 bad-value', 'a time zone of the IANA database'],
    ['genesis: { writer: demo }', '1:20 not-allowed', 'write clock: virtual'],
    ['genesis: { start: 2026-11-01T00:00:00Z }', '1:19 not-allowed', 'write clock: virtual'],
    ['genesis: { clock: virtual, writer: a }', '1:19 missing-key', 'needs its start'],
    ['genesis: { start: 2026-11-01 }', '1:19 bad-value', 'an instant with its offset'],
    ['partitions: { count: 257 }', '1:22 bad-value', 'from 1 to 256'],
    ['partitions: { count: 2, owned: [2] }', '1:32 out-of-range', 'the last of 2 is 1'],
    ['partitions: { count: 2, owned: [0, 0] }', '1:32 duplicate', 'given twice'],
    ['partitions: { count: 2, standby: [2] }', '1:34 out-of-range', 'the last of 2 is 1'],
    ['partitions: { count: 2, standby: [1, 1] }', '1:34 duplicate', 'given twice'],
    ['standby: { promoteAfter: 10 }', '1:26 bad-value', 'did you mean 10s'],
    ['standby: { promoteAfter: 10ms }', '1:26 bad-value', 'from 1s to 1h'],
    ['partitions: { owned: some }', '1:22 bad-value', 'all, or a list'],
    ['nats: { servers: nats://a }', '1:18 bad-value', 'write it as a list'],
    ['nats: { servers: [http://a] }', '1:18 bad-value', 'like nats://127.0.0.1:4222'],
    ['nats: { servers: ["nats://u:p@a"] }', '1:18 bad-value', 'without user and password'],
    ['nats: { servers: [] }', '1:18 too-few', 'at least one server'],
    ['nats: { passwordFile: p }', '1:23 missing-key', 'a password needs its user'],
    ['nats: { tlsKeyFile: k }', '1:21 missing-key', 'come together'],
    ['nats: { user: a, nkeyFile: b }', '1:28 not-allowed', 'we connect as one user'],
    ['nats: { tokenFile: a, credentialsFile: b }', '1:40 not-allowed', 'we connect as one user'],
    ['nats: { inboxPrefix: a.> }', '1:22 bad-value', 'without wildcards'],
    ['nats: { user: a, password: b }', '1:18 inline-secret', 'write passwordFile: PATH, or set'],
    ['nats: { token: b }', '1:9 inline-secret', 'HIGHWATER_NATS_TOKEN'],
    ['nats: { seed: SUA }', '1:9 inline-secret', 'nkeyFile: PATH'],
    ['nats: { creds: b }', '1:9 inline-secret', 'credentialsFile: PATH'],
    ['http: { token: b }', '1:9 inline-secret', 'HIGHWATER_HTTP_TOKEN'],
    ['rules: { exclude: [../a] }', '1:19 bad-value', 'a folder below the config directory'],
    ['rules: { exclude: [a/../b] }', '1:19 bad-value', 'a folder below the config directory'],
    [
      'store: { directory: &x d }\nhttp: { tokenFile: *x }',
      '2:20 yaml-alias',
      'write the value out',
    ],
    ['http: { port: 1, port: 2 }', '1:18 duplicate-key', 'already given'],
    ['http: { port: 1', '1:16 yaml-syntax', ''],
    ['__proto__: { http: {} }', '1:1 unknown-key', 'unknown key'],
    ['x'.repeat(70_000), '1:1 too-large', 'at most 65536'],
  ])('%.60s', (text, place, expected) => {
    const problems = problemsOf(text)
    expect(problems).toHaveLength(1)
    expect(problems[0]!.startsWith(`${place}: `), problems[0]).toBe(true)
    expect(problems[0]).toContain(expected)
  })

  test('all of it at once', () => {
    const problems = problemsOf(
      'http: { port: x, hots: y }\nlog: { level: loud }\nstreams: { replicas: 4 }\nfoo: 1\n',
    )
    expect(problems.map((problem) => problem.split(':').slice(0, 2).join(':'))).toHaveLength(5)
  })

  test('no problem shows what may be a secret', () => {
    const texts = [
      'nats: { password: hunter2 }',
      'nats: { token: [hunter2] }',
      'http: { token: { a: hunter2 } }',
      'nats: { servers: ["nats://ada:hunter2@broker"] }',
      'nats: { servers: ["tls://hunter2@broker", "x"] }',
    ]
    for (const text of texts) {
      expect(problemsOf(text)).toHaveLength(1)
      expect(problemsOf(text)[0]).not.toContain('hunter2')
    }
  })

  test('a problem shows no more of a value than needed', () => {
    expect(problemsOf(`http: { port: ${'x'.repeat(5000)} }`)[0]!.length).toBeLessThan(300)
  })
})

describe('every setting', () => {
  const fields = Object.entries(SETTINGS_FIELDS).flatMap(([section, entries]) =>
    Object.entries<Field<unknown>>(entries).map(
      ([key, field]) => [`${section}.${key}`, field] as const,
    ),
  )

  test.each(fields)('%s has a possible default and a sentence', (_, field) => {
    if (field.isOptional) expect(field.shownDefault).toBeNull()
    else expect(field.convert(field.shownDefault)).not.toBeUndefined()
    expect(defaultOf(field)).not.toBeUndefined()
    expect(field.doc).toMatch(/^\S.*\.$/)
    expect(field.schema).toHaveProperty('description')
  })

  test.each(fields)('%s stands in the reference table', (path, field) => {
    const row = settingsReference()
      .split('\n')
      .find((line) => line.startsWith(`| \`${path}\` |`))
    expect(row).toContain(field.doc)
    expect(row!.match(/(?<!\\)\|/g)).toHaveLength(5)
  })
})

test('what is followed is followed, whether it is named as owned or not', () => {
  const assigned = (text: string): string[] =>
    assignedPartitions(parseSettings(FILE, `partitions: ${text}`).partitions).map(
      ({ partition, isFollowed }) => `${partition}${isFollowed ? ' followed' : ''}`,
    )
  expect(assigned('{ count: 3 }')).toEqual(['0', '1', '2'])
  expect(assigned('{ count: 3, standby: all }')).toEqual(['0 followed', '1 followed', '2 followed'])
  expect(assigned('{ count: 4, owned: [1, 0], standby: [3, 2] }')).toEqual([
    '0',
    '1',
    '2 followed',
    '3 followed',
  ])
  expect(assigned('{ count: 3, owned: [0], standby: [0] }')).toEqual(['0 followed'])
})

test('the committed schema of settings is the grammar', () => {
  const path = new URL('../../../config/rules-schema/settings.schema.json', import.meta.url)
  const committed = JSON.parse(readFileSync(path, 'utf8'))
  expect(committed).toEqual(JSON.parse(JSON.stringify(settingsSchema())))
})
