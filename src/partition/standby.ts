/**
 * A hot standby: the same machine on the same input, without a claim. It decides everything itself,
 * keeps its decisions until it has read them in OUT (output-follower.ts), checkpoints only what OUT
 * holds, and asks for no ticks. Promotion is a claim; what OUT lacks by then is sent under it.
 *
 * Rejects are published as the owner does, with the same message ids: REJ is at least once anyway,
 * the server drops the repeat, and no knowledge of how far a dead owner came is needed.
 *
 *   loaded → standby → claim → tail compared → replay of the rest, if any → live
 */

import { BrokerUnavailableError } from '../errors.ts'
import type { OutputStream, Source, WaitingClock } from '../model/ports.ts'
import type { PartitionMachine } from './machine.ts'
import { OutputFollower } from './output-follower.ts'
import { type OutputTail, readTail } from './output-tail.ts'
import { type ClaimIdentity, claimOutput } from './output-writer.ts'
import { type LoadedPartition, type Ownership, patiently } from './recovery.ts'
import type { RejectWriter } from './reject-writer.ts'
import { isTickDue } from './ticker.ts'
import type { PartitionWorker } from './worker.ts'

/** How long a standby that is told to stop waits for the owner's last words, ms. */
const FAREWELL_MS = 2_000
/** How long whoever asks for a promotion waits for the claim, and how often it looks, ms. */
const PATIENCE_MS = 20_000
const POLL_MS = 5

/** How a partition is followed. */
export interface StandbySettings {
  /**
   * Claims by itself when the owner has owed something for this long and OUT stayed silent; null:
   * only when told.
   */
  readonly promoteAfterMs: number | null
  /** Told once the claim is made; for the log. */
  readonly onPromoted?: (promotion: Promotion) => void
}

/** How a promotion went. */
export interface Promotion {
  readonly epoch: number
  readonly cause: 'asked' | 'owner silent'
  /** From the decision to take over until sending may begin, ms. */
  readonly tookMs: number
}

/** What a standby needs from outside. */
export interface StandbyPorts {
  readonly source: Source
  readonly output: OutputStream
  readonly clock: WaitingClock
  readonly isStopping: () => boolean
}

/** The part of a worker that an owner lacks: from following to the claim. */
export class Standby {
  readonly follower: OutputFollower
  readonly #machine: PartitionMachine
  readonly #ports: StandbyPorts
  readonly #settings: StandbySettings

  constructor(loaded: LoadedPartition, ports: StandbyPorts, settings: StandbySettings) {
    const { machine, head, output } = loaded
    this.#machine = machine
    this.#ports = ports
    this.#settings = settings
    const start = {
      ...loaded.chainStart,
      outputCreated: output.created,
      outputFingerprint: loaded.chainFingerprint,
      rulingCount: loaded.rulingCount,
      epoch: head?.epoch ?? 0,
    }
    let seenSequence = -1
    const isOwed = (): boolean => {
      // Decisions that an owner would have said; or timers that an owner would ask a tick for.
      // While inputs arrive they move the clock themselves.
      const isStill = machine.sequence === seenSequence
      seenSequence = machine.sequence
      return machine.outbox.waitingCount > 0 || (isStill && isTickDue(machine, ports.clock.nowMs()))
    }
    this.follower = new OutputFollower(ports.output, ports.clock, machine.outbox, start, isOwed)
    this.follower.onRuling = (ruling) => machine.learn(ruling)
  }

  /** Whether the owner has been silent for so long that somebody else should try. */
  get isOwnerMissing(): boolean {
    const { promoteAfterMs } = this.#settings
    return promoteAfterMs !== null && this.follower.silentMs >= promoteAfterMs
  }

  /**
   * Claims OUT and takes over where its last owner ended: what OUT holds is compared and let go of,
   * what it lacks stays in the outbox for the new owner to send. Null when stopped meanwhile.
   * Throws PartitionHaltedError and StandbyOutdatedError, before the claim where it can.
   */
  async takeOver(
    identity: Omit<ClaimIdentity, 'claimedAtMs'>,
    cause: Promotion['cause'],
  ): Promise<Ownership | null> {
    const { source, output, clock, isStopping } = this.#ports
    const startedAtMs = clock.nowMs()
    const { follower } = this
    const machine = this.#machine
    const { outbox } = machine
    await follower.stop()
    const known = follower.knownRulings
    const checked = await patiently(clock, isStopping, async () => {
      const { lastSequence } = await output.state()
      compareTail(machine, await readTail(output, follower.end, lastSequence), known)
      return true
    })
    if (checked === null) return null
    const claimedAtMs = clock.nowMs()
    const claim = await claimOutput(output, { ...identity, claimedAtMs }, clock, isStopping)
    if (claim === null) return null
    const seen = await patiently(clock, isStopping, async () => {
      const { lastSequence } = await source.state()
      return { lastSequence, tail: await readTail(output, follower.end, claim.sequence) }
    })
    if (seen === null) return null
    const { lastNumber, digests } = seen.tail
    compareTail(machine, seen.tail, known)
    if (lastNumber > outbox.decisionNumber) outbox.expectReplay(lastNumber, digests)
    const tookMs = clock.nowMs() - startedAtMs
    this.#settings.onPromoted?.({ epoch: claim.sequence, cause, tookMs })
    return { claim, outputNumber: lastNumber, replayTarget: seen.lastSequence }
  }

  /**
   * Before a standby stops: true once OUT and REJ hold everything, so that a last image may be
   * written; false when the owner does not get there soon, since it may be dead.
   */
  async hearOut(rejects: RejectWriter): Promise<boolean> {
    const { decisionNumber } = this.#machine.outbox
    const said = Promise.all([this.follower.acknowledged(decisionNumber), rejects.drained()])
    await Promise.race([said, this.#ports.clock.pause(FAREWELL_MS)])
    return this.follower.acknowledgedNumber >= decisionNumber && rejects.waitingCount === 0
  }
}

/** Resolves once a worker that was told to take over owns its partition; see its `promote`. */
export async function untilPromoted(worker: PartitionWorker, clock: WaitingClock): Promise<void> {
  const deadlineMs = clock.nowMs() + PATIENCE_MS
  while (worker.isStandby) {
    if (worker.halt !== null) throw worker.halt
    if (worker.status === 'stopped' || clock.nowMs() > deadlineMs) {
      throw new BrokerUnavailableError('OUT has not taken the claim yet; it is tried on and on')
    }
    await clock.pause(POLL_MS)
  }
}

/** Lets go of what OUT holds and we have made, and reads what was ruled; safe to repeat. */
function compareTail(
  machine: PartitionMachine,
  { digests, rulings }: OutputTail,
  knownRulings: number,
): void {
  const { outbox } = machine
  for (const { ruling } of rulings.slice(knownRulings)) machine.learn(ruling)
  for (const [last, digest] of digests) {
    if (last >= outbox.nextNumber && last <= outbox.decisionNumber) outbox.release(last, digest)
  }
}
