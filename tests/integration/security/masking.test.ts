/**
 * A busy worker that is asked for subscribers, fed with what is wrong, reloaded, fenced and halted,
 * at the most talkative level. Then everything that it said is searched for their numbers.
 */

import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { encode } from '@msgpack/msgpack'
import { jetstream } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import {
  encodeConfig,
  encodeFeedback,
  encodeProfile,
  encodeUsageRows,
  type UsageRow,
} from '../../../src/probe/encode.ts'
import { runProgram } from '../../support/program.ts'
import {
  type ChildWorker,
  type Installation,
  LINE_FILES,
  openInstallation,
  until,
  writeFiles,
} from '../../support/worker-harness.ts'

/** Of several lengths; each turns up in nothing else. */
const SUBSCRIBERS = [460_007_193_582_641, 86_139_174_628, 491_736_285, 138_001_928_374_655]
/** Programs start in this one, beside all the others that the machine runs. */
const eventually: typeof until = (what, condition) => until(what, condition, 60_000)

const TOKEN = 'correct-horse-battery'

/** How a number may be written: in digits, grouped, as a power, in hex, percent-encoded, base64. */
function formsOf(subscriber: number): readonly string[] {
  const digits = String(subscriber)
  const grouped = (separator: string) => digits.replace(/\B(?=(\d{3})+$)/g, separator)
  return [
    digits,
    grouped(','),
    grouped('_'),
    subscriber.toExponential(),
    subscriber.toString(16),
    [...digits].map((digit) => `%3${digit}`).join(''),
    Buffer.from(digits).toString('base64').slice(0, -4),
  ]
}

/** What was said, and where. */
type Said = (readonly [where: string, text: string])[]

function hear(said: Said, where: string, text: string): void {
  said.push([where, text])
}

/** Where a number is found in what was said: `where: form`; empty when nothing is. */
function findNumbers(said: Said): string[] {
  const forms = SUBSCRIBERS.flatMap(formsOf)
  return [...said].flatMap(([where, text]) =>
    forms
      .filter((form) => text.toLowerCase().includes(form.toLowerCase()))
      .map((form) => `${where}: ${form}`),
  )
}

test('the search finds a number in each of its forms', () => {
  for (const form of SUBSCRIBERS.flatMap(formsOf)) {
    expect(findNumbers([['here', `{"a":"x${form}y"}`]])).toContain(`here: ${form}`)
  }
  expect(findNumbers([['here', '{"time":1795283612345,"seq":46000719}']])).toEqual([])
})

test('no subscriber number is in anything that a busy run says', async () => {
  const installation = await openInstallation({ partitionCount: 1 })
  const said: Said = []
  try {
    const tokenFile = join(installation.directory, 'token')
    const auditFile = join(installation.directory, 'audit.log')
    await writeFile(tokenFile, TOKEN, { mode: 0o600 })
    const settings = {
      http: { port: 0, tokenFile },
      log: { level: 'trace', auditFile },
      checkpoint: { every: '1s' },
    }
    const config = await installation.writeConfig('busy', LINE_FILES, settings)
    const worker = await installation.spawn(config)
    const url = worker.url()
    await eventually('it is live', async () => (await fetch(`${url}/-/ready`)).status === 200)
    await feed(installation)
    await ask(url, said)
    await reload(url, config, said)
    await publishCsv(installation, config, said)
    await erase(installation, url, config, said)
    await eventually('a checkpoint', async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text()
      return /highwater_checkpoints_total\{[^}]*\} [1-9]/.test(metrics)
    })
    await look(installation, url, said, 'live')
    await halt(installation, worker, url)
    await look(installation, url, said, 'halted')
    worker.child.kill('SIGTERM')
    await worker.exited
    const log = worker.output.join('\n')
    const audit = await readFile(auditFile, 'utf8')
    hear(said, 'the log', log)
    hear(said, 'the audit', audit)
    // It did happen, and was said.
    expect(log).toContain('/v1/subscribers/:id')
    expect(log).toContain('HW_OUTPUT_FENCED')
    expect(audit.trim().split('\n').length).toBeGreaterThan(4)
    expect(findNumbers(said)).toEqual([])
  } finally {
    await installation.close()
  }
}, 120_000)

/** Deliveries, and every kind of input that is refused with a number in it. */
async function feed(installation: Installation): Promise<void> {
  const now = Date.now()
  const stamp = (seq: number, probe = 'probe') => ({ probe, epoch: 1, seq })
  let seq = 100
  const rows = (...values: UsageRow[]) => encodeUsageRows(stamp(seq++), values)
  const raw = (row: readonly unknown[]) =>
    encode({ v: 1, probe: 'probe', epoch: 1, seq: seq++, rows: [row] })
  for (const [index, subscriber] of SUBSCRIBERS.entries()) {
    await installation.usage([[subscriber, 2_048, now]])
    const usages = [
      rows([subscriber, 10, now - 86_400_000 * 9]),
      rows([subscriber, 10, now + 3_600_000]),
      raw([subscriber, -1, now]),
      raw([String(subscriber), 1, now]),
      raw([subscriber * 1_000 + 0.5, 1, now]),
      raw([subscriber, 'many', now]),
      encode({ v: 1, probe: `p${subscriber}`, epoch: 1, seq: 1, rows: [[subscriber, 1, now]] }),
      rows([subscriber, 1, now]).subarray(0, -1),
      new TextEncoder().encode(`sub=${subscriber}`),
    ]
    for (const data of usages) await installation.send('usage.0.probe', data)
    const unknown = { subscriber, kind: 'expired', timeMs: now } as const
    const id = (attempt: number) => `line:${subscriber}:ever:${attempt}`
    const feedback = [
      { ...unknown, deliveryId: id(9) },
      { ...unknown, deliveryId: `nothing:${subscriber}:ever:1` },
      { ...unknown, deliveryId: `line:${subscriber}:never:1` },
    ]
    for (const [each, row] of feedback.entries()) {
      const data = encodeFeedback({ stamp: stamp(index * 10 + each, 'gateway'), rows: [row] })
      await installation.send('feedback.0.gateway', data)
    }
    const profile = { subscriber, tags: { [`t${subscriber}`]: true }, zone: `Zone/${subscriber}` }
    const message = { stamp: stamp(index, 'crm'), rows: [profile as never] }
    await installation.send('profile.0.crm', encodeProfile(message))
    const files = { ...LINE_FILES, [`triggers/${subscriber}.yaml`]: `trigger: "${subscriber}"\n` }
    await installation.send('control.0', encodeConfig({ id: `c${index}`, generation: 9, files }))
  }
  await eventually('all is refused', async () => (await installation.rejects()).length >= 40)
}

/** Requests that name subscribers, in every way; all answers are kept but the view itself. */
async function ask(url: string, said: Said): Promise<void> {
  const authorization = `Bearer ${TOKEN}`
  for (const subscriber of SUBSCRIBERS) {
    const encoded = formsOf(subscriber).find((form) => form.startsWith('%'))!
    const view = await fetch(`${url}/v1/subscribers/${subscriber}`, { headers: { authorization } })
    expect([view.status, await view.json()]).toMatchObject([200, { subscriber }])
    const requests: readonly (readonly [string, RequestInit])[] = [
      [`/v1/subscribers/${encoded}`, { headers: { authorization: `Bearer ${subscriber}` } }],
      [`/v1/subscribers/${subscriber}x`, {}],
      [`/v1/subscribers/${subscriber}000`, {}],
      [`/v1/subscribers/${subscriber}/counters`, {}],
      [`/v1/subscribers/${subscriber}`, { method: 'DELETE' }],
      [`/v1/subscribers/9${subscriber % 1e6}`, {}],
      [`/v1/subscribers?id=${subscriber}`, {}],
      [`/${subscriber}`, { method: 'POST', body: String(subscriber) }],
      [`/-/reload?for=${subscriber}`, { method: 'POST', headers: { authorization } }],
      ['/-/reload', { method: 'PUT', headers: { authorization: `Bearer ${subscriber}` } }],
      ['/metrics', { headers: { 'x-request-id': String(subscriber), referer: `/${subscriber}` } }],
    ]
    for (const [path, init] of requests) {
      const answer = await fetch(`${url}${path}`, init)
      const text = await answer.text()
      const isView = answer.status === 200 && path.startsWith('/v1/subscribers/')
      const heads = JSON.stringify([...answer.headers])
      hear(
        said,
        `${init.method ?? 'GET'} ${path.replace(/\d/g, '#')}`,
        heads + (isView ? '' : text),
      )
    }
    hear(
      said,
      'a broken request',
      await garble(url, `GET /v1/subscribers/${subscriber} HTTP/9\r\n\r\n`),
    )
    hear(said, 'no request', await garble(url, `${subscriber}\r\n\r\n`))
  }
}

async function garble(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(text)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}

/** A configuration that is wrong, one that cannot be read, and one that is taken. */
async function reload(url: string, config: string, said: Said): Promise<void> {
  const headers = { authorization: `Bearer ${TOKEN}` }
  const wrong = { 'triggers/bad.yaml': 'trigger: bad\nwhen: data.lifetime >= nothing\n' }
  for (const files of [wrong, { 'triggers/bad.yaml': 'trigger: [' }, { 'triggers/bad.yaml': '' }]) {
    await writeFiles(config, files)
    const answer = await fetch(`${url}/-/reload`, { method: 'POST', headers })
    hear(said, `reload ${answer.status}`, await answer.text())
  }
}

/** What the publisher and the importer of CSV print about lines that they refuse. */
async function publishCsv(installation: Installation, config: string, said: Said): Promise<void> {
  const file = join(installation.directory, 'usage.csv')
  const lines = SUBSCRIBERS.flatMap((each) => [
    `${each},1,now`,
    `${each}x,1,5`,
    `${each},-1,5`,
    `"${each}`,
  ])
  await writeFile(file, ['msisdn,bytes,start', ...lines, ''].join('\n'))
  const map = 'sub=msisdn,bytes=bytes,time=start'
  const args = ['publish', file, '--map', map, '--config', config]
  hear(said, 'publish', (await runProgram(...args)).output)
  const profiles = SUBSCRIBERS.flatMap((each) => [`${each},${each},`, `${each}x,1,`, `1,,${each}`])
  await writeFile(file, ['sub,black,zone', ...profiles, ''].join('\n'))
  hear(said, 'import', (await runProgram('import', file, '--config', config)).output)
}

/** What the command prints, and leaves in the audit, that forgets subscribers. */
async function erase(
  installation: Installation,
  url: string,
  config: string,
  said: Said,
): Promise<void> {
  const file = join(installation.directory, 'erase.txt')
  await writeFile(file, `${SUBSCRIBERS[0]}\n${SUBSCRIBERS[1]}\n`)
  const [, , subscriber] = SUBSCRIBERS
  const headers = { authorization: `Bearer ${TOKEN}` }
  await fetch(`${url}/v1/subscribers/${SUBSCRIBERS[3]}`, { method: 'DELETE', headers })
  // One that is taken, and one that is not.
  for (const which of [['--file', file], [`--subscriber=${subscriber}x`]]) {
    const { output } = await runProgram('erase', '--config', config, ...which)
    hear(said, `erase ${which[0]!.slice(0, 12)}`, output)
  }
}

/** Whatever can be read without a token, and what the broker shows of names. */
async function look(
  installation: Installation,
  url: string,
  said: Said,
  when: string,
): Promise<void> {
  for (const path of [
    '/',
    '/metrics',
    '/-/ready',
    '/-/healthy',
    '/v1/partitions',
    '/v1/triggers',
    '/openapi.json',
  ]) {
    hear(said, `${path} while ${when}`, await (await fetch(`${url}${path}`)).text())
  }
  const pages = [
    'connz?subs=1&auth=1',
    'jsz?streams=1&consumers=1&config=1',
    'subsz?subs=1',
    'varz',
  ]
  for (const page of pages) {
    const answer = await fetch(`${installation.server.monitorUrl}/${page}`)
    hear(said, `${page} while ${when}`, await answer.text())
  }
}

/** A foreign message in OUT, with a number in it, fences the worker off. */
async function halt(installation: Installation, worker: ChildWorker, url: string): Promise<void> {
  const [subscriber] = SUBSCRIBERS
  const foreign = encode({ v: 1, kind: 'claim', worker: `w${subscriber}`, engine: {}, time: 1 })
  await jetstream(installation.connection).publish('out.0', foreign)
  await installation.usage([[77, 2_048, Date.now()]])
  await eventually('it is fenced', async () => (await fetch(`${url}/-/ready`)).status === 503)
  await eventually('it is said', () =>
    worker.output.some((line) => line.includes('HW_OUTPUT_FENCED')),
  )
}
