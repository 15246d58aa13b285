/**
 * The jumps of new baselines (rulings.ts): at its place the partition takes over what OUT says and
 * goes on at another place of IN, in the next era.
 */

import { StandbyOutdatedError } from '../errors.ts'
import { adoptSaid, type SaidDecision } from './adoption.ts'
import type { PartitionCore } from './core.ts'
import {
  FINGERPRINT_UNKNOWN,
  type InputBaseline,
  isJumpDue,
  type Ruling,
  type Rulings,
} from './rulings.ts'
import { leaveRuns } from './selection-lead.ts'

/**
 * Makes all jumps that are due where the partition stands; call before the first input and after
 * each. `said`: decisions of OUT past the image, in order. Before a baseline that compares nothing
 * decisions are muted, since what OUT says counts instead.
 */
export function takeBaselines(core: PartitionCore, said: readonly SaidDecision[]): void {
  const { rulings, outbox } = core
  core.outputEra = rulings.outputEraAfter(core.outputEra)
  for (;;) {
    const ruling = rulings.baselineFrom(core.era, core.sequence)
    const isMuted = ruling?.baseline.isCompared === false || rulings.isMutedAfter(core.era)
    if (isMuted && !outbox.isMuted) outbox.mute()
    if (ruling === null || !isJumpDue(ruling, core.sequence)) return
    jump(core, ruling, said)
  }
}

/** IN does not hold what follows our position: jumps if it was ruled that `sequence` does. */
export function passHole(
  core: PartitionCore,
  sequence: number,
  said: readonly SaidDecision[],
): void {
  const ruling = core.rulings.baselineFrom(core.era, core.sequence)
  if (ruling === null) return
  const { isForward, next } = ruling.baseline.input
  if (!isForward || next !== sequence) return
  jump(core, ruling, said)
  takeBaselines(core, said)
}

/**
 * The rulings of a machine that follows its owner and reads of one more. What the ruling is about
 * must lie ahead of it; a baseline is taken at a start only. Throws StandbyOutdatedError.
 */
export function learnRuling(core: PartitionCore | null, rulings: Rulings, ruling: Ruling): Rulings {
  const { choice, era, input } = ruling
  const isAhead = core === null || era > core.era || (era === core.era && input > core.sequence)
  if (choice !== 'new-baseline' && isAhead) return rulings.with(ruling)
  const text =
    choice === 'new-baseline'
      ? 'OUT holds a ruling that the partition goes on from a new baseline'
      : `OUT holds a ruling about input ${input}, which this standby has applied`
  throw new StandbyOutdatedError(text)
}

function jump(core: PartitionCore, ruling: InputBaseline, said: readonly SaidDecision[]): void {
  const { input, said: last } = ruling.baseline
  const { outbox } = core
  const made = outbox.decisionNumber
  if (outbox.isMuted || last.number > made) {
    adoptSaid(
      core,
      said.filter(({ n }) => n > made && n <= last.number),
    )
    outbox.rebase(last.number, last.digest)
  }
  const isContiguous = input.isForward && core.sequence === input.next - 1
  if (!isContiguous) core.fingerprint = FINGERPRINT_UNKNOWN
  core.sequence = input.next - 1
  core.inputSequence = core.sequence
  core.era += 1
  if (core.genesis.partition === 0) leaveRuns(core, ruling.time)
  // What an erasure of the old era left in the store's file is still to go.
  core.erasureSequence = Math.min(core.erasureSequence, 1)
  core.rejects.era = core.era
}
