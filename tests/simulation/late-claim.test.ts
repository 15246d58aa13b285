import { expect, it } from 'vitest'
import { OutputFencedError } from '../../src/errors.ts'
import type { OutputStream, PublishOutcome, WaitingClock } from '../../src/model/ports.ts'
import { Outbox } from '../../src/outbox/outbox.ts'
import { claimOutput, OutputWriter } from '../../src/partition/output-writer.ts'
import { SimStream } from './broker.ts'

const LIMITS = { batchDecisionsMax: 10, batchSizeMax: 10_000, latencyMs: 0 }
const ENGINE = { version: '1', runtime: '', tzdata: '', architecture: '' }
const CLOCK: WaitingClock = {
  nowMs: () => 0,
  steadyMs: () => 0,
  pause: () => Promise.resolve(),
  turn: () => Promise.resolve(),
}

/** OUT, whose first publish gets no answer and is not there yet either: `land` puts it there. */
function openLateStream(): { output: OutputStream; land: () => void; stream: SimStream } {
  const stream = new SimStream('OUT', () => undefined)
  let late: Uint8Array | null = null
  const put = (data: Uint8Array, expectedLastSequence: number | null): PublishOutcome =>
    stream.publish({ subject: 'out.0', data, expectedLastSequence, messageId: null }, 0)
  const output: OutputStream = {
    state: () => Promise.resolve(stream.state()),
    publish(data, expected) {
      if (late !== null) return Promise.resolve(put(data, expected))
      late = data.slice()
      return Promise.resolve({ kind: 'unknown', cause: null })
    },
    async *read(first, last) {
      for (let sequence = first; sequence <= last; sequence++) yield stream.read(sequence)!
    },
    close: () => Promise.resolve(),
  }
  return { output, land: () => void put(late!, null), stream }
}

/** Claims, lets `between` happen, and publishes one decision; the writer's failure, if any. */
async function publishAfter(
  worker: string,
  between: (late: ReturnType<typeof openLateStream>) => Promise<void> | void,
): Promise<{ failure: unknown; sequences: number }> {
  const late = openLateStream()
  const identity = { worker, engine: ENGINE, claimedAtMs: 7 }
  const claim = await claimOutput(late.output, identity, CLOCK, () => false)
  const outbox = new Outbox()
  let failure: unknown = null
  const writer = new OutputWriter(late.output, CLOCK, outbox, LIMITS, claim!, 0, (error) => {
    failure = error
  })
  await between(late)
  outbox.add({
    kind: 'suppressed',
    reason: 'opted-out',
    ...{ inputSequence: 2, trigger: 't', subscriber: 1, period: '2026-11', attempt: 1 },
    ...{ generation: 1, decidedAtMs: 0, firedAtMs: 0, values: {} },
  })
  outbox.seal()
  writer.kick()
  await writer.acknowledged(1)
  return { failure, sequences: late.stream.lastSequence }
}

it('a claim that lands after its own repetition was acknowledged fences nobody', async () => {
  const { failure, sequences } = await publishAfter('ann', ({ land }) => land())
  expect(failure).toBeNull()
  // The claim that was answered, the late one, the decision.
  expect(sequences).toBe(3)
})

it("another's claim does, whether a late one of our own follows it or not", async () => {
  for (const isFollowed of [false, true]) {
    const { failure } = await publishAfter('ann', async ({ output, land }) => {
      const identity = { worker: 'bob', engine: ENGINE, claimedAtMs: 7 }
      await claimOutput(output, identity, CLOCK, () => false)
      if (isFollowed) land()
    })
    expect(failure).toBeInstanceOf(OutputFencedError)
  }
})
