/** `highwater start --config DIR`: a worker until it is told to stop. */

import { pino } from 'pino'
import { type LoadedConfig, loadConfigDirectory } from '../config/load.ts'
import { ownedPartitions } from '../config/settings.ts'
import { serve } from './serve.ts'

/** Options of `start`. */
export interface StartOptions {
  readonly config: string
  /** Follows all that the settings say it owns, too. */
  readonly isStandby: boolean
}

/**
 * Runs until SIGTERM or SIGINT (drain), or until a partition halts; resolves with the exit code.
 */
export async function runStart(options: StartOptions): Promise<number> {
  const loaded = await loadConfigDirectory(options.config)
  const config = options.isStandby ? followingAll(loaded) : loaded
  const logger = pino({ level: config.settings.log.level })
  const worker = await serve({
    configDirectory: options.config,
    config,
    logger,
    isWatching: true,
  })
  const { supervisor } = worker
  process.on('SIGHUP', () => void worker.reload('SIGHUP'))
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  logger.info({ signal }, 'draining')
  await worker.stop()
  const isHalted = supervisor.partitions().some(({ status }) => status === 'halted')
  return isHalted ? 1 : 0
}

/** What a process would own it follows, and what it follows anyway. */
function followingAll({ settings, ...rest }: LoadedConfig): LoadedConfig {
  const partitions = { ...settings.partitions, standby: ownedPartitions(settings) }
  return { ...rest, settings: { ...settings, partitions } }
}
