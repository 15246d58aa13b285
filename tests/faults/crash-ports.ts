/**
 * Ports that kill their own process at a named point: the moments between two steps of a commit,
 * where a crash must neither lose nor repeat anything.
 */

import type { InputMessage, PublishOutcome } from '../../src/model/ports.ts'
import type { WorkerPorts } from '../../src/partition/worker.ts'
import { replacing } from '../support/port-wrappers.ts'

/** Where a process kills itself, in the order of a life. */
export const CRASH_POINTS = [
  'image-load',
  'before-claim',
  'after-claim',
  'replay',
  'live',
  'before-publish',
  'publish-under-way',
  'after-publish',
  'answer-seen',
  'before-page',
  'page-under-way',
  'after-page',
  'before-manifest',
  'manifest-under-way',
  'after-manifest',
  'before-reject',
  'after-reject',
  'before-reload',
  'after-reload',
  'drain-begun',
  'drain-publish',
  'drain-page',
  'drain-manifest',
  'drain-after-manifest',
  'drain-close',
] as const

/** One of them. */
export type CrashPoint = (typeof CRASH_POINTS)[number]

/** At which point, and at which time that it is reached (from 1). */
export interface CrashPlan {
  readonly point: CrashPoint | 'none'
  readonly occurrence: number
}

/** Inputs taken at once: small, so that a crash finds some applied and others not. */
const TAKE_MAX = 8

/** Counts how often the points are passed, and ends the process at the planned one. */
export class CrashTrap {
  readonly #plan: CrashPlan
  readonly #drained = Promise.withResolvers<void>()
  #seen = 0
  isDraining = false

  constructor(plan: CrashPlan) {
    this.#plan = plan
  }

  /** Does not return if this is the moment. */
  pass(point: CrashPoint): void {
    if (point !== this.#plan.point || ++this.#seen < this.#plan.occurrence) return
    // Nothing of this process runs after the signal that it sends to itself.
    process.kill(process.pid, 'SIGKILL')
  }

  /** The drain begins. */
  drain(): void {
    this.isDraining = true
    this.#drained.resolve()
    this.pass('drain-begun')
  }

  /** Where a publish in the drain is planned, there must be something left for it. */
  async untilAllowed(): Promise<void> {
    if (this.#plan.point === 'drain-publish') await this.#drained.promise
  }

  /** In the step after the next: what was begun before is on its way, and not answered. */
  passSoon(point: CrashPoint): void {
    setImmediate(() => this.pass(point))
  }
}

/** Real ports with traps at all points; `isLive` tells replay from the rest. */
export function trappedPorts(
  ports: WorkerPorts,
  trap: CrashTrap,
  isLive: () => boolean,
): WorkerPorts {
  return {
    ...ports,
    source: trapSource(ports, trap, isLive),
    output: trapOutput(ports, trap),
    rejects: trapRejects(ports, trap),
    store: trapStore(ports, trap),
  }
}

function trapSource(
  { source }: WorkerPorts,
  trap: CrashTrap,
  isLive: () => boolean,
): WorkerPorts['source'] {
  let hasTakenReload = false
  return replacing(source, {
    take(max: number): readonly InputMessage[] {
      if (hasTakenReload) trap.pass('after-reload')
      const messages = source.take(Math.min(max, TAKE_MAX))
      if (messages.length > 0) trap.pass(isLive() ? 'live' : 'replay')
      hasTakenReload = messages.some(isReload)
      if (hasTakenReload) trap.pass('before-reload')
      return messages
    },
    close(): Promise<void> {
      if (trap.isDraining) trap.pass('drain-close')
      return source.close()
    },
  })
}

/** A configuration after genesis; ticks carry no files. */
function isReload({ subject, sequence, data }: InputMessage): boolean {
  const isControl = subject.startsWith('control.') && sequence > 1
  return isControl && Buffer.from(data).includes('generation')
}

function trapOutput({ output }: WorkerPorts, trap: CrashTrap): WorkerPorts['output'] {
  return replacing(output, {
    async publish(data: Uint8Array, expected: number | null): Promise<PublishOutcome> {
      const isClaim = expected === null
      if (!isClaim) await trap.untilAllowed()
      trap.pass(isClaim ? 'before-claim' : 'before-publish')
      const answer = output.publish(data, expected)
      if (!isClaim) trap.passSoon('publish-under-way')
      const outcome = await answer
      // Stored, and its writer will never know.
      trap.pass(isClaim ? 'after-claim' : 'after-publish')
      if (!isClaim && trap.isDraining) trap.pass('drain-publish')
      if (!isClaim) trap.passSoon('answer-seen')
      return outcome
    },
  })
}

function trapRejects({ rejects }: WorkerPorts, trap: CrashTrap): WorkerPorts['rejects'] {
  return replacing(rejects, {
    async publish(data: Uint8Array, messageId: string): Promise<PublishOutcome> {
      trap.pass('before-reject')
      const outcome = await rejects.publish(data, messageId)
      trap.pass('after-reject')
      return outcome
    },
  })
}

function trapStore({ store }: WorkerPorts, trap: CrashTrap): WorkerPorts['store'] {
  return replacing(store, {
    readPage(address): Uint8Array | null {
      trap.pass('image-load')
      return store.readPage(address)
    },
    async writePage(address, bytes): Promise<unknown> {
      trap.pass('before-page')
      if (trap.isDraining) trap.pass('drain-page')
      const written = store.writePage(address, bytes)
      trap.passSoon('page-under-way')
      const result = await written
      trap.pass('after-page')
      return result
    },
    async commitManifest(entries): Promise<void> {
      trap.pass('before-manifest')
      if (trap.isDraining) trap.pass('drain-manifest')
      const committed = store.commitManifest(entries)
      trap.passSoon('manifest-under-way')
      await committed
      trap.pass('after-manifest')
      if (trap.isDraining) trap.pass('drain-after-manifest')
    },
  })
}
