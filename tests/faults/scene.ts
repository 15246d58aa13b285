/** What an episode on a stage is played with, and the two steps that nearly all of them share. */

import type { Comparison } from './comparison.ts'
import { compareStory } from './comparison.ts'
import type { Feeder } from './feeder.ts'
import type { OutputFlow } from './output-flow.ts'
import { type AskableWorker, untilSettled } from './standing.ts'
import type { Story } from './story.ts'
import type { Tally } from './tally.ts'
import type { Stage } from './worker-life.ts'

const FLOW_TIMEOUT_MS = 60_000

/** A story on its stage: who feeds it, who watches OUT, and who keeps count. */
export interface Scene {
  readonly story: Story
  readonly stage: Stage
  readonly feeder: Feeder
  readonly flow: OutputFlow
  readonly tally: Tally
}

/**
 * Feeds on, so that there is a recovery to see, until decisions flow; notes how long that took
 * since `startedAtMs` (performance.now). Seconds, or null: nothing flowed, noted as a failure.
 */
export async function untilFlowsAgain(
  { feeder, flow, tally }: Scene,
  feeding: { readonly share: number; readonly durationMs?: number },
  startedAtMs: number,
  after: string,
): Promise<number | null> {
  const extra = feeder.feedUntil(feeding.share, feeding.durationMs)
  const seconds = await flow.secondsUntilFlow(startedAtMs, FLOW_TIMEOUT_MS)
  if (seconds === null) tally.failures.push(`nothing flowed ${after}`)
  tally.noteRecovery(seconds)
  await extra
  return seconds
}

/** Feeds what is left, waits until all of it has been worked off, and lets the story judge. */
export async function compareAtEnd(
  { story, stage, feeder, tally }: Omit<Scene, 'flow'>,
  worker: AskableWorker,
): Promise<Comparison> {
  await feeder.feedUntil(1)
  await stage.untilConnected()
  const { halt } = await untilSettled(stage.manager, worker)
  if (halt !== null) tally.failures.push(`the last owner halted: ${halt}`)
  const { inspect } = worker
  return (story.compare ?? compareStory)(story, stage.manager, { inspect })
}
