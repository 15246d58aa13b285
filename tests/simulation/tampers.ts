/**
 * Streams that are not what they were: cut, made anew, rewritten, with holes. A partition that
 * stands where the change can be seen must halt with the right reason; then what was there is
 * brought back, as from a replica, and it must go on as if nothing had been.
 */

import { decode, encode } from '@msgpack/msgpack'
import type { ManifestHead } from '../../src/partition/image.ts'
import type { SimStream } from './broker.ts'
import type { Life } from './life.ts'
import { headOf, type World } from './world.ts'

/** How long a running owner has to notice, virtual ms. */
const NOTICE_MS_MAX = 20_000

/** A change of a stream that nobody may work on. */
export class Tampering {
  readonly name: string
  /** What is stored meanwhile goes with the change. */
  readonly hides: SimStream | null
  readonly #world: World
  readonly #reasons: readonly string[]
  readonly #restore: () => void
  #life: Life | null = null

  constructor(name: string, world: World, change: Change) {
    this.name = name
    this.#world = world
    this.#reasons = change.reasons
    this.hides = change.hides
    this.#restore = change.apply()
    world.scheduler.note(`tampered: ${name}`)
  }

  /** The process that has to notice. */
  watch(life: Life): void {
    this.#life = life
    this.#world.plan(NOTICE_MS_MAX, 'time to notice', () => {
      if (this.#world.tampering !== this) return
      if (life.isAlive) this.#world.judge.fail(`${this.name}: not noticed`)
      this.undo()
    })
  }

  explains(life: Life, reason: string): boolean {
    const isExpected = life === this.#life && this.#reasons.includes(reason)
    if (isExpected) this.#world.tally.tamperings += 1
    // Whatever ended it, there is nobody left who could notice.
    if (life === this.#life) this.undo()
    return isExpected
  }

  /** A process has found everything in order. */
  onLive(life: Life): void {
    if (life === this.#life) this.#world.judge.fail(`${this.name}: life ${life.id} went live`)
  }

  undo(): void {
    if (this.#world.tampering !== this) return
    this.#restore()
    this.#world.tampering = null
    this.#world.scheduler.note('restored')
  }
}

interface Change {
  readonly reasons: readonly string[]
  readonly hides: SimStream | null
  /** Makes the change and returns what undoes it. */
  readonly apply: () => () => void
}

/** null: it cannot be done here so that it must be noticed. */
type Tamper = (world: World, head: ManifestHead) => Change | null

/** Changes that the next owner must notice from its image. A new one is a new line. */
const BEFORE_START: Readonly<Record<string, Tamper>> = {
  'IN cut below the image': ({ broker: { input }, random }, { sequence }) =>
    replaced(input, ['input-truncated'], () => cut(input, sequence - 1, random.whole(0, 3))),
  'IN made anew': ({ broker: { input }, random }) =>
    replaced(input, ['input-recreated'], () => recreate(input, random.chance(0.5))),
  'IN rewritten at the image': ({ broker: { input } }, { sequence }) =>
    rewritten(input, sequence, ['input-fingerprint'], garble),
  'IN with a hole after the image': ({ broker: { input } }, { sequence }) =>
    input.lastSequence < sequence + 2
      ? null
      : replaced(input, ['input-gap'], () => input.trimBefore(sequence + 2)),
  'IN cut below what OUT holds': ({ broker: { input }, judge }, { sequence }) => {
    const last = judge.lastDecidedInput
    if (last <= sequence) return null
    // What comes into IN after the cut may be decided in the place of what is gone.
    const reasons = ['replay-short', 'digest-mismatch'] as const
    return replaced(input, reasons, () => cut(input, last - 1, 0, sequence))
  },
  'OUT cut below the image': ({ broker: { output }, random }, head) => {
    const end = head.outputEndSequence ?? head.outputSequence
    if (end - 1 < output.firstSequence) return null
    return replaced(output, ['output-truncated'], () => cut(output, end - 1, random.whole(0, 3)))
  },
  'OUT made anew': ({ broker: { output }, random }) =>
    replaced(output, ['output-recreated'], () => recreate(output, random.chance(0.5))),
  'OUT rewritten at the image': ({ broker: { output } }, { outputSequence }) =>
    rewritten(output, outputSequence, ['output-fingerprint'], garble),
  'OUT with another digest': ({ broker: { output } }, head) =>
    rewritten(output, findDecisions(output, head), ['digest-mismatch'], changeDigest),
  'OUT with a hole after the image': ({ broker: { output } }, head) =>
    rewritten(output, findDecisions(output, head), ['output-gap'], () => null),
}

/** Changes that a running owner must notice after a reconnect. */
const LIVE: Readonly<Record<string, (world: World, life: Life) => Change | null>> = {
  'IN cut below the owner': ({ broker: { input }, random }, { worker }) =>
    replaced(input, ['input-truncated'], () =>
      cut(input, worker.machine!.sequence - 1, random.whole(0, 3)),
    ),
  'IN made anew beside the owner': ({ broker: { input }, random }) =>
    replaced(input, ['input-recreated'], () => recreate(input, random.chance(0.5))),
  'IN rewritten from the owner on': ({ broker: { input } }, { worker }) => {
    const from = worker.machine!.sequence
    // What has left by age cannot be compared.
    if (input.read(from) === null) return null
    return replaced(input, ['input-fingerprint'], () => {
      input.messages = input.messages.map((message) =>
        message === null || message.sequence < from
          ? message
          : { ...message, data: garble(message.data) },
      )
    })
  },
  // Below its claim: what came after may have been stored without its knowing.
  'OUT cut below the owner': ({ broker: { output }, random }, { worker }) =>
    replaced(output, ['output-truncated'], () =>
      cut(output, worker.view().epoch - 1, random.whole(0, 3)),
    ),
  // Empty: into one with the same content the owner may write until it has looked.
  'OUT made anew beside the owner': ({ broker: { output } }) =>
    replaced(output, ['output-recreated', 'output-truncated'], () => recreate(output, false)),
}

/** Tampers with a stream while nobody runs, and starts an owner who must halt. */
export function tamperBeforeStart(world: World): void {
  world.planStart({ disk: world.disk }, world.random.whole(50, 500), () => {
    const head = headOf(world.disk)
    if (head === null || world.alive.length > 0 || world.disk.damage !== null) return
    if (!isWhole(world, head)) return
    const name = world.random.pick(Object.keys(BEFORE_START))
    const change = BEFORE_START[name]!(world, head)
    if (change === null) return
    world.tampering = new Tampering(name, world, change)
  })
}

/** Tampers with a stream while the broker restarts under a running owner. */
export function tamperLive(world: World): void {
  const { owner, alive, broker, random } = world
  if (owner === null || alive.length > 1 || owner.worker.status !== 'live') return
  if (owner.callsLeft > 0 || (owner.worker.machine?.sequence ?? 0) < 2) return
  const name = random.pick(Object.keys(LIVE))
  const change = LIVE[name]!(world, owner)
  if (change === null) return
  broker.goDown()
  world.tampering = new Tampering(name, world, change)
  world.tampering.watch(owner)
  world.plan(random.whole(20, 500), 'broker is back', () => broker.comeUp())
}

/** Whether the image can be gone on from at all: nothing that it needs has left by age. */
function isWhole({ broker: { input, output } }: World, head: ManifestHead): boolean {
  const isInputWhole = input.firstSequence <= head.sequence
  return isInputWhole && output.firstSequence <= head.outputSequence
}

/** A change of the whole stream, whose restoring drops what was stored meanwhile. */
function replaced(stream: SimStream, reasons: readonly string[], change: () => void): Change {
  const apply = (): (() => void) => {
    const restore = stream.save()
    change()
    return restore
  }
  return { reasons, hides: stream, apply }
}

/** A change of one message, brought back in its place. */
function rewritten(
  stream: SimStream,
  sequence: number | null,
  reasons: readonly string[],
  change: (data: Uint8Array) => Uint8Array | null,
): Change | null {
  const message = sequence === null || sequence === 0 ? null : stream.read(sequence)
  if (message === null) return null
  const apply = (): (() => void) => {
    const data = change(message.data)
    stream.messages[message.sequence - 1] = data === null ? null : { ...message, data }
    return () => {
      stream.messages[message.sequence - 1] = message
    }
  }
  return { reasons, hides: null, apply }
}

/** Takes the end away: the last sequence is `last`, or a few less, but not below `least`. */
function cut(stream: SimStream, last: number, more: number, least = 0): void {
  stream.messages.length = Math.max(0, least, last - more)
}

/** Another stream of the same name; `isSame`: with the same content, as from a backup. */
function recreate(stream: SimStream, isSame: boolean): void {
  stream.created = '2026-12-24T00:00:00.000000002Z'
  if (isSame) return
  stream.messages = []
  stream.firstSequence = 1
}

function garble(data: Uint8Array): Uint8Array {
  const changed = data.slice()
  changed[changed.byteLength - 1]! ^= 1
  return changed
}

function changeDigest(data: Uint8Array): Uint8Array {
  const envelope = decode(data) as { digest: string }
  const digest = envelope.digest.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
  return encode({ ...envelope, digest })
}

/** A message of decisions that the image does not hold yet, or ends with. */
function findDecisions(output: SimStream, head: ManifestHead): number | null {
  for (let sequence = head.outputSequence + 1; sequence <= output.lastSequence; sequence++) {
    const message = output.read(sequence)
    if (message === null) return null
    const envelope = decode(message.data) as { kind: string; last: number }
    if (envelope.kind === 'decisions' && envelope.last >= head.decisionNumber) return sequence
  }
  return null
}
