/** The rights of config/nats/accounts.conf at a real server: what each user can do, and cannot. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startGateway } from '../../../src/commands/gateway.ts'
import { foldToEnd, openOutputFeed } from '../../../src/commands/output-feeds.ts'
import { serve } from '../../../src/commands/serve.ts'
import { openStreams } from '../../../src/commands/stream-writer.ts'
import { loadConfigDirectory } from '../../../src/config/load.ts'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { encodeFeedback, encodeNotice, encodeProfile } from '../../../src/probe/encode.ts'
import { encodeErrand } from '../../../src/probe/encode-errand.ts'
import { ReportFold } from '../../../src/report/fold.ts'
import { openControlWriter } from '../../../src/sink/control-writer.ts'
import { openReportingStream } from '../../../src/sink/reporting-stream.ts'
import { ZoneClock } from '../../../src/state/zone.ts'
import { FORGED_ORDERS } from '../../support/forged-orders.ts'
import { readMetric, WorkerProcess } from '../../support/kill-worker.ts'
import { runProgram } from '../../support/program.ts'
import {
  ATTACKS,
  outcomeOf,
  PLAIN_CONSUMER,
  readAsReport,
  usage,
} from '../../support/rights-attempts.ts'
import {
  openSecuredInstallation,
  type SecuredInstallation,
  type SecuredUser,
} from '../../support/secured-installation.ts'
import { LINE_FILES, until } from '../../support/worker-harness.ts'

const TOKEN = 'correct-horse-battery'
/** One delivery at once, and one that a tick must let out. */
const FILES: ConfigFiles = {
  ...LINE_FILES,
  'triggers/later.yaml':
    'trigger: later\nwhen: data.lifetime >= 2 * KiB\nonce: ever\n' +
    'deliver: { channel: sms, at: after 1s }\nmessage: Later\n',
}

/** Programs start in this one, beside all the others that the machine runs. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const eventually: typeof until = (what, condition) => until(what, condition, 60_000)

let installation: SecuredInstallation
/** Workers to be ended even if a test did not come that far. */
const workers: WorkerProcess[] = []

async function startWorker(): Promise<readonly [WorkerProcess, string]> {
  const worker = new WorkerProcess(config)
  workers.push(worker)
  return [worker, await worker.untilListening()]
}

let config: string
/** Of the admin: looks, and judges the others by what is in the streams. */
let admin: JetStreamManager

beforeAll(async () => {
  installation = await openSecuredInstallation()
  const tokenFile = join(installation.directory, 'token')
  await writeFile(tokenFile, `ops ${TOKEN}\n`, { mode: 0o600 })
  config = await installation.writeConfig('WORKER', FILES, {
    http: { port: 0, tokenFile },
    checkpoint: { every: '1s' },
    log: { level: 'trace' },
  })
  admin = await jetstreamManager(await installation.connectAs('ADMIN'), { checkAPI: false })
})

afterAll(async () => {
  for (const worker of workers) await worker.end('SIGKILL')
  await installation.close()
})

async function lastSequences(): Promise<Record<string, number>> {
  const names = ['IN_0', 'OUT_0', 'REJ_0', 'IN_1', 'OUT_1', 'REJ_1']
  const infos = await Promise.all(names.map((name) => admin.streams.info(name)))
  return Object.fromEntries(infos.map(({ config: { name }, state }) => [name, state.last_seq]))
}

const REFUSED = /Permissions Violation for Publish to/

async function publish(user: SecuredUser, subject: string, data: Uint8Array): Promise<string> {
  const connection = await installation.connectAs(user)
  const outcome = await outcomeOf(jetstream(connection).publish(subject, data, { timeout: 2_000 }))
  await connection.close()
  return outcome
}

/** In this order: each step stands on the one before. */
describe('a whole story', () => {
  test('a worker without streams says who makes them, and stays up', async () => {
    const logger = pino({ level: 'silent' })
    const worker = await serve({ configDirectory: config, logger, isWatching: false })
    const ready = await fetch(`${worker.address.url}/-/ready`)
    expect(ready.status).toBe(503)
    const text = await ready.text()
    expect(text).toContain('HW_BROKER_REFUSED')
    expect(text).toContain('OUT_0 is missing, and this user may not make it')
    await worker.stop()
  })

  test('the admin makes them, once', async () => {
    const identity = ['--nkey-file', installation.seedFile('ADMIN')]
    const args = ['init', '--config', config, ...identity, '--inbox-prefix', '_INBOX_admin']
    const first = await runProgram(...args)
    expect(first.output).toContain('partition 0: IN_0, OUT_0, REJ_0 made, genesis published')
    expect(first.output).toContain('partition 1: IN_1, OUT_1, REJ_1 made, genesis published')
    expect(first.output).toMatch(/"audit":true,"operation":"highwater init .*"outcome":"done"/)
    expect(first.code).toBe(0)
    const second = await runProgram(...args)
    expect(second.output).toContain('partition 1: IN_1, OUT_1, REJ_1 there already')
    expect(second.code).toBe(0)
    expect(await lastSequences()).toMatchObject({ IN_0: 1, IN_1: 1, OUT_0: 0 })
    for (const name of ['IN_0', 'OUT_0', 'REJ_0', 'IN_1', 'OUT_1', 'REJ_1']) {
      const info = await admin.streams.info(name)
      expect(info.config).toMatchObject({ deny_delete: true, deny_purge: true })
    }
  })

  test('the worker decides, keeps time, checkpoints, reloads, and comes back after kill -9', async () => {
    const [worker, url] = await startWorker()
    await eventually('it is live', async () => (await fetch(`${url}/-/ready`)).status === 200)
    expect(await publish('PROBE_7', 'usage.0.probe-7', usage(2, 1_024, 1))).toBe('done')
    expect(await publish('PROBE_7', 'usage.0.probe-7', usage(4, 2_048, 2))).toBe('done')
    await eventually('both said, and the later one a second on', async () => {
      const said = (await readAsReport(installation)).map(({ sub, trigger }) => `${trigger} ${sub}`)
      return said.sort().join() === 'later 4,line 2,line 4'
    })
    await eventually('a checkpoint', async () => {
      return (await readMetric(url, 'highwater_checkpoints_total{partition="0"}')) > 0
    })
    const more = FILES['triggers/line.yaml']!.replace('Hello', 'Goodbye')
    await installation.writeConfig(
      'WORKER',
      { ...FILES, 'triggers/line.yaml': more },
      {
        http: { port: 0, tokenFile: join(installation.directory, 'token') },
        checkpoint: { every: '1s' },
        log: { level: 'trace' },
      },
    )
    const headers = { authorization: `Bearer ${TOKEN}` }
    await fetch(`${url}/-/reload`, { method: 'POST', headers })
    await eventually('the reload is in force', async () => {
      return (await readMetric(url, 'highwater_config_generation{partition="1"}')) === 2
    })
    expect(await publish('PROBE_7', 'usage.0.probe-7', new Uint8Array([1]))).toBe('done')
    await eventually('a reject', async () => (await lastSequences()).REJ_0 === 1)
    await worker.end('SIGKILL')
    expect(worker.log).not.toMatch(/Permissions Violation/)
    expect(worker.log).not.toContain(installation.seeds.WORKER)
    expect(worker.log).not.toContain(TOKEN)
    const [again, secondUrl] = await startWorker()
    await eventually('it is live', async () => (await fetch(`${secondUrl}/-/ready`)).status === 200)
    expect(await publish('PROBE_7', 'usage.0.probe-7', usage(6, 1_024, 3))).toBe('done')
    await eventually('said', async () => (await readAsReport(installation)).length === 4)
    expect(await again.end('SIGTERM')).toEqual([0, null])
    expect(again.log).not.toMatch(/Permissions Violation/)
  })

  test('the tools of a probe work with its rights, once they are told the partitions', async () => {
    const probe = await installation.writeConfig('PROBE_7', FILES)
    const target = { servers: [], configDirectory: probe, partitionCount: null }
    await expect(openStreams(target, 'test')).rejects.toThrow('say --partitions')
    const before = await lastSequences()
    const { writer, close } = await openStreams({ ...target, partitionCount: 2 }, 'test')
    await writer.publish('usage.1.probe-7', usage(3, 10, 1))
    await close()
    expect((await lastSequences()).IN_1).toBe(before.IN_1! + 1)
  })

  test('profiles and feedback come from those who may send them', async () => {
    const stampOf = (probe: string) => ({ probe, epoch: 1, seq: 1 })
    const row = { subscriber: 2, lists: { canary: true } } as never
    const profile = encodeProfile({ stamp: stampOf('crm'), rows: [row] })
    const expired = { subscriber: 2, kind: 'sent', deliveryId: 'line:2:ever:1', timeMs: 1 } as const
    const feedback = encodeFeedback({ stamp: stampOf('sms-gateway'), rows: [expired] })
    expect(await publish('CRM', 'profile.0.crm', profile)).toBe('done')
    expect(await publish('SMS_GATEWAY', 'feedback.0.sms-gateway', feedback)).toBe('done')
    expect(await publish('CRM', 'feedback.0.sms-gateway', feedback)).toMatch(REFUSED)
    expect(await publish('SMS_GATEWAY', 'profile.0.crm', profile)).toMatch(REFUSED)
  })

  test('the watch reads decisions, publishes each report once, and tells people', async () => {
    const connection = await installation.connectAs('WATCH')
    const fold = new ReportFold(new ZoneClock('Asia/Shanghai'))
    const output = await openOutputFeed(connection, '_INBOX_watch', 0, fold)
    await foldToEnd(output, fold)
    expect(fold.positionOf(0).number).toBeGreaterThan(1)
    await output.feed.close()
    const reports = await openReportingStream(connection, 1)
    for (const sequence of [1, 1]) {
      const outcome = await reports.publish('report.day', 'report-day-1', new Uint8Array(1))
      expect(outcome).toEqual({ kind: 'stored', sequence })
    }
    const asked = new Set(['report-day-1', 'report-day-2'])
    expect(await reports.findPublished(asked)).toEqual(new Set(['report-day-1']))
    const notice = { id: 'n1', subscriber: 2, channel: 'sms', message: 'Hello', class: 'service' }
    const control = openControlWriter(connection, 0)
    expect((await control.publish(encodeNotice(notice), null)).kind).toBe('stored')
    await connection.close()
  })
})

test('the gateway sends and reports back, and a worker takes it', async () => {
  const folder = await installation.writeConfig('GATEWAY', FILES, {
    gateway: { port: 0, channels: { sms: { kind: 'nats' } } },
    log: { level: 'silent' },
  })
  const identity = ['--nkey-file', installation.seedFile('ADMIN')]
  const init = ['init', '--config', folder, ...identity, '--inbox-prefix', '_INBOX_admin']
  expect((await runProgram(...init)).output).toContain('channel sms: streams of the gateway')
  const { settings } = await loadConfigDirectory(folder)
  const options = { config: folder, channels: null, partitions: null }
  const gateway = await startGateway(settings, options, pino({ level: 'silent' }))
  const [worker, url] = await startWorker()
  await eventually('it is live', async () => (await fetch(`${url}/-/ready`)).status === 200)
  await eventually('all are sent', async () => {
    return (await admin.streams.info('DELIVERY_sms')).state.messages >= 4
  })
  const rejected = (await lastSequences()).REJ_0!
  await eventually('the partition has heard it', async () => {
    const { state } = await admin.streams.info('IN_0', { subjects_filter: 'feedback.>' })
    return Object.keys(state.subjects ?? {}).includes('feedback.0.gateway-sms-0')
  })
  await gateway.stop()
  expect((await lastSequences()).REJ_0).toBe(rejected)
  expect(await worker.end('SIGTERM')).toEqual([0, null])
})

describe('refused by the server', () => {
  test('to the gateway: deciding, and the names of others', async () => {
    const others = [
      'out.0',
      'control.0',
      'usage.0.probe-7',
      'feedback.0.sms-gateway',
      'gate.0.push',
    ]
    for (const subject of others) {
      expect(await publish('GATEWAY', subject, new Uint8Array(1))).toMatch(REFUSED)
    }
    const connection = await installation.connectAs('GATEWAY')
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 2_000 })
    expect(await outcomeOf(manager.streams.info('IN_0'))).toMatch(REFUSED)
    expect(await outcomeOf(manager.streams.purge('GATE_0_sms'))).toMatch(REFUSED)
    await connection.close()
  })

  test.each(Object.entries(ATTACKS))('to the worker: %s', async (_, attack) => {
    const connection = await installation.connectAs('WORKER')
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 2_000 })
    const before = await lastSequences()
    expect(await outcomeOf(attack(manager))).toMatch(REFUSED)
    expect(await lastSequences()).toEqual(before)
    await connection.close()
  })

  test('to the admin: purging and deleting', async () => {
    for (const name of ['purge', 'delete'] as const) {
      expect(await outcomeOf(admin.streams[name]('OUT_0'))).toMatch(REFUSED)
    }
    expect(await outcomeOf(admin.streams.deleteMessage('OUT_0', 1))).toMatch(REFUSED)
    // Nor may the guard be taken down first.
    const open = { deny_delete: false, deny_purge: false } as never
    expect(await outcomeOf(admin.streams.update('OUT_0', open))).toMatch(/can not cancel deny/)
  })

  test('to the worker: being a producer', async () => {
    expect(await publish('WORKER', 'usage.0.probe-7', usage(2, 1, 9))).toMatch(REFUSED)
    expect(await publish('WORKER', 'feedback.0.sms-gateway', new Uint8Array(1))).toMatch(REFUSED)
  })

  test('to the watch: deciding, and being a producer', async () => {
    for (const subject of ['out.0', 'reject.0', 'usage.0.probe-7', 'feedback.0.sms-gateway']) {
      expect(await publish('WATCH', subject, new Uint8Array(1))).toMatch(REFUSED)
    }
    const connection = await installation.connectAs('WATCH')
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 2_000 })
    expect(await outcomeOf(manager.streams.info('IN_0'))).toMatch(REFUSED)
    expect(await outcomeOf(manager.streams.add({ name: 'X', subjects: ['x'] }))).toMatch(REFUSED)
    await connection.close()
  })

  const subjects = [
    'usage.0.probe-8',
    'usage.0',
    'control.0',
    'out.0',
    'reject.0',
    'profile.0.crm',
    '$JS.API.STREAM.INFO.IN_0',
    '$JS.API.STREAM.PURGE.IN_0',
    'HIGHWATER.API.STREAM.INFO.OUT_0',
  ]

  test.each(subjects)('to a probe: %s', async (subject) => {
    const before = await lastSequences()
    expect(await publish('PROBE_7', subject, usage(2, 1, 9, 'probe-8'))).toMatch(REFUSED)
    expect(await lastSequences()).toEqual(before)
  })

  test.each(['out.0', 'control.0', 'usage.0.probe-7', 'reject.0', '$JS.API.STREAM.PURGE.IN_0'])(
    'to a report: writing %s',
    async (subject) => {
      const before = await lastSequences()
      expect(await publish('REPORTS', subject, usage(2, 1, 9))).toMatch(REFUSED)
      expect(await lastSequences()).toEqual(before)
    },
  )

  test.each(['PROBE_7', 'CRM', 'SMS_GATEWAY', 'REPORTS'] as const)(
    'to %s: orders that only workers give each other',
    async (user) => {
      const before = await lastSequences()
      for (const [index, order] of FORGED_ORDERS.entries()) {
        const outcome = await publish(user, `control.${index % 2}`, encodeErrand(order))
        expect(outcome).toMatch(REFUSED)
      }
      expect(await lastSequences()).toEqual(before)
    },
  )

  test('to a report: the input', async () => {
    const connection = await installation.connectAs('REPORTS')
    const options = { checkAPI: false, apiPrefix: 'HIGHWATER.API', timeout: 1_000 }
    const manager = await jetstreamManager(connection, options)
    for (const request of [
      manager.streams.info('IN_0'),
      manager.streams.getMessage('IN_0', { seq: 1 }),
      manager.consumers.add('OUT_0', PLAIN_CONSUMER),
      manager.streams.purge('OUT_0'),
    ]) {
      expect(await outcomeOf(request)).not.toBe('done')
    }
    await connection.close()
  })
})

describe('nobody', () => {
  async function sendWithReply(user: SecuredUser, subject: string, reply: string): Promise<void> {
    const connection = await installation.connectAs(user)
    connection.publish(subject, usage(2, 1, 1), { reply })
    await connection.flush()
    await connection.close()
  }

  test('makes the server write into a stream by naming it as the place for the answer', async () => {
    const before = await lastSequences()
    for (const reply of ['out.0', 'out.1', 'control.0', 'reject.0']) {
      await sendWithReply('PROBE_7', 'usage.0.probe-7', reply)
      await sendWithReply('REPORTS', 'HIGHWATER.API.STREAM.INFO.OUT_0', reply)
      await sendWithReply('SMS_GATEWAY', 'HIGHWATER.API.STREAM.MSG.GET.OUT_0', reply)
    }
    await eventually('all are in', async () => (await lastSequences()).IN_0 === before.IN_0! + 4)
    expect(await lastSequences()).toEqual({ ...before, IN_0: before.IN_0! + 4 })
  })

  test.each(['PROBE_7', 'CRM', 'SMS_GATEWAY', 'REPORTS', 'WORKER', 'ADMIN'] as const)(
    'overhears the others: %s',
    async (user) => {
      const connection = await installation.connectAs(user)
      const outcomes: string[] = []
      for (const subject of ['>', 'usage.>', '_INBOX.*.*', '$JS.>', 'out.*']) {
        listen(connection, subject, outcomes)
      }
      await connection.flush().catch(() => undefined)
      // Everybody hears who is the same user: that is no news to him.
      if (user === 'PROBE_7') await publish('CRM', 'profile.0.crm', new Uint8Array(1))
      else await publish('PROBE_7', 'usage.0.probe-7', usage(2, 1, 100))
      await admin.streams.info('OUT_0')
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(outcomes.filter((outcome) => outcome.startsWith('heard'))).toEqual([])
      expect(outcomes.length).toBeGreaterThanOrEqual(4)
      await connection.close()
    },
  )

  function listen(connection: NatsConnection, subject: string, outcomes: string[]): void {
    connection.subscribe(subject, {
      callback: (error, message) => {
        outcomes.push(error === null ? `heard ${message.subject}` : error.name)
      },
    })
  }
})
