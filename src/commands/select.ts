/** `highwater select`: selects a segment now, through the log. */

import { UsageError } from '../errors.ts'
import { TAG_VERSION_MAX } from '../model/wire.ts'
import { sendSelection } from '../probe/selection.ts'
import { createControlPorts } from './control-ports.ts'
import { createScreen } from './screen.ts'
import { openTarget, type StreamTarget } from './stream-writer.ts'

/** Options of `select`. */
export interface SelectOptions {
  readonly target: StreamTarget
  readonly segment: string
  /** Version of the tag; null: today's date in UTC, like 20261110. */
  readonly version: number | null
  readonly isJson: boolean
}

const NAME = /^[a-z][a-z0-9_]{0,62}$/

/** Publishes the request. Resolves with 0 once it stands in the log. */
export async function runSelect(options: SelectOptions): Promise<number> {
  const { segment, target, isJson } = options
  if (!NAME.test(segment)) throw new UsageError('--segment says which one, like --segment seed')
  const version = options.version ?? versionOfToday()
  if (version < 1 || version > TAG_VERSION_MAX) {
    throw new UsageError(`--version is 1 to ${TAG_VERSION_MAX}`)
  }
  const { connection, partitionCount, close } = await openTarget(target, 'highwater-select')
  try {
    const ports = createControlPorts(connection, partitionCount)
    const receipt = await sendSelection(segment, version, ports)
    if (isJson) process.stdout.write(`${JSON.stringify(receipt)}\n`)
    else {
      const screen = createScreen(process.stdout)
      screen.say(`${segment}: version ${version} is asked for, input ${receipt.sequence}`)
      screen.say('Stored. /v1/segments shows how far it is; what is refused is in REJ_0.')
    }
    return 0
  } finally {
    await close()
  }
}

function versionOfToday(): number {
  return Number(new Date(Date.now()).toISOString().slice(0, 10).replaceAll('-', ''))
}
