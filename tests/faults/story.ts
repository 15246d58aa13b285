/**
 * The traffic that every family of faults uses: a seeded log with very many deliveries that are
 * cheap to make and to compare (the ladder), and mixed into it a hostile workload (late, repeated,
 * overtaken and senseless messages, feedback, contact windows) whose deliveries are few and hard.
 *
 * Nothing here depends on the order in which the messages arrive: the expectation is worked out
 * from the log as it came to be (`expectation.ts`), so faults may reorder and repeat as they like.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { ClockMode } from '../../src/model/messages.ts'
import type { Compare } from './comparison.ts'
import { encodeInput } from '../support/machine-harness.ts'
import { type NaiveParameters, S1_PARAMETERS } from '../support/naive/input.ts'
import { edited, scenarioFiles } from '../support/scenario-files.ts'
import { generateWorkload } from '../support/workload/generate.ts'
import { Random } from '../support/workload/random.ts'
import { climbLadder, encodeLadderBatch, LADDER_COUNTER, ladderFiles } from './ladder.ts'

/** With a real clock the ladder is alone, and there must be enough messages all the same. */
const RECORDS_PER_BATCH = { virtual: 100, real: 10 }

/** What to tell. */
export interface StoryChoice {
  readonly seed: number
  /** About how many deliveries the ladder makes. */
  readonly deliveries: number
  /**
   * `virtual` (default) includes the hostile workload; with a `real` clock there is the ladder
   * only.
   */
  readonly clock?: 'virtual' | 'real'
  /** Subscribers of the hostile workload, about 40 messages each; default 30. */
  readonly subscribers?: number
}

/** One message for the log that its subject names. */
export interface StoryMessage {
  readonly subject: string
  readonly data: Uint8Array
}

/**
 * Logs to be, and the installation that they are meant for: `parameters.partitionCount` partitions.
 */
export interface Story {
  readonly seed: number
  readonly files: ConfigFiles
  readonly clock: ClockMode
  readonly parameters: NaiveParameters
  readonly messages: readonly StoryMessage[]
  /** Who judges what came out; absent: the models of ladder and workload. */
  readonly compare?: Compare
}

/** The same choice tells the same story; with a real clock but for the times of its usage. */
export function tellStory(choice: StoryChoice): Story {
  const { seed, deliveries, clock = 'virtual' } = choice
  const random = new Random(seed)
  const batches = climbLadder(random, deliveries, RECORDS_PER_BATCH[clock])
  const files = { ...scenarioFiles('data-pack'), ...ladderFiles() }
  const base = {
    seed,
    files: edited(files, 'counters:\n', `counters:\n${LADDER_COUNTER}`),
  }
  if (clock === 'real') {
    const atMs = Date.now()
    const data = batches.map((batch) => encodeLadderBatch(batch, atMs))
    const messages = data.map((each) => ({ subject: 'usage.0.ladder', data: each }))
    return { ...base, clock: { mode: 'real' }, parameters: S1_PARAMETERS, messages }
  }
  const { inputs, parameters } = generateWorkload({ seed, subscribers: choice.subscribers ?? 30 })
  const { tickWriter, startMs } = parameters
  const messages: StoryMessage[] = []
  let clockMs = startMs
  inputs.forEach((input, index) => {
    messages.push(encodeInput(input, 0))
    if (input.kind === 'tick' && input.writer === tickWriter) {
      clockMs = Math.max(clockMs, input.timeMs ?? 0)
    }
    const until = Math.floor((batches.length * (index + 1)) / inputs.length)
    const from = Math.floor((batches.length * index) / inputs.length)
    for (const batch of batches.slice(from, until)) {
      messages.push({ subject: 'usage.0.ladder', data: encodeLadderBatch(batch, clockMs) })
    }
  })
  return {
    ...base,
    clock: { mode: 'virtual', writer: tickWriter, startMs },
    parameters,
    messages,
  }
}

/** The story's clock as settings of `highwater.yaml`. */
export function genesisSettings({ clock }: Story): Readonly<Record<string, string>> {
  if (clock.mode === 'real') return { clock: 'real' }
  const start = new Date(clock.startMs).toISOString()
  return { clock: 'virtual', writer: clock.writer, start }
}
