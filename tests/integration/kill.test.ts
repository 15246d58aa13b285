/**
 * A worker killed with SIGKILL at random moments, again and again, while its input goes on:
 * whatever was going on (start, recovery, checkpoint, publishing), what comes out is what the naive
 * model says, each once. `npm run faults -- worker-kill` kills five hundred.
 */

import { decode } from '@msgpack/msgpack'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { demoTraffic } from '../../src/commands/demo-traffic.ts'
import { connectToNats } from '../../src/sink/connection.ts'
import { type InputWriter, openInputWriter } from '../../src/sink/input-writer.ts'
import type { PrivateServer } from '../../src/sink/nats-server.ts'
import { openOutputStream } from '../../src/sink/output-stream.ts'
import { createStreamReader } from '../../src/sink/stream-reader.ts'
import { demoInput, demoParameters } from '../support/demo-inputs.ts'
import { readMetric, WorkerProcess } from '../support/kill-worker.ts'
import { encodeInput, readDecisions, type ReadDecision } from '../support/machine-harness.ts'
import type { NaiveDecision, NaiveInput, NaiveParameters } from '../support/naive/input.ts'
import { NaiveModel } from '../support/naive/model.ts'
import { startNatsServer } from '../support/nats-server.ts'
import { generateWorkload } from '../support/workload/generate.ts'
import { Random } from '../support/workload/random.ts'

const SCENARIO = join(import.meta.dirname, '../../config/scenarios/data-pack')
const KILLS = 3
const SEED = Number(process.env.HIGHWATER_SEED ?? 20_261_121)

/** What a test has to end, the last one first. */
type Closers = (() => Promise<unknown>)[]

/** Both at once: each waits for most of its time. */
test.concurrent.for([
  ['of a bad network', workloadStory],
  ['of the demo', demoStory],
] as const)(
  '%s: a worker killed again and again decides what one that lives decides',
  { timeout: 180_000 },
  async ([, tell], { expect, onTestFinished }) => {
    const closers: Closers = []
    onTestFinished(async () => {
      for (const close of closers.reverse()) await close()
    })
    console.log(`seed ${SEED} (HIGHWATER_SEED chooses another)`)
    const random = new Random(SEED)
    const { inputs, messages, parameters } = tell()
    const server = await startServer(closers)
    const directory = await makeFolder(closers)
    await writeConfig(directory, server, parameters)
    const connection = await connectToNats({ servers: [server.url], name: 'test' })
    closers.push(() => connection.close())
    const writer = openInputWriter(connection, 0)

    for (let life = 0; life < KILLS; life++) {
      const worker = startWorker(directory, closers)
      // The first life makes the streams.
      if (life === 0) await untilStreamsExist(connection)
      const published = publishInOrder(shareOf(messages, life), random.next(), writer)
      await untilSomeMoment(worker, random)
      // One life at least leaves an image that holds usage.
      if (life === KILLS - 2) await published.then(() => untilImage(worker))
      expect(await worker.end('SIGKILL'), worker.log).toEqual([null, 'SIGKILL'])
      await published
    }

    const last = startWorker(directory, closers)
    await publishInOrder(shareOf(messages, KILLS), random.next(), writer)
    const url = await last.untilListening()
    await untilApplied(connection, url)
    // It began at an image, or the kills before would have tested replay from genesis only.
    const applied = await readMetric(
      url,
      'highwater_input_messages_total{partition="0",kind="usage"',
    )
    expect(applied).toBeGreaterThan(0)
    expect(applied).toBeLessThan(inputs.filter(({ kind }) => kind === 'usage').length)
    expect(await last.end('SIGTERM'), last.log).toEqual([0, null])

    const model = new NaiveModel(parameters)
    const expected = inputs.flatMap((input) => model.apply(input))
    const decided = await readOut(connection)
    expect(decided.map(({ number }) => number)).toEqual(decided.map((_, index) => index + 1))
    expect(decided.map(withoutPlace)).toEqual(expected.map(withoutPlace))
    const deliveries = decided.flatMap((each) => (each.kind === 'delivery' ? [each.id] : []))
    expect(deliveries.length).toBeGreaterThan(100)
    expect(new Set(deliveries).size).toBe(deliveries.length)
  },
)

/** A log as messages and as what the naive model takes. */
interface Story {
  readonly parameters: NaiveParameters
  readonly inputs: readonly NaiveInput[]
  readonly messages: readonly { readonly subject: string; readonly data: Uint8Array }[]
}

/** Late, repeated, overtaken and senseless messages of many zones, with feedback. */
function workloadStory(): Story {
  const { keep, contactWindow } = demoParameters(0)
  const options = { seed: SEED, subscribers: 400, parameters: { keep, contactWindow } }
  const { inputs, parameters } = generateWorkload(options)
  return { parameters, inputs, messages: inputs.map((input) => encodeInput(input, 0)) }
}

/** Fewer troubles, more subscribers. */
function demoStory(): Story {
  const startMs = Date.parse('2026-11-01T00:00+08:00')
  const traffic = { seed: SEED, subscriberCount: 3_000, startMs, days: 19, recordsPerDay: 8 }
  const messages = [...demoTraffic(traffic)]
  const inputs = messages.map((message, index) => demoInput(message, index + 2))
  return { parameters: demoParameters(startMs), inputs, messages }
}

function startWorker(directory: string, closers: Closers): WorkerProcess {
  const worker = new WorkerProcess(directory)
  closers.push(() => worker.end('SIGKILL'))
  return worker
}

/** While it starts or recovers, while it works, or around a checkpoint after its first one. */
async function untilSomeMoment(worker: WorkerProcess, random: Random): Promise<void> {
  const kind = random.pick(['young', 'working', 'checkpoint', 'checkpoint'])
  if (kind === 'young') {
    await sleep(random.whole(50, 1_200))
    return
  }
  const url = await worker.untilListening()
  if (kind === 'checkpoint') {
    while ((await readMetric(url, 'highwater_checkpoints_total{')) === 0) await sleep(20)
  }
  await sleep(random.whole(0, 1_500))
}

/** Until an image holds what stands in the log now, or more. */
async function untilImage(worker: WorkerProcess): Promise<void> {
  const url = await worker.untilListening()
  const readSequence = (): Promise<number> => readMetric(url, 'highwater_checkpoint_sequence{')
  const before = await readSequence()
  while ((await readSequence()) === before) await sleep(20)
}

/** Order is kept on one connection; a few are under way at once, and now and then nothing is. */
async function publishInOrder(
  messages: Story['messages'],
  seed: number,
  writer: InputWriter,
): Promise<void> {
  const random = new Random(seed * 2 ** 32)
  let underWay: Promise<void>[] = []
  for (const { subject, data } of messages) {
    underWay.push(writer.publish(subject, data))
    if (underWay.length < 8) continue
    await Promise.all(underWay)
    underWay = []
    await sleep(random.whole(5, 40))
  }
  await Promise.all(underWay)
}

/** What is published during one life: one share of as many as there are lives. */
function shareOf(messages: Story['messages'], life: number): Story['messages'] {
  const place = (index: number): number => Math.floor((messages.length * index) / (KILLS + 1))
  return messages.slice(place(life), place(life + 1))
}

/** The worker's own ticks shift the sequences; everything else must be the same. */
function withoutPlace(decision: NaiveDecision | ReadDecision) {
  const { inputSequence: _, generation: __, ...rest } = { generation: 1, ...decision }
  return rest
}

type Connection = Awaited<ReturnType<typeof connectToNats>>

async function readOut(connection: Connection): Promise<ReadDecision[]> {
  const output = await openOutputStream(connection, 0)
  const { lastSequence } = await output.state()
  const decisions: ReadDecision[] = []
  for await (const { data } of output.read(1, lastSequence)) {
    const { kind } = decode(data) as { kind: string }
    if (kind === 'decisions') decisions.push(...readDecisions(data))
  }
  return decisions
}

async function untilStreamsExist(connection: Connection): Promise<void> {
  const reader = await createStreamReader(connection, 'REJ_0', 5_000)
  const input = await createStreamReader(connection, 'IN_0', 5_000)
  for (;;) {
    try {
      await reader.state()
      if ((await input.state()).lastSequence > 0) return
    } catch {
      // Not there yet.
    }
    await sleep(20)
  }
}

async function untilApplied(connection: Connection, url: string): Promise<void> {
  const reader = await createStreamReader(connection, 'IN_0', 5_000)
  const metric = (name: string): Promise<number> => readMetric(url, `highwater_${name}{`)
  for (;;) {
    const { lastSequence } = await reader.state()
    const isApplied = (await metric('applied_sequence')) >= lastSequence
    const made = await metric('decision_number')
    if (isApplied && (await metric('acknowledged_decision_number')) === made) return
    await sleep(50)
  }
}

async function startServer(closers: Closers): Promise<PrivateServer> {
  const server = await startNatsServer()
  closers.push(() => server.stop())
  return server
}

async function makeFolder(closers: Closers): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'highwater-kill-'))
  closers.push(() => rm(directory, { recursive: true, force: true }))
  await cp(SCENARIO, directory, { recursive: true })
  return directory
}

async function writeConfig(
  directory: string,
  server: PrivateServer,
  { tickWriter: writer, startMs }: NaiveParameters,
): Promise<void> {
  const start = new Date(startMs).toISOString()
  const settings = {
    nats: { servers: [server.url] },
    genesis: { clock: 'virtual', writer, start },
    store: { directory: join(directory, '.store') },
    checkpoint: { every: '1s' },
    http: { port: 0 },
  }
  await writeFile(join(directory, 'highwater.yaml'), JSON.stringify(settings))
}
