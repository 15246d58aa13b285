/**
 * One record per message: messages per second through a real file-backed JetStream into deliveries,
 * checkpoints on, worker and broker on the same cores. Beside it the transport alone (the same
 * messages, dropped) and the machine alone (the same kind of messages from memory). Two backlogs,
 * one of the columnar form with n = 1 and one of the row form. Rates are medians over equal
 * segments of one backlog.
 */

import { createInbox, type NatsConnection } from 'nats'
import type { StreamState } from '../../src/model/ports.ts'
import type { PartitionWorker } from '../../src/partition/worker.ts'
import { type BenchOptions, type BenchResult, comparedWith, median, say } from '../report.ts'
import { forkForReport } from './fork.ts'
import { populate, SEED } from './pipeline.ts'
import { Rig } from './rig.ts'
import { type MessageForm, Singles } from './singles.ts'
import { Traffic } from './traffic.ts'

const SEGMENTS = 5
const CHECKPOINT_EVERY_MS = 10_000
/** Publishes under way while a backlog is written. */
const WINDOW_MESSAGES = 4_096
const TAKE_MAX = 256

const FORMS: readonly MessageForm[] = ['columns', 'rows']

/**
 * Runs the bench; prints its seed. `records` is the number of messages of each form; `parts` may
 * name one form.
 */
export async function runMessages(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, records, parts } = options
  say(`seed ${SEED}, ${subscribers} subscribers, ${records} messages of each form`)
  const forms = FORMS.filter((form) => parts.length === 0 || parts.includes(form))
  const rig = await Rig.start()
  try {
    await populate(rig, new Traffic(SEED, subscribers), subscribers)
    const results: BenchResult[] = []
    for (const form of forms) results.push(...(await measure(rig, form, options)))
    return results
  } finally {
    await rig.stop()
  }
}

async function measure(
  rig: Rig,
  form: MessageForm,
  { subscribers, records }: BenchOptions,
): Promise<BenchResult[]> {
  say(`${form}: machine alone`)
  const args = [rig.storeDirectory, `${SEED}`, `${records}`, form]
  const machine = median(await forkForReport<number[]>('messages-alone.ts', args))
  say(`${form}: publishing`)
  const from = await fillSingles(rig, form, subscribers, records)
  say(`${form}: pipeline`)
  const pipeline = await consume(rig)
  say(`${form}: transport alone`)
  const transport = await drain(rig, from.first, from.last)
  const result = (metric: string, value: number, unit = 'messages/s'): BenchResult => ({
    bench: 'messages',
    metric: `${form}.${metric}`,
    value: Number(value.toPrecision(5)),
    unit,
  })
  const { rate } = pipeline
  return [
    {
      ...result('pipeline.messages_per_second', rate),
      ...comparedWith(rate, `${form}.transport.messages_per_second`, transport),
    },
    {
      ...result('pipeline.messages_per_second', rate),
      ...comparedWith(rate, `${form}.machine.messages_per_second`, machine),
    },
    result('transport.messages_per_second', transport),
    result('machine.messages_per_second', machine),
    result('publish.messages_per_second', from.rate),
    result('pipeline.deliveries', pipeline.deliveries, 'deliveries'),
    result('checkpoint.count', pipeline.checkpoints, 'checkpoints'),
  ]
}

/** Publishes with a window of answers to come; that all were stored, the stream says at the end. */
async function fillSingles(rig: Rig, form: MessageForm, subscribers: number, count: number) {
  const singles = new Singles(SEED + 1, subscribers, form)
  const first = (await stateOf(rig)).lastSequence + 1
  const startedAtMs = performance.now()
  await publishAll(rig.connection, count, singles)
  const rate = (count * 1000) / (performance.now() - startedAtMs)
  const last = (await stateOf(rig)).lastSequence
  if (last - first + 1 !== count) throw new Error(`IN took ${last - first + 1} of ${count}`)
  return { first, last, rate }
}

function publishAll(connection: NatsConnection, count: number, singles: Singles): Promise<void> {
  return new Promise((resolve, reject) => {
    const inbox = createInbox()
    let published = 0
    let answered = 0
    const publishMore = (): void => {
      const nowMs = Date.now()
      while (published < count && published - answered < WINDOW_MESSAGES) {
        const { subject, data } = singles.next(nowMs)
        connection.publish(subject, data, { reply: inbox })
        published += 1
      }
    }
    const subscription = connection.subscribe(inbox, {
      callback: (error) => {
        answered += 1
        if (error !== null) reject(error)
        else if (answered === count) {
          subscription.unsubscribe()
          resolve()
        } else if (published - answered < WINDOW_MESSAGES / 2) publishMore()
      },
    })
    publishMore()
  })
}

async function stateOf(rig: Rig): Promise<StreamState> {
  const source = await rig.source()
  const state = await source.state()
  await source.close()
  return state
}

/** Works off the backlog from the image on. */
async function consume(rig: Rig) {
  const { lastSequence } = await stateOf(rig)
  const worker = await rig.worker(CHECKPOINT_EVERY_MS)
  void worker.start()
  while (worker.machine === null) await pause(worker)
  const first = worker.machine.sequence
  const segment = Math.floor((lastSequence - first) / SEGMENTS)
  const rates: number[] = []
  let markSequence = first
  let markAtMs = performance.now()
  while (worker.machine.sequence < lastSequence) {
    await pause(worker)
    const { sequence } = worker.machine
    if (sequence - markSequence < segment) continue
    const nowMs = performance.now()
    rates.push(((sequence - markSequence) * 1000) / (nowMs - markAtMs))
    markSequence = sequence
    markAtMs = nowMs
  }
  const { deliveries, checkpoints } = worker.view().statistics
  await worker.stop()
  say(`segments: ${thousands(rates)} thousand messages/s`)
  return { rate: median(rates), deliveries, checkpoints }
}

async function pause(worker: PartitionWorker): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1))
  if (worker.halt !== null) throw worker.halt
}

/** The same messages through the same source, dropped. */
async function drain(rig: Rig, first: number, last: number): Promise<number> {
  const source = await rig.source()
  await source.open(first)
  const segment = Math.floor((last - first + 1) / SEGMENTS)
  const rates: number[] = []
  let markSequence = first - 1
  let markAtMs = performance.now()
  for (let sequence = first - 1; sequence < last; ) {
    const messages = source.take(TAKE_MAX)
    sequence = messages.at(-1)?.sequence ?? sequence
    if (sequence - markSequence >= segment) {
      const nowMs = performance.now()
      rates.push(((sequence - markSequence) * 1000) / (nowMs - markAtMs))
      markSequence = sequence
      markAtMs = nowMs
    }
    if (messages.length === 0) await source.wait(20)
    else await new Promise((resolve) => setImmediate(resolve))
  }
  await source.close()
  say(`segments: ${thousands(rates)} thousand messages/s`)
  return median(rates)
}

function thousands(rates: readonly number[]): string {
  return rates.map((rate) => Math.round(rate / 1e3)).join(', ')
}
