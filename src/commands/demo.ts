/**
 * `highwater demo`: a virtual month of scenario data-pack on real parts, in about half a minute: a
 * private nats-server, a worker as `start` runs it, producers in a thread of their own, and an
 * independent reader of what comes out.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { UsageError } from '../errors.ts'
import type { PartitionWorker } from '../partition/worker.ts'
import { connectToNats } from '../sink/connection.ts'
import { openOutputStream } from '../sink/output-stream.ts'
import { DemoAudit } from './demo-audit.ts'
import { DEMO_ZONE, DEMO_ZONE_OFFSET_MINUTES } from './demo-people.ts'
import { DemoProbeThread } from './demo-probe-thread.ts'
import { createScreen, fullCount, type Screen, shortCount } from './screen.ts'
import {
  type DemoSummary,
  isAsPromised,
  localText,
  printSummary,
  summarise,
} from './demo-summary.ts'
import { DEMO_TICK_WRITER, type DemoTrafficOptions, demoPeople } from './demo-traffic.ts'
import { INTERRUPTED } from './interrupt.ts'
import { type PrivateStage, performOnStage } from './private-stage.ts'

/** Options of `demo`. */
export interface DemoOptions {
  readonly traffic: DemoTrafficOptions
  /** Wall time after which the demo ends, whole or not, ms; null: when the month is over. */
  readonly forMs: number | null
  readonly isKeeping: boolean
  readonly isJson: boolean
}

const WATCH_MS = 10
const PROGRESS_MS = 200
const AUDIT_MS = 250
/** What it takes to end in good order once nothing is published any more. */
const ENDING_MS = 1_500
const DAY_MS = 86_400_000

/** Runs the demo. Resolves with 0, 1 when a promise was broken, 130 when it was interrupted. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { traffic, isKeeping, isJson } = options
  const { subscriberCount, days, recordsPerDay, startMs } = traffic
  if ((startMs + DEMO_ZONE_OFFSET_MINUTES * 60_000) % DAY_MS !== 0) {
    throw new UsageError(`the demo starts at a midnight of ${DEMO_ZONE}: 2026-11-01T00:00+08:00`)
  }
  const screen = createScreen(isJson ? process.stderr : process.stdout)
  const place = {
    name: 'demo',
    scenario: 'data-pack',
    tickWriter: DEMO_TICK_WRITER,
    startMs,
    recordsExpected: subscriberCount * days * recordsPerDay,
  }
  return performOnStage(place, screen, isKeeping, async (stage, signal) => {
    const summary = await new DemoRun(options, stage, screen, signal).perform()
    if (isJson) process.stdout.write(`${JSON.stringify(summary)}\n`)
    else printSummary(screen, summary)
    if (!isAsPromised(summary)) return 1
    return signal.aborted ? INTERRUPTED : 0
  })
}

class DemoRun {
  readonly #options: DemoOptions
  readonly #stage: PrivateStage
  readonly #screen: Screen
  readonly #signal: AbortSignal
  readonly #startedMs = performance.now()
  #lagMs = 0
  #lagMaxMs = 0
  /** Counts of published messages and when they were heard of, not yet applied. */
  #marks: { readonly messages: number; readonly atMs: number }[] = []
  #progress = { atMs: 0, records: 0 }

  constructor(options: DemoOptions, stage: PrivateStage, screen: Screen, signal: AbortSignal) {
    this.#options = options
    this.#stage = stage
    this.#screen = screen
    this.#signal = signal
  }

  async perform(): Promise<DemoSummary> {
    const { traffic } = this.#options
    this.#screen.say('Highwater demo: scenario data-pack (config/scenarios/data-pack)')
    const server = await this.#stage.startServer()
    this.#screen.say(`- a private nats-server with JetStream: ${server.url}`)
    const { supervisor, address } = await this.#stage.startWorker()
    await supervisor.untilLive()
    const metricsUrl = new URL('/metrics', address.url).href
    this.#announce(metricsUrl)
    const connection = await connectToNats({ servers: [server.url], name: 'highwater-demo-audit' })
    const people = demoPeople(traffic)
    const output = await openOutputStream(connection, 0)
    const audit = new DemoAudit(output, (subscriber) => people.zoneOf(subscriber))
    const probe = new DemoProbeThread({ server: server.url, traffic })
    const worker = supervisor.worker(0)!
    const beganMs = performance.now()
    try {
      await this.#watch(worker, probe, audit)
      const wallMs = performance.now() - beganMs
      await audit.readAll()
      this.#screen.settle()
      return summarise({
        traffic,
        view: worker.view(),
        findings: audit.findings(),
        wallMs,
        lagMaxMs: this.#lagMaxMs,
        memoryPeakBytes: process.resourceUsage().maxRSS * 1024,
        metricsUrl,
        isWhole: probe.report.isWhole,
        directory: this.#options.isKeeping ? this.#stage.directory : null,
      })
    } finally {
      await probe.end()
      await connection.close()
    }
  }

  #announce(metricsUrl: string): void {
    const { subscriberCount, days, recordsPerDay, startMs, seed } = this.#options.traffic
    const records = fullCount(subscriberCount * days * recordsPerDay)
    for (const line of [
      '- one worker with one partition, as `highwater start` runs it, on a virtual clock',
      `- its metrics while it runs: ${metricsUrl}`,
      `- ${fullCount(subscriberCount)} subscribers make ${records} usage records in ${days} days`,
      `  from ${localText(startMs)} on (seed ${seed}); some come late, some batches come twice,`,
      '  one probe is broken, and for some hours nothing comes at all',
      '- on the 10th a fifth of them are tagged as seeds: who then uses 500 KiB of 3G/4G data in a',
      "  day hears of the data pack at noon of the next day, once a month, in their own zone's day",
      '',
    ]) {
      this.#screen.say(line)
    }
  }

  /** Until everything published is applied and everything decided is in OUT. */
  async #watch(worker: PartitionWorker, probe: DemoProbeThread, audit: DemoAudit): Promise<void> {
    let isStopped = false
    let auditedMs = 0
    while (!(probe.report.isDone && isSettled(worker, probe))) {
      await sleep(WATCH_MS)
      if (worker.halt !== null) throw worker.halt
      if (probe.failure !== null) throw probe.failure
      const nowMs = performance.now()
      probe.tellApplied(appliedMessages(worker))
      this.#noteLag(worker, probe, nowMs)
      if (!isStopped && this.#isOver(nowMs)) {
        isStopped = true
        probe.stop()
      }
      if (nowMs - auditedMs >= AUDIT_MS) {
        await audit.read()
        auditedMs = performance.now()
      }
      if (nowMs - this.#progress.atMs >= PROGRESS_MS) this.#showProgress(worker, audit, nowMs)
    }
  }

  #isOver(nowMs: number): boolean {
    const { forMs } = this.#options
    if (this.#signal.aborted) return true
    return forMs !== null && nowMs - this.#startedMs >= forMs - Math.min(ENDING_MS, forMs / 2)
  }

  #noteLag(worker: PartitionWorker, probe: DemoProbeThread, nowMs: number): void {
    const { messages } = probe.report
    const applied = appliedMessages(worker)
    const last = this.#marks.at(-1)
    if (messages > applied && messages > (last?.messages ?? 0)) {
      this.#marks.push({ messages, atMs: nowMs })
    }
    const oldest = this.#marks[0]
    this.#lagMs = oldest === undefined ? 0 : nowMs - oldest.atMs
    this.#lagMaxMs = Math.max(this.#lagMaxMs, this.#lagMs)
    this.#marks = this.#marks.filter((mark) => mark.messages > applied)
  }

  #showProgress(worker: PartitionWorker, audit: DemoAudit, nowMs: number): void {
    const { statistics, clockMs } = worker.view()
    const { records, candidates } = statistics
    const seconds = (nowMs - this.#progress.atMs) / 1_000
    const rate = this.#progress.atMs === 0 ? 0 : (records - this.#progress.records) / seconds
    this.#progress = { atMs: nowMs, records }
    this.#screen.progress(
      `${localText(clockMs)}  ${shortCount(records)} records  ${shortCount(rate)}/s  ` +
        `${fullCount(candidates)} candidates  ` +
        `${fullCount(audit.findings().deliveries)} deliveries  lag ${Math.round(this.#lagMs)} ms`,
    )
  }
}

/** Messages of usage and profiles; the rest are ticks, the worker's own among them. */
function appliedMessages(worker: PartitionWorker): number {
  const { usage, profile } = worker.statistics!.inputMessages
  return usage + profile
}

function isSettled(worker: PartitionWorker, probe: DemoProbeThread): boolean {
  const { report } = probe
  const { clockMs, decisionNumber, acknowledgedDecisionNumber } = worker.view()
  return (
    appliedMessages(worker) >= report.messages &&
    clockMs >= report.clockMs &&
    !worker.machine!.hasDueAt(clockMs) &&
    acknowledgedDecisionNumber === decisionNumber
  )
}
