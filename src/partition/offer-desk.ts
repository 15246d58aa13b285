/**
 * The desk of offers on request of one process: answers questions from the memory of the partition
 * that is live here, sees to it that what it showed comes into the log, and takes acceptances
 * there and back. It decides nothing.
 */

import { StreamFullError } from '../errors.ts'
import { SUPPRESSION_REASONS } from '../model/decision.ts'
import type { ShownRow } from '../model/messages.ts'
import {
  type AcceptAnswer,
  emptyOfferStatistics,
  type AcceptOutcome,
  type AcceptRequest,
  OFFER_DURATION_BOUNDS_S,
  type OfferAnswer,
  type OfferDesk,
  type OfferQuestion,
  type OfferStatistics,
} from '../model/offer.ts'
import { partitionOf } from '../model/wire.ts'
import { rememberedOutcome, whyNot } from './explaining-offers.ts'
import type { PartitionMachine } from './machine.ts'
import type { PlacedOffer } from './offering.ts'
import { type ShownPorts, ShownQueue } from './shown-queue.ts'

/** How long an acceptance waits for its answer. */
const ACCEPT_WAIT_MS = 5_000
const RETRY_MS = 200
const POLL_MS = 1

/** What the desk sees of a partition's worker. */
export interface OfferingWorker {
  readonly status: string
  readonly machine: PartitionMachine | null
}

/** What the desk needs from outside. */
export interface OfferDeskPorts extends ShownPorts {
  readonly partitionCount: number
  readonly workerOf: (partition: number) => OfferingWorker | undefined
  /** The id of an acceptance from its key and what it is about: the same for its repeats. */
  readonly idOfKey: (key: string, request: AcceptRequest) => string
}

type LiveMachine = PartitionMachine & {
  readonly core: NonNullable<PartitionMachine['core']>
  readonly offering: NonNullable<PartitionMachine['offering']>
}

/** Answers questions, and takes acceptances. */
export class PartitionOfferDesk implements OfferDesk {
  readonly statistics: OfferStatistics = emptyOfferStatistics()
  readonly #ports: OfferDeskPorts
  readonly #queues = new Map<number, ShownQueue>()

  constructor(ports: OfferDeskPorts) {
    this.#ports = ports
  }

  ask = (question: OfferQuestion): OfferAnswer => {
    const { subscriber, channel, limit, isExplaining } = question
    const partition = partitionOf(subscriber, this.#ports.partitionCount)
    const machine = this.#liveMachine(partition)
    if (machine === null) return { kind: 'not-live', partition }
    const { core, offering } = machine
    const triggers = offering.triggersOf(channel)
    if (triggers === undefined) return unknownChannel(machine)
    const slot = core.index.find(subscriber)
    if (slot === -1) return { kind: 'unknown-subscriber' }
    const queue = this.#queueOf(partition)
    if (queue.isFull && !isExplaining) {
      this.statistics.refusedBusy += 1
      return { kind: 'busy' }
    }
    const placed = offering.find(slot, triggers, limit)
    if (!isExplaining) this.#noteAnswer(queue, placed, question)
    const { arbitration } = core.compiled.policy
    return {
      kind: 'offers',
      partition,
      position: core.sequence,
      offers: placed
        .filter(({ row }) => row.experiment === 0)
        .map(({ trigger: { spec }, row, place, message }) => ({
          trigger: spec.id,
          place,
          message,
          value: row.value,
          layer: arbitration?.layers[spec.layer] ?? null,
          validUntilMs: spec.validToMs,
          action: spec.action ?? null,
        })),
      refusals: isExplaining ? whyNot(core, slot, triggers, placed) : [],
    }
  }

  /** Rejects with StreamFullError; then nothing stands in the log. */
  accept = async (request: AcceptRequest): Promise<AcceptAnswer> => {
    const { subscriber, trigger, channel, key } = request
    const partition = partitionOf(subscriber, this.#ports.partitionCount)
    const machine = this.#liveMachine(partition)
    if (machine === null) return { kind: 'not-live', partition }
    const triggers = machine.offering.triggersOf(channel)
    if (triggers === undefined) return unknownChannel(machine)
    const names = triggers.map(({ spec }) => spec.id)
    if (!names.includes(trigger)) return { kind: 'unknown-offer', offers: names }
    if (machine.core.index.find(subscriber) === -1) return { kind: 'unknown-subscriber' }
    const id = key === null ? this.#ports.newId('accept') : this.#ports.idOfKey(key, request)
    const deadlineMs = this.#ports.clock.steadyMs() + ACCEPT_WAIT_MS
    const sequence = await this.#store(partition, { id, ...request }, deadlineMs)
    const outcome =
      sequence === null ? null : await this.#hear(machine, sequence, id, request, deadlineMs)
    if (outcome === null) {
      this.statistics.pending += 1
      return { kind: 'pending', partition }
    }
    this.#noteOutcome(outcome)
    return { ...outcome, partition, position: machine.core.sequence }
  }

  noteDuration = (durationMs: number): void => {
    const { durations } = this.statistics
    const seconds = durationMs / 1000
    let at = 0
    while (at < OFFER_DURATION_BOUNDS_S.length && seconds > OFFER_DURATION_BOUNDS_S[at]!) at += 1
    durations[at]! += 1
    this.statistics.durationSumS += seconds
  }

  /** The counts, with what the queues know. */
  view = (): OfferStatistics => {
    const queues = [...this.#queues.values()]
    const { statistics } = this
    statistics.rowsWaiting = queues.reduce((sum, queue) => sum + queue.waitingCount, 0)
    const ofQueues = queues.reduce((sum, queue) => sum + queue.failureCount, 0)
    return { ...statistics, publishFailures: statistics.publishFailures + ofQueues }
  }

  /** Sees what was shown into the log, for up to `timeoutMs`. The desk answers no more after it. */
  async stop(timeoutMs: number): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.drain(timeoutMs)))
  }

  #liveMachine(partition: number): LiveMachine | null {
    const worker = this.#ports.workerOf(partition)
    const machine = worker?.machine ?? null
    if (worker?.status !== 'live' || machine === null) return null
    return machine.core === null || machine.offering === null ? null : (machine as LiveMachine)
  }

  #queueOf(partition: number): ShownQueue {
    let queue = this.#queues.get(partition)
    if (queue === undefined) {
      queue = new ShownQueue(partition, this.#ports)
      this.#queues.set(partition, queue)
    }
    return queue
  }

  #noteAnswer(
    queue: ShownQueue,
    placed: readonly PlacedOffer[],
    { subscriber, channel }: OfferQuestion,
  ): void {
    const rows: ShownRow[] = placed.map(({ trigger, place }) => {
      return { subscriber, trigger: trigger.spec.id, channel, place }
    })
    queue.add(rows)
    const { statistics } = this
    statistics.asked += 1
    statistics.rowsNoted += rows.length
    if (placed.every(({ row }) => row.experiment !== 0)) statistics.empty += 1
  }

  /** Where the acceptance stands in the log; null: not known in time. */
  async #store(
    partition: number,
    { id, subscriber, trigger, channel }: AcceptRequest & { readonly id: string },
    deadlineMs: number,
  ): Promise<number | null> {
    const { log, clock } = this.#ports
    const message = { kind: 'accept', id, subscriber, trigger, channel } as const
    while (clock.steadyMs() < deadlineMs) {
      const outcome = await log.publish(partition, message)
      if (outcome.kind === 'stored') return outcome.sequence
      this.statistics.publishFailures += 1
      if (outcome.kind === 'full') throw new StreamFullError(`IN_${partition} is full`)
      await clock.pause(RETRY_MS)
    }
    return null
  }

  /** Waits until the machine has come to the acceptance; null: not in time, or not known. */
  async #hear(
    machine: LiveMachine,
    sequence: number,
    id: string,
    { subscriber, trigger }: AcceptRequest,
    deadlineMs: number,
  ): Promise<AcceptOutcome | null> {
    const { clock } = this.#ports
    while (machine.sequence < sequence) {
      if (clock.steadyMs() >= deadlineMs) return null
      await clock.pause(POLL_MS)
    }
    const known = machine.offering.outcomes.get(id)
    return known ?? rememberedOutcome(machine.core, subscriber, trigger)
  }

  #noteOutcome(outcome: AcceptOutcome): void {
    const { statistics } = this
    switch (outcome.kind) {
      case 'accepted':
        statistics.accepted += 1
        return
      case 'held-out':
        statistics.heldOut += 1
        return
      case 'gone':
        statistics.gone += 1
        return
      case 'refused':
        statistics.refused[SUPPRESSION_REASONS.indexOf(outcome.reason)]! += 1
    }
  }
}

function unknownChannel({ offering }: LiveMachine): OfferAnswer & { kind: 'unknown-channel' } {
  return { kind: 'unknown-channel', inbound: offering.inboundChannels }
}
