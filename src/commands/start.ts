/** `highwater start --config DIR`: a worker until it is told to stop. */

import { pino } from 'pino'
import { type LoadedConfig, loadConfigDirectory } from '../config/load.ts'
import { ownedPartitions } from '../config/settings.ts'
import { awaitEnding } from './interrupt.ts'
import { type RunningWorker, serve } from './serve.ts'

/** Options of `start`. */
export interface StartOptions {
  readonly config: string
  /** Follows all that the settings say it owns, too. */
  readonly isStandby: boolean
}

/**
 * Runs until SIGTERM or SIGINT (drain; a second one ends at once); resolves with the exit code: 1
 * when a partition has halted. A signal during the start drains what runs by then.
 */
export async function runStart(options: StartOptions): Promise<number> {
  const ending = awaitEnding()
  let worker: RunningWorker | null = null
  // Before there is a worker, the directory is read anyway.
  process.on('SIGHUP', () => void worker?.reload('SIGHUP'))
  const loaded = await loadConfigDirectory(options.config)
  const config = options.isStandby ? followingAll(loaded) : loaded
  const logger = pino({ level: config.settings.log.level })
  worker = await serve({
    configDirectory: options.config,
    config,
    logger,
    isWatching: true,
    signal: ending.signal,
  })
  const { supervisor } = worker
  logger.info({ signal: await ending.asked }, 'draining')
  await worker.stop()
  const isHalted = supervisor.partitions().some(({ status }) => status === 'halted')
  return isHalted ? 1 : 0
}

/** What a process would own it follows, and what it follows anyway. */
function followingAll({ settings, ...rest }: LoadedConfig): LoadedConfig {
  const partitions = { ...settings.partitions, standby: ownedPartitions(settings) }
  return { ...rest, settings: { ...settings, partitions } }
}
