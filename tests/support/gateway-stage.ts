/**
 * A stage for gateways: a private broker, the streams of some partitions with a genesis in each, a
 * fast writer of decisions in the engine's place, and a look at what came back.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { decode, encode } from '@msgpack/msgpack'
import { jetstreamManager } from '@nats-io/jetstream'
import { pino } from 'pino'
import { type RunningGateway, startGateway } from '../../src/commands/gateway.ts'
import { parseSettings } from '../../src/config/settings.ts'
import { decodeRecord, type GateResult } from '../../src/gateway/records.ts'
import { PROJECT_ROOT } from '../../src/launch.mjs'
import { encodeGenesis } from '../../src/probe/encode.ts'
import { type BrokerConnection, connectToNats } from '../../src/sink/connection.ts'
import type { PrivateServer } from '../../src/sink/nats-server.ts'
import { createPublisher } from '../../src/sink/publish.ts'
import { DEFAULT_STREAM_LIMITS } from '../../src/sink/stream-settings.ts'
import { ensureStreams } from '../../src/sink/streams.ts'
import { startNatsServer } from './nats-server.ts'

/** A delivery to be decided; what is left out is ordinary. Times in ms. */
export interface StageDelivery {
  readonly sub: number
  readonly channel: string
  readonly message?: string
  readonly notBeforeMs?: number
  readonly notAfterMs?: number
  readonly extra?: Readonly<Record<string, unknown>>
}

/** A row of feedback as a partition takes it: each stamp once. */
export interface StageRow {
  readonly sub: number
  readonly id?: string
  readonly channel?: string
  readonly kind: string
  readonly text?: string
}

const CLAIM = encode({ v: 1, kind: 'claim', worker: 'stage', engine: '0', time: 1 })
const HOUR_MS = 3_600_000

/** Opened once, closed once. */
export class GatewayStage {
  readonly broker: PrivateServer
  readonly folder: string
  readonly partitionCount: number
  connection: BrokerConnection
  readonly #numbers = new Map<number, number>()
  readonly #running: RunningGateway[] = []
  readonly #children: ChildProcess[] = []

  private constructor(
    broker: PrivateServer,
    folder: string,
    partitionCount: number,
    connection: BrokerConnection,
  ) {
    this.broker = broker
    this.folder = folder
    this.partitionCount = partitionCount
    this.connection = connection
  }

  static async open(partitionCount = 1): Promise<GatewayStage> {
    const folder = await mkdtemp(join(tmpdir(), 'highwater-gateway-'))
    const broker = await startNatsServer()
    const connection = await connectToNats({ servers: [broker.url], name: 'stage' })
    const stage = new GatewayStage(broker, folder, partitionCount, connection)
    for (let partition = 0; partition < partitionCount; partition++) {
      const genesis = encodeGenesis({
        id: 'genesis',
        partitionCount,
        partition,
        zone: 'Asia/Shanghai',
        clock: { mode: 'real' },
        generation: 1,
        files: {},
      })
      await ensureStreams(connection, partition, DEFAULT_STREAM_LIMITS, genesis)
      await stage.#publish(partition, CLAIM)
    }
    return stage
  }

  async close(): Promise<void> {
    for (const running of this.#running) await running.stop()
    for (const child of this.#children) child.kill('SIGKILL')
    await this.connection.close()
    await this.broker.stop()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Puts deliveries into OUT of their partitions, `perMessage` in each message; their ids. */
  async decide(deliveries: readonly StageDelivery[], perMessage = 500): Promise<string[]> {
    const ids: string[] = []
    const byPartition = new Map<number, StageDelivery[]>()
    for (const delivery of deliveries) {
      ids.push(idOf(delivery.sub))
      const partition = delivery.sub % this.partitionCount
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), delivery])
    }
    for (const [partition, all] of byPartition) {
      for (let from = 0; from < all.length; from += perMessage) {
        await this.decideMessage(partition, all.slice(from, from + perMessage))
      }
    }
    return ids
  }

  /** One message of OUT. */
  async decideMessage(partition: number, deliveries: readonly StageDelivery[]): Promise<void> {
    const first = (this.#numbers.get(partition) ?? 0) + 1
    const last = first + deliveries.length - 1
    this.#numbers.set(partition, last)
    const decisions = deliveries.map((delivery, index) => wireOf(delivery, first + index))
    const rest = { epoch: 1, first, last, digest: '0'.repeat(16), decisions }
    await this.#publish(partition, encode({ v: 1, kind: 'decisions', ...rest }))
  }

  async #publish(partition: number, data: Uint8Array): Promise<void> {
    const request = { stream: `OUT_${partition}`, subject: `out.${partition}`, data }
    const options = { expectedLastSequence: null, messageId: null }
    const outcome = await createPublisher(this.connection).publish({ ...request, ...options })
    if (outcome.kind !== 'stored') throw new Error(`OUT ${outcome.kind}`)
  }

  /** Settings text with these channels (YAML flow mappings by name). */
  settingsText(channels: Readonly<Record<string, string>>, url = this.broker.url): string {
    const lines = Object.entries(channels).map(([name, text]) => `    ${name}: ${text}`)
    return [
      `nats: { servers: ['${url}'] }`,
      `partitions: { count: ${this.partitionCount} }`,
      'log: { level: silent }',
      'shutdown: { timeout: 5s }',
      `gateway:\n  port: 0\n  channels:\n${lines.join('\n')}`,
      '',
    ].join('\n')
  }

  /** A gateway in this process. */
  async start(channels: Readonly<Record<string, string>>): Promise<RunningGateway> {
    const settings = parseSettings('highwater.yaml', this.settingsText(channels))
    const options = { config: '', channels: null, partitions: null }
    const running = await startGateway(settings, options, pino({ level: 'silent' }))
    this.#running.push(running)
    return running
  }

  /** A gateway in a process of its own, which a test may kill. */
  async spawn(channels: Readonly<Record<string, string>>): Promise<ChildProcess> {
    await writeFile(join(this.folder, 'highwater.yaml'), this.settingsText(channels))
    const main = join(PROJECT_ROOT, 'src', 'main.ts')
    const arguments_ = [main, 'gateway', '--config', this.folder]
    const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'inherit', 'inherit'] })
    this.#children.push(child)
    return child
  }

  /** A secret in a file; its path. */
  async secret(name: string, text: string): Promise<string> {
    const path = join(this.folder, name)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }

  /** Feedback in IN of all partitions. */
  async feedback(): Promise<StageRow[]> {
    const rows: StageRow[] = []
    const stamps = new Set<string>()
    for (let partition = 0; partition < this.partitionCount; partition++) {
      for (const { subject, data } of await this.#read(`IN_${partition}`)) {
        if (!subject.startsWith('feedback.')) continue
        const message = decode(data) as { source: string; epoch: number; seq: number } & {
          rows: StageRow[]
        }
        const stamp = `${partition} ${message.source} ${message.epoch} ${message.seq}`
        if (!stamps.has(stamp)) rows.push(...message.rows)
        stamps.add(stamp)
      }
    }
    return rows
  }

  /** Waits until feedback has `count` rows; fails after `timeoutMs`. */
  untilFeedback(count: number, timeoutMs = 20_000): Promise<StageRow[]> {
    return untilCount(() => this.feedback(), count, timeoutMs)
  }

  /** Waits until GATE has `count` results of a channel; fails after a while. */
  untilResults(channel: string, count: number): Promise<GateResult[]> {
    return untilCount(() => this.results(channel), count, 20_000)
  }

  /** Results in GATE of a channel, all partitions. */
  async results(channel: string): Promise<GateResult[]> {
    const results: GateResult[] = []
    for (let partition = 0; partition < this.partitionCount; partition++) {
      for (const { data } of await this.#read(`GATE_${partition}_${channel}`)) {
        const record = decodeRecord(data)
        if (record.kind === 'step') results.push(...record.step.results)
      }
    }
    return results.filter(({ kind }) => kind !== 'withdrawn')
  }

  /** How far a channel of a partition is done, as its last step says. */
  async cursor(partition: number, channel: string): Promise<number> {
    const stream = `GATE_${partition}_${channel}`
    const manager = await jetstreamManager(this.connection)
    const { state } = await manager.streams.info(stream)
    for (let seq = state.last_seq; seq >= state.first_seq && seq > 0; seq--) {
      const stored = await manager.streams.getMessage(stream, { seq })
      const record = stored === null ? null : decodeRecord(stored.data)
      if (record?.kind === 'step') return record.step.cursor.number
    }
    return 0
  }

  /** Messages of any stream, with their subjects. */
  async #read(stream: string): Promise<{ subject: string; data: Uint8Array }[]> {
    const manager = await jetstreamManager(this.connection)
    const { state } = await manager.streams.info(stream)
    const sequences = Array.from({ length: state.messages }, (_, i) => state.first_seq + i)
    const found: { subject: string; data: Uint8Array }[] = []
    for (let from = 0; from < sequences.length; from += 32) {
      const asked = sequences.slice(from, from + 32)
      const read = (seq: number) => manager.streams.getMessage(stream, { seq })
      for (const stored of await Promise.all(asked.map(read))) {
        if (stored !== null) found.push({ subject: stored.subject, data: stored.data })
      }
    }
    return found
  }

  /** What the stream of a `nats` channel holds. */
  async published(channel: string): Promise<Record<string, unknown>[]> {
    const messages = await this.#read(`DELIVERY_${channel}`)
    return messages.map(({ data }) => decode(data) as Record<string, unknown>)
  }
}

/** Ends a child by a signal and waits for it; its exit code. */
export async function endChild(
  child: ChildProcess,
  signal: NodeJS.Signals,
): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  const [code] = (await exited) as [number | null]
  return code
}

async function untilCount<T>(
  read: () => Promise<T[]>,
  count: number,
  timeoutMs: number,
): Promise<T[]> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    const all = await read()
    if (all.length >= count) return all
    if (performance.now() > endMs) throw new Error(`${all.length} of ${count}`)
    await sleep(200)
  }
}

/** The id of the stage's delivery to a subscriber. */
export function idOf(sub: number): string {
  return `offer:${sub}:ever:1`
}

function wireOf(delivery: StageDelivery, n: number): Record<string, unknown> {
  const nowMs = Date.now()
  const { sub, channel, message = 'Hello', extra = {} } = delivery
  const { notBeforeMs = nowMs, notAfterMs = nowMs + HOUR_MS } = delivery
  return {
    kind: 'delivery',
    trigger: 'offer',
    channel,
    message,
    n,
    in: n,
    sub,
    period: 'ever',
    attempt: 1,
    gen: 1,
    at: nowMs,
    fired: nowMs,
    values: {},
    id: idOf(sub),
    not_before: notBeforeMs,
    not_after: notAfterMs,
    ...extra,
  }
}
