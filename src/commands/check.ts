/**
 * `highwater check --config DIR`: validates a configuration as a reload would, without a worker.
 */

import { loadConfigDirectory } from '../config/load.ts'
import { parseForGenesis } from '../partition/config-change.ts'

/** Options of `check`. */
export interface CheckOptions {
  readonly config: string
}

/** Prints what the configuration declares; throws ConfigInvalidError with every problem. */
export async function runCheck(options: CheckOptions): Promise<number> {
  const { settings, files } = await loadConfigDirectory(options.config)
  const { catalog, notes } = parseForGenesis(files)
  const { counters, triggers, journeys, tags, fields } = catalog
  const walked = journeys.length === 0 ? '' : `${journeys.length} journeys, `
  console.log(
    `${options.config}: ${triggers.length} triggers, ${walked}${counters.length} counters, ` +
      `${tags.length} tags, ${fields.length} fields, ${settings.partitions.count} partitions`,
  )
  for (const note of notes) console.log(`note: ${note}`)
  return 0
}
