/** `highwater erase`: forgets subscribers, through the log. */

import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { UsageError } from '../errors.ts'
import type { ErasureReceipt } from '../model/erasure.ts'
import { sendErasures } from '../probe/erasure.ts'
import { createControlPorts } from './control-ports.ts'
import { parseSubscriber } from './option-values.ts'
import { createScreen, fullCount } from './screen.ts'
import { openTarget, type StreamTarget } from './stream-writer.ts'

/** Options of `erase`: the subscriber, or where the numbers stand, one on a line. */
export interface EraseOptions {
  readonly target: StreamTarget
  /** A number from the command line, where other users of the machine can read it; null: none. */
  readonly subscriber: string | null
  /** Path of a file, or `-` for standard input; null: none. */
  readonly file: string | null
  readonly isJson: boolean
}

/** Publishes the erasures. Resolves with 0 once they stand in the log. */
export async function runErase(options: EraseOptions): Promise<number> {
  const subscribers = parseSubscribers(await readNumbers(options))
  const { connection, partitionCount, close } = await openTarget(options.target, 'highwater-erase')
  try {
    const receipts = await sendErasures(subscribers, createControlPorts(connection, partitionCount))
    if (options.isJson) process.stdout.write(`${JSON.stringify({ erasures: receipts })}\n`)
    else printReceipts(receipts)
    return 0
  } finally {
    await close()
  }
}

async function readNumbers({ subscriber, file }: EraseOptions): Promise<string> {
  if ((subscriber === null) === (file === null)) {
    throw new UsageError(
      'say --subscriber N, or --file FILE with a number on each line (- is input)',
    )
  }
  if (subscriber !== null) return subscriber
  if (file === '-') return text(process.stdin)
  try {
    return await readFile(file!, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} cannot be read`, { cause: error })
  }
}

/** Numbers of a text, one on a line. A mistake names its line, never what stands there. */
function parseSubscribers(lines: string): number[] {
  const subscribers: number[] = []
  for (const [index, line] of lines.split('\n').entries()) {
    const trimmed = line.trim()
    if (trimmed === '') continue
    const subscriber = parseSubscriber(trimmed)
    if (subscriber === null) {
      throw new UsageError(`line ${index + 1} is no subscriber number of 1 to 15 digits`)
    }
    subscribers.push(subscriber)
  }
  if (subscribers.length === 0) throw new UsageError('there is no number to erase')
  return subscribers
}

function printReceipts(receipts: readonly ErasureReceipt[]): void {
  const screen = createScreen(process.stdout)
  for (const { id, partition, sequence, count } of receipts) {
    const who = count === 1 ? '1 subscriber' : `${fullCount(count)} subscribers`
    screen.say(`${id}: ${who} of partition ${partition}, input ${sequence}`)
  }
  screen.say(
    'Stored. Forgotten once /v1/partitions shows appliedSequence there or beyond; ' +
      'gone from the disk, too, once erasureResidue is false.',
  )
}
