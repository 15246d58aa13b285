/** The watch on real parts, on a virtual clock: killed in between, it says nothing twice. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runReport } from '../../src/commands/report.ts'
import { encodeFeedback, encodeTick, encodeUsageRows } from '../../src/probe/encode.ts'
import { createStreamReader } from '../../src/sink/stream-reader.ts'
import { at } from '../support/machine-script.ts'
import { type Installation, openInstallation, range, until } from '../support/worker-harness.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
const MANAGERS = [8_613_800_000_001, 8_613_800_000_002]
const PARTITIONS = 2

const FILES = {
  'counters.yaml':
    'counters:\n  data: { sum: bytes, per: [day] }\nchannels: { sms: { sms: true } }\n',
  'triggers/pack.yaml':
    'trigger: pack\nwhen: data.day >= 1 * KiB\ndeliver: { channel: sms }\n' +
    'message: Hello\nverdict: { response: 5 %, order: 2 % }\n',
  'reporting.yaml': [
    'reports:',
    '  packs: { kind: sendout, triggers: [pack], to: [manager], channel: sms }',
    "  day: { kind: daily, at: '07:00' }",
    'watch:',
    '  every: 1h',
    '  dailyMaximum: { of: sms, segments: 5, to: [manager], channel: sms }',
  ].join('\n'),
}

let installation: Installation
let url = ''

/** The settings of worker and watch. */
const settingsFor = (watched: object) => ({
  genesis: { clock: 'virtual', writer: 'test', start: '2026-11-20T00:00:00+08:00' },
  partitions: { count: PARTITIONS },
  log: { level: 'info' },
  watch: {
    ...{ directory: join(installation.directory, 'watch'), port: 0, snapshotEvery: '1s' },
    recipients: { manager: MANAGERS.map(String) },
    ...watched,
  },
})

beforeEach(async () => {
  installation = await openInstallation()
  const config = await installation.writeConfig('a', FILES, settingsFor({}))
  const running = await installation.serve(config)
  await running.supervisor.untilLive()
  url = running.address.url
})

afterEach(async () => {
  await installation.close()
})

class Watch {
  readonly child: ChildProcess
  readonly lines: string[] = []
  url = ''

  constructor(config: string) {
    const args = [MAIN, 'watch', '--config', config]
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line)
        this.url = /"url":"(http[^"]+)"/.exec(line)?.[1] ?? this.url
      })
    }
    installation.onClose(() => this.kill('SIGKILL'))
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exited = once(this.child, 'exit')
    this.child.kill(signal)
    await exited
  }

  async ask(path: string): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`)
    return response.headers.get('content-type')?.includes('json')
      ? response.json()
      : response.text()
  }
}

const sends = new Map<string, number>()
const seqOf = (partition: number): number => {
  const key = `${installation.directory} ${partition}`
  sends.set(key, (sends.get(key) ?? 0) + 1)
  return sends.get(key)!
}

const tick = async (time: string): Promise<void> => {
  for (const partition of range(0, PARTITIONS - 1)) {
    const id = `tick-${at(time)}-${partition}`
    const data = encodeTick({ id, writer: 'test', timeMs: at(time) })
    await installation.send(`control.${partition}`, data)
  }
}

/** Deliveries to these subscribers, each of which is reported as sent and answered. */
const deliver = async (subscribers: readonly number[], time: string): Promise<void> => {
  for (const partition of range(0, PARTITIONS - 1)) {
    const mine = subscribers.filter((subscriber) => subscriber % PARTITIONS === partition)
    const seq = seqOf(partition)
    const stamp = { probe: 'p', epoch: 1, seq }
    const rows = mine.map((subscriber) => [subscriber, 1024, at(time)] as const)
    await installation.send(`usage.${partition}.p`, encodeUsageRows(stamp, rows))
    const day = time.slice(0, 10)
    const reports = mine.flatMap((subscriber) =>
      (['sent', 'ordered'] as const).map((kind) => ({
        ...{ subscriber, kind, deliveryId: `pack:${subscriber}:${day}:1`, timeMs: at(time) },
      })),
    )
    const feedback = encodeFeedback({ stamp: { probe: 'gw', epoch: 1, seq }, rows: reports })
    await installation.send(`feedback.${partition}.gw`, feedback)
  }
}

/** Subjects, ids and bodies of all that stands in REPORT. */
const published = async (): Promise<{ head: string; body: Record<string, unknown> }[]> => {
  const reader = await createStreamReader(installation.connection, 'REPORT', 5_000)
  const { lastSequence } = await reader.state()
  const found: { head: string; body: Record<string, unknown> }[] = []
  for (const sequence of range(1, lastSequence)) {
    const message = (await reader.read(sequence))!
    const body = JSON.parse(new TextDecoder().decode(message.data))
    found.push({ head: `${message.subject} ${message.header.get('Nats-Msg-Id')}`, body })
  }
  return found
}

const notices = async (): Promise<string[]> => {
  const all = await Promise.all(range(0, PARTITIONS - 1).map((p) => installation.decisions(p)))
  return all.flat().flatMap((decision) => {
    const { kind, purpose, id } = decision as { kind: string; purpose?: string; id?: string }
    return kind === 'delivery' && purpose === 'notice' ? [id!] : []
  })
}

const untilSaid = (watch: Watch, head: string) =>
  until(`${head} is published`, async () => {
    await sleep(100)
    const heads = await published().catch(() => [])
    return heads.some((each) => each.head.includes(head))
  }).catch((error: Error) => {
    throw new Error(`${error.message}; ${watch.lines.slice(-5).join('\n')}`)
  })

test('reports and notices come once each, killed or not, on days with zero, too', async () => {
  const config = await installation.writeConfig('b', FILES, settingsFor({ workers: [url] }))
  await tick('2026-11-20 10:00')
  await deliver(range(101, 104), '2026-11-20 10:00')
  let watch = new Watch(config)
  await tick('2026-11-20 12:30')
  await untilSaid(watch, 'report-packs-2026-11-20')
  // In the middle of what it says, perhaps; and the snapshot is torn: it is folded again.
  await watch.kill('SIGKILL')
  await truncate(join(installation.directory, 'watch', 'fold.snapshot'), 100).catch(() => null)
  watch = new Watch(config)
  await deliver(range(105, 108), '2026-11-20 12:30')
  await tick('2026-11-21 20:30')
  await untilSaid(watch, 'report-day-2026-11-20')
  await tick('2026-11-22 08:00')
  await untilSaid(watch, 'report-day-2026-11-21')
  await until('all notices are out', async () => (await notices()).length >= 6)

  const said = await published()
  expect(said.map(({ head }) => head)).toEqual([
    'report.day report-day-2026-11-19',
    'report.packs report-packs-2026-11-20',
    'alarm.warning daily-maximum-2026-11-20',
    'report.day report-day-2026-11-20',
    'report.packs report-packs-2026-11-21',
    'report.day report-day-2026-11-21',
  ])
  expect(said[1]?.body).toMatchObject({
    madeAt: '2026-11-20 12:00',
    triggers: [{ evaluation: { treated: { targets: 4, orderers: 4 }, verdict: { isGood: true } } }],
  })
  // On the 21st nothing was sent: the report came at the latest moment.
  expect(said[4]?.body).toMatchObject({
    madeAt: '2026-11-21 21:00',
    triggers: [{ counts: { delivered: 0 }, evaluation: { verdict: { isGood: null } } }],
  })
  const wanted = ['report-packs-2026-11-20', 'daily-maximum-2026-11-20', 'report-packs-2026-11-21']
  const ids = wanted.flatMap((id) =>
    MANAGERS.map((manager, index) => `notice:${manager}:${id}-notice-manager-${index}:1`),
  )
  expect((await notices()).sort()).toEqual(ids.sort())

  // What it shows while it runs.
  await until('it is ready', async () => (await fetch(`${watch.url}/-/ready`)).ok)
  expect(await watch.ask('/v1/statistics?by=trigger&to=2026-11-22&trigger=pack')).toMatchObject({
    groups: [{ words: { trigger: 'pack' }, counts: { decided: 8, delivered: 8, ordered: 8 } }],
  })
  const csv = (await watch.ask('/v1/statistics?by=day,channel&format=csv')) as string
  expect(csv.split('\r\n')[0]).toMatch(/^"day","channel","decided",/)
  expect(await watch.ask('/v1/statistics?by=sub')).toMatchObject({
    error: { code: 'HW_HTTP_BAD_REQUEST' },
  })
  expect(await watch.ask('/v1/verdicts')).toMatchObject({ triggers: [{ trigger: 'notice' }, {}] })
  expect(await watch.ask('/metrics')).toContain(
    'highwater_watch_funnel{trigger="pack",stage="ordered"} 8',
  )

  // The command reads the same, from the snapshot and what came after it, and names nobody.
  await watch.kill('SIGTERM')
  expect(watch.child.exitCode).toBe(0)
  const csvPath = join(installation.directory, 'report.csv')
  const none = { from: null, to: null, isJson: false, htmlPath: null }
  const printed = vi.spyOn(console, 'log').mockReturnValue()
  await runReport({ config, trigger: 'pack', csvPath, ...none })
  const lines = printed.mock.calls.map(([line]) => String(line))
  printed.mockRestore()
  expect(lines).toContain('  targets         8 distinct numbers handed over')
  expect(lines.filter((line) => line.includes('incomplete'))).toEqual([])
  const table = await readFile(csvPath, 'utf8')
  expect(table.split('\r\n')).toHaveLength(3)
  const state = await readFile(join(installation.directory, 'watch', 'watch.json'), 'utf8')
  for (const words of [watch.lines.join('\n'), JSON.stringify(said), state, table]) {
    expect(words).not.toContain('861380000000')
  }
}, 120_000)
