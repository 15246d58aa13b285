/** `highwater cancel`: takes back what is pending, through the log. */

import { UsageError } from '../errors.ts'
import { sendCancellation } from '../probe/cancellation.ts'
import { createControlPorts } from './control-ports.ts'
import { subscriberOption } from './option-values.ts'
import { createScreen } from './screen.ts'
import { openTarget, type StreamTarget } from './stream-writer.ts'

/** Options of `cancel`: one of the three at least. */
export interface CancelOptions {
  readonly target: StreamTarget
  readonly trigger: string | null
  readonly channel: string | null
  readonly subscriber: string | null
  readonly isJson: boolean
}

/** Publishes the cancellation. Resolves with 0 once it stands in the logs. */
export async function runCancel(options: CancelOptions): Promise<number> {
  const { trigger, channel, subscriber } = options
  if (trigger === null && channel === null && subscriber === null) {
    throw new UsageError('say what to take back: --trigger ID, --channel NAME, --subscriber N')
  }
  const number = subscriber === null ? null : subscriberOption(subscriber)
  const { connection, partitionCount, close } = await openTarget(options.target, 'highwater-cancel')
  try {
    const request = { trigger, channel, subscriber: number }
    const receipts = await sendCancellation(request, createControlPorts(connection, partitionCount))
    if (options.isJson) process.stdout.write(`${JSON.stringify({ cancellations: receipts })}\n`)
    else {
      const screen = createScreen(process.stdout)
      for (const { id, partition, sequence } of receipts) {
        screen.say(`${id}: partition ${partition}, input ${sequence}`)
      }
      screen.say('Stored. What was pending before is taken back once appliedSequence is there.')
    }
    return 0
  } finally {
    await close()
  }
}
