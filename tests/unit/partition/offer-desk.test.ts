import { describe, expect, it } from 'vitest'
import { StreamFullError } from '../../../src/errors.ts'
import type { ControlMessage } from '../../../src/model/messages.ts'
import type { AcceptRequest } from '../../../src/model/offer.ts'
import type { PublishOutcome } from '../../../src/model/ports.ts'
import { PartitionOfferDesk } from '../../../src/partition/offer-desk.ts'
import { SHOWN_WAITING_MAX } from '../../../src/partition/shown-queue.ts'
import { encodeErrand } from '../../../src/probe/encode-errand.ts'
import { ImageWriter, loadMachine } from '../../support/machine-image.ts'
import { ANN, BOB } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { OfferScript, offerFiles } from '../../support/offer-script.ts'

const NOON = '2026-11-20 12:00'
const ASK = { subscriber: ANN, channel: 'hotline', limit: 3, isExplaining: false }
const TAKE: AcceptRequest = { subscriber: ANN, trigger: 'a', channel: 'hotline', key: 'k' }

/** A desk whose log is a machine that applies at once, unless `publish` says otherwise. */
class Stage {
  readonly script: OfferScript
  readonly published: ControlMessage[] = []
  readonly lines: string[][] = []
  readonly desk: PartitionOfferDesk
  status = 'live'
  publish: ((message: ControlMessage) => PublishOutcome | null) | null = null
  #steadyMs = 0

  constructor(files: Parameters<typeof offerFiles>) {
    this.script = new OfferScript(NOON, offerFiles(...files))
    this.script.usage(NOON, 10)
    let ids = 0
    this.desk = new PartitionOfferDesk({
      partitionCount: 1,
      workerOf: (partition) => (partition === 0 ? this : undefined),
      log: { publish: async (_, message) => this.#publish(message) },
      clock: {
        nowMs: () => this.#steadyMs,
        steadyMs: () => this.#steadyMs,
        turn: async () => undefined,
        pause: async (ms) => {
          // A whole turn: who retries for ever is to keep nobody else from theirs.
          await new Promise((resolve) => setImmediate(resolve))
          this.#steadyMs += ms
        },
      },
      newId: (kind) => `${kind}-${(ids += 1)}`,
      idOfKey: (key, { trigger }) => `accept-${key}-${trigger}`,
    })
  }

  get machine() {
    return this.script.machine
  }

  #publish(message: ControlMessage): PublishOutcome {
    const outcome = this.publish?.(message) ?? null
    if (outcome !== null) return outcome
    this.published.push(message)
    this.lines.push(this.script.apply('control.0', encodeErrand(message)))
    return { kind: 'stored', sequence: this.script.machine.sequence }
  }
}

describe('a question', () => {
  it('is answered from the state, and what was shown goes into the log in one message', async () => {
    const more = ['layer: model', 'value: 7', 'validity: { to: 2026-12-01T00:00:00Z }']
    const arbitration = 'arbitration: { layers: [model, default], offersPerContact: 3 }'
    const stage = new Stage([{ a: { more }, b: {} }, [arbitration]])
    expect(stage.desk.ask(ASK)).toEqual({
      kind: 'offers',
      partition: 0,
      position: 2,
      offers: [
        {
          ...{ trigger: 'a', place: 1, message: 'a', value: 7, layer: 'model' },
          ...{ validUntilMs: Date.parse('2026-12-01T00:00:00Z'), action: null },
        },
        {
          ...{ trigger: 'b', place: 2, message: 'b', value: 0, layer: 'default' },
          ...{ validUntilMs: null, action: null },
        },
      ],
      refusals: [],
    })
    stage.desk.ask({ ...ASK, limit: 1 })
    await stage.desk.stop(1_000)
    const row = { subscriber: ANN, channel: 'hotline' }
    expect(stage.published).toMatchObject([
      {
        kind: 'shown',
        rows: [
          { ...row, trigger: 'a', place: 1 },
          { ...row, trigger: 'b', place: 2 },
          { ...row, trigger: 'a', place: 1 },
        ],
      },
    ])
    expect(stage.desk.view()).toMatchObject({ asked: 2, empty: 0, rowsNoted: 3, rowsWaiting: 0 })
  })

  it('does not show what the subscriber is held out of, and notes it all the same', async () => {
    const stage = new Stage([{ a: { more: ['controlGroup: { share: 99.999 % }'] } }])
    expect(stage.desk.ask(ASK)).toMatchObject({ offers: [] })
    await stage.desk.stop(1_000)
    expect(stage.lines).toEqual([['a 2026-11-20/1 held out: a']])
    expect(stage.desk.view()).toMatchObject({ asked: 1, empty: 1, rowsNoted: 1 })
  })

  it('of somebody who looks shows nothing, and says what stops the others', async () => {
    const stage = new Stage([
      {
        a: {},
        b: { when: 'data.day >= 11' },
        c: { more: ['priority: 200'] },
        d: { more: ['controlGroup: { share: 99.999 % }'] },
        e: { more: ['audience: tags.vip'] },
      },
    ])
    const answer = stage.desk.ask({ ...ASK, limit: 2, isExplaining: true })
    if (answer.kind !== 'offers') throw new Error(answer.kind)
    expect(answer.offers.map(({ trigger }) => trigger)).toEqual(['a'])
    expect(answer.refusals.map(({ trigger, check }) => [trigger, check.step])).toEqual([
      ['b', 'condition'],
      ['c', 'arbitration'],
      ['d', 'control-group'],
      ['e', 'audience'],
    ])
    await stage.desk.stop(1_000)
    expect(stage.published).toEqual([])
  })

  it('is not answered here for whom or where nothing is known', () => {
    const stage = new Stage([{ a: {} }])
    expect(stage.desk.ask({ ...ASK, subscriber: BOB })).toEqual({ kind: 'unknown-subscriber' })
    expect(stage.desk.ask({ ...ASK, channel: 'sms' })).toEqual({
      kind: 'unknown-channel',
      inbound: ['hotline', 'website'],
    })
    stage.status = 'standby'
    expect(stage.desk.ask(ASK)).toEqual({ kind: 'not-live', partition: 0 })
  })

  it('is refused while more was shown than the log takes, and answered when it does', async () => {
    const stage = new Stage([{ a: {}, b: {}, c: {} }])
    stage.publish = () => ({ kind: 'full' })
    let answered = 0
    while (answered < SHOWN_WAITING_MAX && stage.desk.ask(ASK).kind === 'offers') answered += 1
    expect(3 * answered).toBeGreaterThanOrEqual(SHOWN_WAITING_MAX)
    expect(3 * (answered - 1)).toBeLessThan(SHOWN_WAITING_MAX)
    expect(stage.desk.ask({ ...ASK, isExplaining: true }).kind).toBe('offers')
    stage.publish = null
    await stage.desk.stop(60_000)
    expect(stage.machine.core!.statistics.shown).toBe(3 * answered)
    expect(stage.desk.ask(ASK).kind).toBe('offers')
  })

  it('is said to the log under one id until that has it', async () => {
    const stage = new Stage([{ a: {} }])
    const tried: string[] = []
    stage.publish = ({ id }) => {
      tried.push(id)
      if (tried.length === 1) throw new Error('no right to publish')
      return tried.length === 2 ? { kind: 'unknown', cause: null } : null
    }
    stage.desk.ask(ASK)
    await stage.desk.stop(60_000)
    expect(tried).toEqual(['shown-1', 'shown-1', 'shown-1'])
    expect(stage.lines).toHaveLength(1)
    expect(stage.desk.view().publishFailures).toBe(2)
  })
})

describe('an acceptance', () => {
  it('is answered with what the log made of it, and so is its repeat', async () => {
    const stage = new Stage([{ a: {}, b: {} }, ['caps: 1 per day']])
    const accepted = { kind: 'accepted', id: `a:${ANN}:2026-11-20:1`, partition: 0 }
    expect(await stage.desk.accept(TAKE)).toEqual({ ...accepted, position: 3 })
    expect(await stage.desk.accept(TAKE)).toEqual({ ...accepted, position: 4 })
    expect(await stage.desk.accept({ ...TAKE, trigger: 'b' })).toMatchObject({
      kind: 'refused',
      reason: 'cap-global',
      detail: 'all: 1 per day',
    })
    expect(await stage.desk.accept({ ...TAKE, key: null })).toMatchObject({
      reason: 'already-this-period',
    })
    const { accepted: count, refused } = stage.desk.view()
    expect([count, refused.reduce((sum, each) => sum + each, 0)]).toEqual([2, 2])
  })

  it('that was made before a restart is known by what it left behind', async () => {
    const stage = new Stage([{ a: {}, b: {} }])
    await stage.desk.accept(TAKE)
    stage.machine.offering!.outcomes.clear()
    const id = `a:${ANN}:2026-11-20:1`
    expect(await stage.desk.accept(TAKE)).toMatchObject({ kind: 'accepted', id })
    stage.script.tick('2026-11-21 00:00')
    expect(await stage.desk.accept(TAKE)).toEqual({ kind: 'pending', partition: 0 })
  })

  it('waits for its answer, and not for ever', async () => {
    const stage = new Stage([{ a: {} }])
    stage.publish = () => ({ kind: 'stored', sequence: 99 })
    expect(await stage.desk.accept(TAKE)).toEqual({ kind: 'pending', partition: 0 })
    stage.publish = () => ({ kind: 'unknown', cause: null })
    expect(await stage.desk.accept(TAKE)).toEqual({ kind: 'pending', partition: 0 })
    expect(stage.desk.view().pending).toBe(2)
  })

  it('fails where the log is full, and is refused where there is nothing of the kind', async () => {
    const stage = new Stage([{ a: {} }])
    expect(await stage.desk.accept({ ...TAKE, trigger: 'x' })).toEqual({
      kind: 'unknown-offer',
      offers: ['a'],
    })
    expect(await stage.desk.accept({ ...TAKE, subscriber: BOB })).toMatchObject({
      kind: 'unknown-subscriber',
    })
    stage.publish = () => ({ kind: 'full' })
    await expect(stage.desk.accept(TAKE)).rejects.toThrow(StreamFullError)
    stage.status = 'halted'
    expect(await stage.desk.accept(TAKE)).toMatchObject({ kind: 'not-live' })
    expect(stage.published).toEqual([])
  })
})

it('a loaded machine knows which acceptances and showings it has applied', () => {
  const script = new OfferScript(NOON, offerFiles({ a: {}, b: {} }))
  script.usage(NOON, 10)
  script.accept('a', { id: 'first' })
  script.show(['b'], { id: 'second' })
  const store = new MemoryStore()
  const writer = new ImageWriter(store)
  writer.begin(script.machine)
  writer.write(1_000)
  writer.commit()
  const { machine } = loadMachine(store)!
  expect([...machine.core!.offerIds]).toEqual(['first', 'second'])
  expect(machine.offering!.triggersOf('hotline')).toHaveLength(2)
})

it('durations are counted by class', () => {
  const { desk } = new Stage([{ a: {} }])
  for (const durationMs of [0.2, 0.5, 0.6, 4, 700]) desk.noteDuration(durationMs)
  const { durations, durationSumS } = desk.view()
  expect([...durations]).toEqual([2, 1, 0, 1, 0, 0, 0, 0, 0, 1])
  expect(durationSumS).toBeCloseTo(0.7053)
})
