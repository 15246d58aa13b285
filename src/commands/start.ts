/** `highwater start --config DIR`: a worker until it is told to stop. */

import { pino } from 'pino'
import { loadConfigDirectory } from '../config/load.ts'
import { serve } from './serve.ts'

/** Options of `start`. */
export interface StartOptions {
  readonly config: string
}

/**
 * Runs until SIGTERM or SIGINT (drain), or until a partition halts; resolves with the exit code.
 */
export async function runStart(options: StartOptions): Promise<number> {
  const config = await loadConfigDirectory(options.config)
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
