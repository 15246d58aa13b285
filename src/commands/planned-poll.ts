/** What workers say of their clocks and of what they have planned, over their HTTP. */

import type { WatchSettings } from '../config/settings.ts'
import type { PlannedPartition } from '../model/planned.ts'

const TIMEOUT_MS = 10_000

/** How far a partition is, by its owner. */
export interface WorkerClock {
  readonly partition: number
  readonly clockMs: number
  readonly decisionNumber: number
}

/** Asks all workers; those that do not answer are passed over. */
export class Workers {
  readonly #addresses: readonly string[]

  constructor(settings: WatchSettings, http: { readonly host: string; readonly port: number }) {
    const host = http.host.includes(':') ? `[${http.host}]` : http.host
    const own = `http://${host}:${http.port}`
    this.#addresses = settings.workers.length > 0 ? settings.workers : [own]
  }

  /** Clocks of live partitions. */
  async clocks(): Promise<ReadonlyMap<number, WorkerClock>> {
    const partitions = await this.#ask('/v1/partitions')
    const clocks = new Map<number, WorkerClock>()
    for (const each of partitions) {
      const { partition, status, clockMs, output } = each as ListedPartition
      if (status !== 'live') continue
      clocks.set(partition, { partition, clockMs, decisionNumber: output.decisionNumber })
    }
    return clocks
  }

  /** Plans of live partitions. */
  async planned(): Promise<ReadonlyMap<number, PlannedPartition>> {
    const partitions = (await this.#ask('/v1/planned')) as PlannedPartition[]
    return new Map(partitions.map((each) => [each.partition, each]))
  }

  async #ask(path: string): Promise<unknown[]> {
    const answers = await Promise.all(this.#addresses.map((address) => askOne(address, path)))
    return answers.flat()
  }
}

interface ListedPartition {
  readonly partition: number
  readonly status: string
  readonly clockMs: number
  readonly output: { readonly decisionNumber: number }
}

async function askOne(address: string, path: string): Promise<unknown[]> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetch(`${address}${path}`, { signal, redirect: 'error' })
    if (!response.ok) return []
    const body = (await response.json()) as { partitions?: unknown }
    return Array.isArray(body.partitions) ? body.partitions : []
  } catch {
    // A worker that is down plans nothing that we could know of.
    return []
  }
}
