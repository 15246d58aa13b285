/**
 * Which halts a world's faults explain. A partition that halts for a reason that nothing here
 * gives it has a defect; one that halts for a good reason is helped, as an operator would, and must
 * go on.
 */

import { SimDisk } from './disk.ts'
import type { Life } from './life.ts'
import { headOf, type World } from './world.ts'

/** Whether `reason` was to be expected of this life; mends what an operator would mend. */
export function explainHalt(world: World, life: Life, reason: string): boolean {
  if (world.tampering?.explains(life, reason) === true) return true
  return EXPLANATIONS[reason]?.(world, life) ?? false
}

/** A new kind of halt is a new line: what must be true of the world, and the way out. */
const EXPLANATIONS: Readonly<Record<string, (world: World, life: Life) => boolean>> = {
  HW_OUTPUT_FENCED: ({ judge }, life) => judge.isOutclaimed(life.worker.view().epoch),
  'store-commit': (_, { disk }) => disk.failureCount > 0,
  'page-checksum': mendPages,
  'page-missing': mendPages,
  'clock-ahead': (world, life) => {
    const aheadMs = world.judge.stampMaxMs - life.nowMs()
    life.skewMs = 0
    // The stamp stays in the log: nothing helps but to wait until it is no longer ahead.
    world.advanceWall(world.judge.stampMaxMs)
    return aheadMs > 5 * 60_000
  },
  'input-gap': bringImage,
  'output-gap': bringImage,
  'sequence-jump': (world, life) => life.source.glitchCount > 0 || bringImage(world, life),
  'engine-version': bringNewestImage,
}

function mendPages(_: World, { disk }: Life): boolean {
  if (disk.damage === null) return false
  disk.damage()
  return true
}

/** Something has left the streams by age that this life still needed. */
function bringImage(world: World, life: Life): boolean {
  const { input, output } = world.broker
  if (input.firstSequence === 1 && output.firstSequence === 1) return false
  if (world.disk === life.disk && world.vault !== null) {
    world.disk = new SimDisk()
    world.disk.put(world.vault)
  }
  return true
}

/** Several engines had their turn since an old image: only the newest has one of them left. */
function bringNewestImage(world: World, { disk, engine }: Life): boolean {
  const makers = world.judge.makersAfter(headOf(disk)?.decisionNumber ?? 0)
  if (makers.length > 1 && world.disk === disk) {
    const disks = world.lives.map((life) => life.disk)
    const numberOf = (each: SimDisk): number => headOf(each)?.decisionNumber ?? 0
    world.disk = disks.toSorted((left, right) => numberOf(right) - numberOf(left))[0]!
  }
  return makers.some((version) => version !== engine.version)
}
