/** The demo's side of its producers' thread. */

import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { DemoProbeData, DemoProbeOrder, DemoProbeReport } from './demo-probe.ts'

/** The producers at work. */
export class DemoProbeThread {
  /** The last that was heard. */
  report: DemoProbeReport
  /** What ended it before its time; null: nothing. */
  failure: unknown = null
  readonly #thread: Worker
  #isStopping = false
  #toldApplied = 0

  constructor(data: DemoProbeData) {
    this.report = {
      messages: 0,
      records: 0,
      clockMs: data.traffic.startMs,
      isDone: false,
      isWhole: false,
    }
    // Beside this file in src/ and, compiled, in dist/.
    const program = `demo-probe${extname(import.meta.filename)}`
    this.#thread = new Worker(join(import.meta.dirname, program), { workerData: data })
    this.#thread.once('error', (error) => {
      this.failure = error
    })
    this.#thread.once('exit', () => {
      if (!this.report.isDone) this.failure ??= new Error("the demo's producers ended too soon")
    })
    this.#thread.on('message', (report: DemoProbeReport) => {
      this.report = report
    })
  }

  /** Lets it know how many of its messages the worker has applied. */
  tellApplied(applied: number): void {
    if (applied === this.#toldApplied) return
    this.#toldApplied = applied
    this.#tell(applied)
  }

  /** Publishes no more than what is on its way. */
  stop(): void {
    this.#isStopping = true
    this.#tell(this.#toldApplied)
  }

  /** Ends it at once. */
  async end(): Promise<void> {
    await this.#thread.terminate()
  }

  #tell(applied: number): void {
    const order: DemoProbeOrder = { applied, isStopping: this.#isStopping }
    this.#thread.postMessage(order)
  }
}
