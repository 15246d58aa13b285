/** `highwater promote`: tells a standby to take over. */

import { loadConfigDirectory } from '../config/load.ts'
import { UsageError } from '../errors.ts'
import { askRunningWorker } from './running-worker.ts'

/** Options of `promote`. */
export interface PromoteOptions {
  /** Config directory of the standby. */
  readonly config: string
  /** Null: all that the standby follows. */
  readonly partition: number | null
  /** Address of the standby; null: as configured. */
  readonly url: string | null
}

/** Asks the standby and prints what it owns now; resolves with 0. */
export async function runPromote(options: PromoteOptions): Promise<number> {
  const { settings } = await loadConfigDirectory(options.config)
  const query = options.partition === null ? '' : `?partition=${options.partition}`
  const path = `/-/promote${query}`
  const answer = await askRunningWorker<PromoteAnswer>(settings, options.url, path, 'POST')
  const { body, error } = answer
  if (error !== null) throw new UsageError(`${error.code} ${error.message}`)
  for (const { partition, epoch } of body?.promoted ?? []) {
    console.log(`partition ${partition} is owned here now, epoch ${epoch}`)
  }
  return 0
}

interface PromoteAnswer {
  readonly promoted: readonly { readonly partition: number; readonly epoch: number }[]
}
