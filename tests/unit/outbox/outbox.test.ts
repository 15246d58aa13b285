import { decode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import { SUPPRESSION_REASONS } from '../../../src/model/decision.ts'
import { Digest, formatDigest, parseDigest } from '../../../src/outbox/digest.ts'
import { type NewDecision, Outbox } from '../../../src/outbox/outbox.ts'
import { readDecisions } from '../../support/machine-harness.ts'
import { Random } from '../../support/workload/random.ts'

interface Envelope {
  v: number
  kind: string
  epoch: number
  first: number
  last: number
  digest: string
  decisions: Record<string, unknown>[]
}

function decisionOf(random: Random): NewDecision {
  const trigger = random.pick(['data-pack', 'night', 'much'])
  const head = {
    inputSequence: random.whole(1, 2 ** 40),
    trigger,
    subscriber: random.whole(1, 999_999_999_999_999),
    period: random.pick(['2026-11', '2026-W47', 'ever', '2026-11-20T13']),
    attempt: random.whole(1, 10),
    generation: random.whole(1, 500),
    decidedAtMs: random.whole(0, 2e12),
    firedAtMs: random.whole(0, 2e12),
    values: random.pick([
      {},
      { 'data.day': random.whole(0, 2 ** 53 - 1) },
      { a: 0.5, b: 1e15, 'c-1': 0 },
    ]),
  }
  if (random.chance(0.4)) {
    return {
      kind: 'suppressed',
      ...head,
      reason: random.pick(SUPPRESSION_REASONS),
      ...random.pick([{}, {}, { winner: 'night' }, { detail: 'channel sms: 1 per day' }]),
    }
  }
  const sent = {
    ...head,
    id: `${trigger}:${head.subscriber}:${head.period}:${head.attempt}`,
    channel: random.pick(['sms', 'push']),
    notBeforeMs: random.whole(0, 2e12),
    notAfterMs: random.whole(0, 2e12),
  }
  if (random.chance(0.2)) {
    return { kind: 'holdout', ...sent, experiment: random.pick(['global-2026', trigger]) }
  }
  return {
    kind: 'delivery',
    ...sent,
    class: random.pick(['marketing', 'marketing', 'service']),
    isCanary: random.chance(0.2),
    ...random.pick([{}, {}, { segments: random.whole(1, 255) }]),
    ...random.pick([{}, {}, { lang: random.pick(['zh', 'en']) }]),
    ...random.pick([{}, {}, { isPersonal: true }]),
    // The same trigger's text changes with a reload.
    message: random.pick(['Reply VIP', '回复VIP：5元', 'x'.repeat(1000)]),
  }
}

const LIMITS = { batchDecisionsMax: 100, batchSizeMax: 64_000 }

function takeAll(outbox: Outbox, limits = LIMITS): Envelope[] {
  const envelopes: Envelope[] = []
  for (let batch = outbox.take(3, limits); batch !== null; batch = outbox.take(3, limits)) {
    const envelope = decode(batch.bytes) as Envelope
    expect([envelope.first, envelope.last]).toEqual([batch.first, batch.last])
    envelopes.push(envelope)
  }
  return envelopes
}

describe('decisions', () => {
  const random = new Random(1)
  const decisions = Array.from({ length: 700 }, () => decisionOf(random))

  it('read back as they were put in, numbered 1, 2, 3 …', () => {
    const outbox = new Outbox()
    for (const decision of decisions) outbox.add(decision)
    outbox.seal()
    const read: unknown[] = []
    for (let batch = outbox.take(3, LIMITS); batch !== null; batch = outbox.take(3, LIMITS)) {
      read.push(...readDecisions(batch.bytes))
    }
    const expected = decisions.map((decision, index) => {
      const unread = { channel: '', message: '', class: '', isCanary: false, isPersonal: false }
      const outside = { ...unread, ...decision }
      const {
        channel: _,
        message: __,
        class: ___,
        isCanary: ____,
        isPersonal: _____,
        ...rest
      } = outside
      return { number: index + 1, ...rest }
    })
    expect(read).toEqual(expected)
  })

  it('carry channel and message of their own, also after a trigger’s text has changed', () => {
    const outbox = new Outbox()
    for (const decision of decisions) outbox.add(decision)
    outbox.seal()
    const wire = takeAll(outbox).flatMap((envelope) => envelope.decisions)
    for (const [index, decision] of decisions.entries()) {
      if (decision.kind !== 'delivery') continue
      const { channel, message, isCanary } = decision
      expect(wire[index]).toMatchObject({ n: index + 1, channel, message })
      const said = wire[index] as { class?: string; canary?: boolean }
      expect(said.class).toBe(decision.class === 'marketing' ? undefined : decision.class)
      expect(said.canary).toBe(isCanary ? true : undefined)
    }
  })

  it.each([1, 2, 3, 4, 5])(
    'digest and bytes do not depend on how they were cut (cut %i)',
    (seed) => {
      const cut = new Random(seed)
      const straight = new Outbox()
      const outbox = new Outbox()
      const digests: string[] = []
      const wire: unknown[] = []
      let taken = 0
      for (const decision of decisions) {
        straight.add(decision)
        digests.push(straight.digest.text())
        outbox.add(decision)
        if (cut.chance(0.3)) outbox.seal()
        if (!cut.chance(0.2)) continue
        const limits = {
          batchDecisionsMax: cut.whole(1, 20),
          batchSizeMax: cut.pick([1, 500, 64_000]),
        }
        const batch = outbox.take(9, limits)
        if (batch === null) continue
        const envelope = decode(batch.bytes) as Envelope
        expect(envelope).toMatchObject({ v: 1, kind: 'decisions', epoch: 9, first: taken + 1 })
        expect(envelope.decisions.length).toBe(envelope.last - envelope.first + 1)
        expect(envelope.decisions.length).toBeLessThanOrEqual(limits.batchDecisionsMax)
        if (envelope.decisions.length > 1)
          expect(batch.bytes.byteLength).toBeLessThan(limits.batchSizeMax + 200)
        expect(envelope.digest).toBe(digests[envelope.last - 1])
        taken = envelope.last
        expect(outbox.nextNumber).toBe(taken + 1)
        expect(outbox.waitingCount).toBe(outbox.decisionNumber - taken)
        wire.push(...envelope.decisions)
      }
      outbox.seal()
      straight.seal()
      wire.push(...takeAll(outbox).flatMap((envelope) => envelope.decisions))
      expect(wire).toEqual(takeAll(straight).flatMap((envelope) => envelope.decisions))
      expect(outbox.digest.text()).toBe(straight.digest.text())
      expect(outbox.waitingCount).toBe(0)
    },
  )

  it('of an input do not leave before the input is sealed', () => {
    const outbox = new Outbox()
    outbox.add(decisions[0]!)
    expect(outbox.take(1, LIMITS)).toBeNull()
    outbox.seal()
    outbox.add(decisions[1]!)
    expect(outbox.take(1, LIMITS)).toMatchObject({ first: 1, last: 1 })
    expect(outbox.take(1, LIMITS)).toBeNull()
    outbox.seal()
    expect(outbox.take(1, LIMITS)).toMatchObject({ first: 2, last: 2 })
  })

  it('one larger than a batch may be leaves alone', () => {
    const outbox = new Outbox()
    for (const decision of decisions.slice(0, 5)) outbox.add(decision)
    outbox.seal()
    const tiny = { batchDecisionsMax: 100, batchSizeMax: 1 }
    expect(takeAll(outbox, tiny).map(({ first, last }) => [first, last])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 5],
    ])
  })
})

describe('replay', () => {
  const random = new Random(2)
  const decisions = Array.from({ length: 50 }, () => decisionOf(random))
  const outbox = new Outbox()
  for (const decision of decisions) outbox.add(decision)
  outbox.seal()
  const digests = new Map(
    takeAll(outbox, { ...LIMITS, batchDecisionsMax: 7 }).map(({ last, digest }) => [last, digest]),
  )

  it('makes again what OUT holds without keeping it, and keeps what is beyond', () => {
    const again = new Outbox()
    again.expectReplay(42, digests)
    for (const [index, decision] of decisions.entries()) {
      expect(again.isReplaying).toBe(index < 42)
      again.add(decision)
      again.seal()
      expect(again.waitingCount).toBe(Math.max(0, index + 1 - 42))
    }
    expect(takeAll(again)[0]).toMatchObject({ first: 43, last: 50, digest: digests.get(50) })
  })

  it('goes on from an image', () => {
    const early = new Outbox()
    for (const decision of decisions.slice(0, 20)) early.add(decision)
    const { low, high } = early.digest
    const again = new Outbox()
    again.restore(20, low, high)
    again.expectReplay(42, digests)
    for (const decision of decisions.slice(20)) again.add(decision)
    expect(again.digest.text()).toBe(outbox.digest.text())
  })

  it('halts at the first message whose digest it does not reach', () => {
    const other = decisions.map((decision, index) =>
      index === 16 ? { ...decision, attempt: decision.attempt + 1 } : decision,
    )
    const again = new Outbox()
    again.expectReplay(50, digests)
    const made: number[] = []
    const replay = (): void => {
      for (const decision of other) {
        again.add(decision)
        made.push(again.decisionNumber)
      }
    }
    expect(replay).toThrow(expect.objectContaining({ reason: 'digest-mismatch' }))
    expect(made.at(-1)).toBe(20)
  })

  it('of other decisions in another order is told', () => {
    const again = new Outbox()
    again.expectReplay(7, digests)
    const swapped = [decisions[1]!, decisions[0]!, ...decisions.slice(2, 7)]
    expect(() => {
      for (const decision of swapped) again.add(decision)
    }).toThrow('digest-mismatch')
  })
})

describe('the digest', () => {
  it('is another one for any bit changed, any byte added, and entries split otherwise', () => {
    const random = new Random(3)
    const bytes = Uint8Array.from({ length: 61 }, () => random.whole(0, 255))
    const of = (...parts: Uint8Array[]): string => {
      const digest = new Digest()
      for (const part of parts) digest.add(part, 0, part.length)
      return digest.text()
    }
    const seen = new Set([of(bytes)])
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice()
      changed[bit >>> 3]! ^= 1 << (bit & 7)
      seen.add(of(changed))
    }
    expect(seen.size).toBe(1 + bytes.length * 8)
    // No entry is ever empty.
    for (let at = 1; at < bytes.length; at++) {
      seen.add(of(bytes.subarray(0, at), bytes.subarray(at)))
    }
    seen.add(of(Uint8Array.of(...bytes, 0)))
    expect(seen.size).toBe(1 + bytes.length * 8 + bytes.length)
  })

  it('has a text that reads back', () => {
    for (const [low, high] of [
      [0, 0],
      [-1, -1],
      [1, -2_147_483_648],
      [0x7fff_ffff, 5],
    ] as const) {
      expect(parseDigest(formatDigest(low, high))).toEqual({ low, high })
      expect(formatDigest(low, high)).toMatch(/^[0-9a-f]{16}$/)
    }
  })
})

describe('what somebody else has said', () => {
  const random = new Random(3)
  const decisions = Array.from({ length: 60 }, () => decisionOf(random))
  const owner = new Outbox()
  for (const decision of decisions) owner.add(decision)
  owner.seal()
  const said = takeAll(owner, { ...LIMITS, batchDecisionsMax: 7 })

  function standby(count: number): Outbox {
    const outbox = new Outbox()
    for (const decision of decisions.slice(0, count)) outbox.add(decision)
    outbox.seal()
    return outbox
  }

  it('is compared and let go of, message by message; the rest is kept and leaves with its numbers', () => {
    const outbox = standby(60)
    for (const { last, digest } of said.slice(0, 5)) {
      outbox.release(last, digest)
      expect(outbox.nextNumber).toBe(last + 1)
      expect(outbox.waitingCount).toBe(60 - last)
    }
    const rest = takeAll(outbox)
    expect(rest[0]).toMatchObject({ first: 36, last: 60, digest: owner.digest.text() })
    expect(rest[0]!.decisions).toEqual(said.slice(5).flatMap((envelope) => envelope.decisions))
  })

  it('may be released several messages at once, since digests run on', () => {
    const outbox = standby(60)
    outbox.release(said[3]!.last, said[3]!.digest)
    expect(outbox.nextNumber).toBe(29)
  })

  it('halts when it is not what was decided here', () => {
    const release = (): void => standby(60).release(said[3]!.last, said[4]!.digest)
    expect(release).toThrow(expect.objectContaining({ reason: 'digest-mismatch' }))
  })

  it('further than we have come takes what waits along, and is judged where it ends', () => {
    const digests = new Map(said.map(({ last, digest }) => [last, digest]))
    const outbox = standby(10)
    outbox.release(7, digests.get(7)!)
    outbox.expectReplay(42, digests)
    expect([outbox.waitingCount, outbox.isReplaying]).toEqual([0, true])
    for (const decision of decisions.slice(10)) outbox.add(decision)
    outbox.seal()
    expect(takeAll(outbox)[0]).toMatchObject({ first: 43, last: 60, digest: owner.digest.text() })
    const other = standby(10)
    other.release(7, digests.get(7)!)
    other.expectReplay(42, new Map([[42, '0123456789abcdef']]))
    const replay = (): void => {
      for (const decision of decisions.slice(10)) other.add(decision)
    }
    expect(replay).toThrow(expect.objectContaining({ reason: 'digest-mismatch' }))
  })
})
