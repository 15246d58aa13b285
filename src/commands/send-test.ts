/** `highwater send-test`: sends what a trigger says to a tester, through the log. */

import { UsageError } from '../errors.ts'
import { sendTest } from '../probe/direct-sends.ts'
import { createControlPorts } from './control-ports.ts'
import { subscriberOption } from './option-values.ts'
import { createScreen } from './screen.ts'
import { openTarget, type StreamTarget } from './stream-writer.ts'

/** Options of `send-test`. */
export interface SendTestOptions {
  readonly target: StreamTarget
  readonly trigger: string | null
  readonly subscriber: string | null
  readonly isJson: boolean
}

/** Publishes the request. Resolves with 0 once it stands in the log. */
export async function runSendTest(options: SendTestOptions): Promise<number> {
  const { trigger, subscriber, target, isJson } = options
  if (trigger === null || subscriber === null) {
    throw new UsageError('say what goes to whom: --trigger ID --subscriber N')
  }
  const number = subscriberOption(subscriber)
  const { connection, partitionCount, close } = await openTarget(target, 'highwater-send-test')
  try {
    const ports = createControlPorts(connection, partitionCount)
    const receipt = await sendTest({ trigger, subscriber: number }, ports)
    if (isJson) process.stdout.write(`${JSON.stringify(receipt)}\n`)
    else {
      const { id, partition, sequence } = receipt
      const screen = createScreen(process.stdout)
      screen.say(`${id}: partition ${partition}, input ${sequence}`)
      screen.say(`Stored. The delivery is in OUT_${partition}, or why not in REJ_${partition}.`)
    }
    return 0
  } finally {
    await close()
  }
}
