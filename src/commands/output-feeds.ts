/**
 * OUT of all partitions for those who fold it: opened behind what was folded before, or as far back
 * as OUT still goes.
 */

import { decodeSaidMessage } from '../decode/decisions.ts'
import type { Source, StreamState } from '../model/ports.ts'
import type { DecisionFeed } from '../model/said.ts'
import type { ReportFold } from '../report/fold.ts'
import { brokerLink } from '../sink/broker-link.ts'
import type { BrokerConnection } from '../sink/connection.ts'
import { outputStreamName } from '../sink/stream-names.ts'
import { openDecisionFeed } from '../source/decision-feed.ts'
import { createJetStreamSource } from '../source/jetstream-source.ts'

/** Messages without decisions (claims) may stand at the beginning: so many at most. */
const CLAIMS_MAX = 10_000
const TAKE_MAX = 10_000

/** One partition's OUT. */
export interface OutputFeedOf {
  readonly partition: number
  readonly feed: DecisionFeed
  /** Asks the stream how far it goes now. */
  readonly state: () => Promise<StreamState>
}

/**
 * Opens OUT of a partition behind the position that the fold has there. What OUT no longer holds is
 * passed over, and the fold is told.
 *
 * @throws {FeedBrokenError | BrokerUnavailableError | BrokerRefusedError}
 */
export async function openOutputFeed(
  connection: BrokerConnection,
  inboxPrefix: string | null,
  partition: number,
  fold: ReportFold,
): Promise<OutputFeedOf> {
  const stream = outputStreamName(partition)
  const link = brokerLink(connection)
  const source = await createJetStreamSource(connection, link, { stream, inboxPrefix })
  const beginning = await findBeginning(source)
  const position = fold.positionOf(partition)
  if (beginning !== null && beginning.first > position.number + 1) {
    const missing = position.missing + beginning.first - 1 - position.number
    const { sequence, created } = beginning
    const number = beginning.first - 1
    fold.setPosition(partition, { ...position, number, missing, sequence, created })
  }
  const feed = await openDecisionFeed(source, decodeSaidMessage, fold.positionOf(partition))
  return { partition, feed, state: () => source.state() }
}

/** Folds what has arrived and returns how many decisions that were. */
export function foldArrived({ partition, feed }: OutputFeedOf, fold: ReportFold): number {
  const decisions = feed.take(TAKE_MAX)
  for (const decision of decisions) fold.apply(partition, decision)
  fold.setPlace(partition, feed.place)
  return decisions.length
}

/** Folds everything that OUT holds now. */
export async function foldToEnd(output: OutputFeedOf, fold: ReportFold): Promise<void> {
  const { lastSequence } = await output.state()
  while (output.feed.place.sequence < lastSequence) {
    await output.feed.wait(1000)
    foldArrived(output, fold)
  }
}

async function findBeginning(
  source: Source,
): Promise<{ first: number; sequence: number; created: string } | null> {
  const { firstSequence, lastSequence, created } = await source.state()
  const end = Math.min(lastSequence, firstSequence + CLAIMS_MAX)
  for (let sequence = Math.max(1, firstSequence); sequence <= end; sequence++) {
    const stored = await source.read(sequence)
    const message = stored === null ? null : decodeSaidMessage(stored.data)
    if (message?.kind === 'decisions') return { first: message.first, sequence, created }
    // A baseline says where the numbers go on: what it passes over is the feed's to judge.
    if (message?.kind === 'ruling') return null
  }
  return null
}
