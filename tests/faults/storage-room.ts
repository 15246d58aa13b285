/**
 * An installation whose streams and store can be put back to what they were at one moment: what the
 * families share that damage what is on disk.
 */

import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type HighwaterError, PartitionHaltedError } from '../../src/errors.ts'
import type { StreamLimits } from '../../src/sink/stream-settings.ts'
import { type Installation, openInstallation, type TestWorker } from '../support/worker-harness.ts'
import { type Comparison, compareStory } from './comparison.ts'
import { Feeder } from './feeder.ts'
import { type Standing, untilSettled, workerHere } from './standing.ts'
import { type Story, tellStory } from './story.ts'

/** One story, its installation and whoever feeds it. */
export class StorageRoom {
  readonly story: Story
  readonly installation: Installation
  /** A new one after `putBack`: the log is as it was then. */
  feeder: Feeder
  #keptProgress = 0

  constructor(story: Story, installation: Installation) {
    this.story = story
    this.installation = installation
    this.feeder = new Feeder(story, installation.connection)
  }

  /** Directory of partition 0's store. */
  get store(): string {
    return this.installation.storeDirectory()
  }

  get #streams(): string {
    return join(this.installation.server.storeDirectory, 'jetstream')
  }

  #kept(what: string): string {
    return join(this.installation.directory, `kept-${what}`)
  }

  /** Keeps the streams as they are, for `putBackStream`; the server goes down and up again. */
  async keepEarlyStreams(): Promise<void> {
    await this.#offline(() => copyWhole(this.#streams, this.#kept('early-streams')))
  }

  /** Puts one stream back to what `keepEarlyStreams` kept: it lost all that came since. */
  async putBackStream(stream: string): Promise<void> {
    const path = join('$G', 'streams', stream)
    await this.#offline(() =>
      copyWhole(join(this.#kept('early-streams'), path), join(this.#streams, path)),
    )
  }

  /** Keeps store and streams as they are; nobody may be at work. */
  async keep(): Promise<void> {
    this.#keptProgress = this.feeder.progress
    await this.#offline(async () => {
      await copyWhole(this.store, this.#kept('store'))
      await copyWhole(this.#streams, this.#kept('streams'))
    })
  }

  /** Puts back what `keep` kept, streams and store. */
  async putBack(): Promise<void> {
    await this.#offline(async () => {
      await copyWhole(this.#kept('store'), this.store)
      await copyWhole(this.#kept('streams'), this.#streams)
    })
    this.feeder = new Feeder(this.story, this.installation.connection, this.#keptProgress)
  }

  /** Puts back the store alone: an older image under a log that went on. */
  putBackStore(): Promise<void> {
    return copyWhole(this.#kept('store'), this.store)
  }

  /** Starts a worker that checkpoints often, and waits until it is live or has halted. */
  async start(checkpointEveryMs = 50): Promise<TestWorker> {
    const started = await this.installation.startWorker({ checkpointEveryMs })
    await started.worker.untilLive().catch(() => undefined)
    return started
  }

  /** Until all that was fed is decided and said. */
  async settle({ worker }: TestWorker): Promise<Standing> {
    return untilSettled(await this.installation.manager(), workerHere(worker))
  }

  /** Compares all that was fed with what was said. */
  async compare(worker: TestWorker | null, isAllStored = false): Promise<Comparison> {
    const manager = await this.installation.manager()
    const inspect = worker === null ? {} : { inspect: workerHere(worker.worker).inspect }
    return compareStory(this.story, manager, { ...inspect, isAllStored })
  }

  close(): Promise<void> {
    this.feeder.close()
    return this.installation.close()
  }

  async #offline(change: () => Promise<void>): Promise<void> {
    const { server } = this.installation
    await server.kill('SIGTERM')
    await change()
    await server.restart()
    await this.installation.untilConnected()
  }
}

/** Opens a room for a story of about so many deliveries. `limits`: of its streams. */
export async function openRoom(
  seed: number,
  deliveries: number,
  limits: Partial<StreamLimits> = {},
): Promise<StorageRoom> {
  const story = tellStory({ seed, deliveries, subscribers: 15 })
  const installation = await openInstallation({ files: story.files, clock: story.clock, limits })
  return new StorageRoom(story, installation)
}

/** Reason of a halt, or its code where it has none; null: no halt. */
export function reasonOf(halt: HighwaterError | null): string | null {
  return halt instanceof PartitionHaltedError ? halt.reason : (halt?.code ?? null)
}

/** Several comparisons of one episode as one. */
export function sumUp(comparisons: readonly Comparison[]): Comparison {
  const sum = (count: (each: Comparison) => number): number =>
    comparisons.reduce((total, each) => total + count(each), 0)
  return {
    deliveriesCompared: sum((each) => each.deliveriesCompared),
    lost: sum((each) => each.lost),
    duplicated: sum((each) => each.duplicated),
    failures: comparisons.flatMap(({ failures }) => failures),
  }
}

async function copyWhole(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await cp(from, to, { recursive: true })
}
