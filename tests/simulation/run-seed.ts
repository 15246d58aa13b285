/** One seed from its first message to its last comparison. */

import { planFaults } from './faults.ts'
import type { Sabotage } from './life.ts'
import { reuseSegments, takeBackSegments } from './segments.ts'
import { World } from './world.ts'

/** What came of a seed. */
export interface SeedReport {
  readonly seed: number
  /** Fingerprint of everything that happened. */
  readonly hash: string
  readonly tasks: number
  readonly virtualMs: number
  readonly crashes: number
  readonly zombies: number
  readonly rivals: number
  readonly standbys: number
  readonly brokerRestarts: number
  readonly ambiguousAcks: number
  readonly failedCommits: number
  readonly tornPages: number
  readonly tamperings: number
  readonly reloads: number
  /** 1: it played a policy. */
  readonly towns: number
  /** Halts that a fault explains, by reason. */
  readonly halts: Readonly<Record<string, number>>
  readonly deliveriesCompared: number
  readonly lost: number
  readonly duplicated: number
  readonly recoverySeconds: readonly number[]
  readonly failures: readonly string[]
}

/** How a seed is run. */
export interface SeedOptions {
  readonly sabotage?: Sabotage
  /** Takes every task and note, as a line. */
  readonly trace?: (line: string) => void
}

/** Runs one seed. Never rejects for what the partition did; that is in `failures`. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedReport> {
  reuseSegments()
  const world = new World(seed, options.sabotage ?? {}, options.trace ?? null)
  planFaults(world)
  const failures: string[] = []
  try {
    await world.run()
  } catch (error) {
    failures.push(error instanceof Error ? `${error.stack}` : String(error))
  }
  for (const { worker } of world.lives)
    if (worker.machine !== null) takeBackSegments(worker.machine)
  for (const machine of [world.judge.machine, world.neighbour?.machine])
    if (machine) takeBackSegments(machine)
  const { judge, tally, scheduler, broker } = world
  failures.unshift(...judge.failures)
  const disks = new Set(world.lives.map(({ disk }) => disk))
  return {
    seed,
    hash: scheduler.hash,
    tasks: scheduler.taskCount,
    virtualMs: Math.round(scheduler.nowMs),
    crashes: tally.crashes,
    zombies: tally.zombies,
    rivals: tally.rivals,
    standbys: tally.standbys,
    brokerRestarts: tally.brokerRestarts,
    ambiguousAcks: broker.unknownCount,
    failedCommits: [...disks].reduce((sum, { failureCount }) => sum + failureCount, 0),
    tornPages: tally.tornPages,
    tamperings: tally.tamperings,
    reloads: tally.reloads,
    towns: world.log.town === null ? 0 : 1,
    halts: tally.halts,
    deliveriesCompared: judge.deliveriesCompared,
    lost: world.isDone ? judge.lost : 0,
    duplicated: judge.duplicated,
    recoverySeconds: tally.recoverySeconds,
    failures,
  }
}
