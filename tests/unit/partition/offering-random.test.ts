/**
 * Offers of random policies: what is answered must be what an acceptance right after it comes to,
 * in the order that the files say, and asking must leave no trace. Then the whole log once more,
 * through images.
 */

import { expect, it } from 'vitest'
import type { PartitionMachine } from '../../../src/partition/machine.ts'
import { encodeAccept } from '../../../src/probe/encode.ts'
import { expectSame } from '../../support/expect-same.ts'
import { drainDecisions, type ReadDecision } from '../../support/machine-harness.ts'
import { ImageWriter, loadMachine, stateOf } from '../../support/machine-image.ts'
import { at, MachineScript, recordAt } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { HOTLINE, OfferScript, offerFiles } from '../../support/offer-script.ts'
import type { PolicyTrigger } from '../../support/policy-files.ts'
import { Random } from '../../support/workload/random.ts'

const START = '2026-11-20 08:00'
const HOUR_MS = 3_600_000
const PEOPLE = [13_800_000_001, 13_800_000_002, 13_800_000_003, 13_800_000_004]
const STEPS = 32
const SEEDS = (process.env.HIGHWATER_SEED ?? '1,2').split(',').map(Number)
const LAYERS = ['model', 'default']

/** What the files say of a trigger, as the test reckons with it. */
interface Plain {
  readonly id: string
  readonly layer: number
  readonly priority: number
  /** The day's bytes times this. */
  readonly factor: number
}

interface World {
  readonly script: OfferScript
  readonly offers: readonly Plain[]
  readonly pushed: readonly Plain[]
  /** 0: nothing competes. */
  readonly perContact: number
  readonly store: MemoryStore
  readonly writer: ImageWriter
}

function makeWorld(random: Random): World {
  const perContact = random.pick([0, 1, 2, 3])
  const triggers: Record<string, PolicyTrigger> = {}
  const make = (id: string, isOffer: boolean): Plain => {
    const plain = {
      id,
      layer: perContact === 0 ? 0 : random.whole(0, 1),
      priority: 100 + random.whole(0, 2),
      factor: isOffer ? random.whole(0, 2) : 0,
    }
    triggers[id] = {
      when: `data.day >= ${4 * random.whole(0, 3)} && data.month >= 1`,
      once: random.pick(['day', 'month']),
      ...(isOffer ? {} : { channel: 'sms', at: random.pick(['now', 'after 3h']) }),
      more: [
        ...(perContact === 0 ? [] : [`layer: ${LAYERS[plain.layer]}`]),
        `priority: ${plain.priority}`,
        `value: data.day * ${plain.factor}.0`,
        ...(random.chance(0.333) ? ['cap: 1 per month'] : []),
        ...(random.chance(0.25) ? ["audience: '!tags.gone'"] : []),
        ...(random.chance(0.25) ? ['cancelWhen: tags.vip'] : []),
        ...(random.chance(0.333) ? ['controlGroup: { share: 50 % }'] : []),
        ...(random.chance(0.2) ? ['oncePerTag: seed'] : []),
        ...(random.chance(0.2) ? ['class: service'] : []),
      ],
    }
    return plain
  }
  const offers = Array.from({ length: 5 }, (_, index) => make(`o${index}`, true))
  const pushed = Array.from({ length: 2 }, (_, index) => make(`p${index}`, false))
  const arbitration = `arbitration: { layers: [model, default], offersPerContact: ${perContact} }`
  const policy = [
    ...(perContact === 0 ? [] : [arbitration]),
    ...(random.chance(0.5) ? ['caps: [2 per day, 5 per week]'] : []),
    'classes: { marketing: { sensitiveCap: 1 per week } }',
  ]
  const capacity = random.chance(0.333) ? ', capacity: { perHour: 3 }' : ''
  const hotline = `{ inbound: true${random.chance(0.5) ? ', cap: 2 per day' : ''}${capacity} }`
  const script = new OfferScript(START, offerFiles(triggers, policy, hotline))
  const store = new MemoryStore()
  return { script, offers, pushed, perContact, store, writer: new ImageWriter(store) }
}

/** Brings the store to where the machine stands. */
function writeImage(machine: PartitionMachine, writer: ImageWriter): void {
  writer.begin(machine)
  while (!writer.write(64));
  writer.commit()
}

/** What accepting comes to on a copy of the machine, which goes on as if nobody had asked. */
function tryOut(store: MemoryStore, subscriber: number, trigger: string): string {
  const { machine } = loadMachine(store)!
  const sequence = machine.sequence + 1
  const data = encodeAccept({ id: 'try', subscriber, trigger, channel: HOTLINE })
  machine.apply({ sequence, timestampMs: 0, subject: 'control.0', data })
  return machine.offering!.outcomes.get('try')!.kind
}

/** The offers in the order of the files, as far as they fit into the contact; three at most. */
function expectedOffers(world: World, subscriber: number): string[] {
  const { script, offers, pushed, perContact, store, writer } = world
  writeImage(script.machine, writer)
  const fitting = offers.filter(({ id }) => {
    return ['accepted', 'held-out'].includes(tryOut(store, subscriber, id))
  })
  const today = script.counter('data.day', subscriber)[0]!
  const stronger = (left: Plain, right: Plain): number =>
    left.layer - right.layer ||
    left.priority - right.priority ||
    right.factor * today - left.factor * today ||
    (left.id < right.id ? -1 : 1)
  fitting.sort(stronger)
  const { ledger } = script.machine.core!
  const slot = script.machine.core!.index.find(subscriber)
  const rows = [...ledger.rowsOf(slot)].map((number) => ledger.read(number))
  const names = script.machine.core!.layout.triggers
  const dayOf = (instantMs: number): number => Math.floor((instantMs + 8 * HOUR_MS) / 86_400_000)
  const inContact = rows.filter(({ status, dueMs, isCanary, isIgnoringCaps }) => {
    const isLive = [1, 2, 3, 5].includes(status)
    return isLive && !isCanary && !isIgnoringCaps && dayOf(dueMs) === dayOf(script.clockMs)
  })
  const isCompeting = ({ id }: Plain): boolean => {
    const { spec } = script.machine.core!.compiled.triggerById(id)!
    return (
      perContact > 0 && !spec.isIgnoringCaps && !script.view(subscriber).lists.includes('canary')
    )
  }
  const shown: Plain[] = []
  let taken = 0
  for (const offer of fitting) {
    if (shown.length === 3) break
    if (!isCompeting(offer)) {
      shown.push(offer)
      continue
    }
    const before = inContact.filter(({ status, trigger }) => {
      const rival = [...offers, ...pushed].find(({ id }) => id === names[trigger]!.id)!
      return (status !== 1 && status !== 5) || stronger(rival, offer) < 0
    })
    if (before.length + taken >= perContact) continue
    taken += 1
    shown.push(offer)
  }
  return shown.map(({ id }) => id)
}

/** One thing happens, or some hours pass. */
function step(world: World, random: Random): void {
  const { script } = world
  const subscriber = random.pick(PEOPLE)
  switch (random.whole(0, 5)) {
    case 0:
      script.tick(script.clockMs + (1 + random.whole(0, 13)) * HOUR_MS)
      return
    case 1: {
      const list = random.pick(['black', 'white', 'canary', 'sensitive', 'optOut'] as const)
      script.profile({ subscriber, lists: { [list]: random.chance(0.333) } })
      return
    }
    case 2:
      script.profile({
        subscriber,
        tags: { [random.pick(['gone', 'vip'])]: random.chance(0.5) },
      })
      script.profile({ subscriber, tags: { seed: 1 + random.whole(0, 2) } })
      return
    case 3: {
      const shown = script.find({ subscriber })
      if (shown.length > 0)
        script.show(
          shown.map(({ trigger }) => trigger.spec.id),
          { subscriber },
        )
      return
    }
    case 4:
      script.accept(random.pick(world.offers).id, { subscriber })
      return
    default:
      script.batch([recordAt(script.clockMs, 1 + random.whole(0, 11), { subscriber })])
  }
}

/** How many answers had none, one, two, three offers. */
const answered = [0, 0, 0, 0]

it.each(SEEDS)('seed %i: what is answered is what an acceptance comes to', (seed) => {
  const random = new Random(seed)
  const world = makeWorld(random)
  const { script } = world
  const records = PEOPLE.map((subscriber) => recordAt(START, 9, { subscriber }))
  script.batch(records)
  for (let i = 0; i < STEPS; i++) {
    step(world, random)
    if (i % 4 !== 3) continue
    const subscriber = random.pick(PEOPLE)
    const before = stateOf(script.machine)
    const found = script.find({ subscriber }).map(({ trigger }) => trigger.spec.id)
    expectSame(stateOf(script.machine), before, () => `seed ${seed}, step ${i}: a trace of asking`)
    const expected = expectedOffers(world, subscriber)
    expect(found, `seed ${seed}, step ${i}`).toEqual(expected)
    answered[found.length]! += 1
  }
  expectSameThroughImages(script, seed)
})

it('some answers had offers', () => {
  expect(answered[1]! + answered[2]! + answered[3]!, answered.join(' ')).toBeGreaterThan(0)
})

/** The same inputs into a machine that is loaded from an image now and then: the same decisions. */
function expectSameThroughImages(script: OfferScript, seed: number): void {
  const twin = new MachineScript(START, script.machine.core!.files)
  let { machine } = twin
  const store = new MemoryStore()
  let writer = new ImageWriter(store)
  const decisions: ReadDecision[] = []
  for (const [index, input] of script.inputs.entries()) {
    if (index % 16 === 15) {
      writeImage(machine, writer)
      const loaded = loadMachine(store)!
      machine = loaded.machine
      writer = loaded.writer
    }
    machine.apply(input)
    decisions.push(...drainDecisions(machine))
  }
  expectSame(decisions, [...script.decisions], () => `seed ${seed}: through images`)
  expect(machine.core!.clockMs).toBeGreaterThanOrEqual(at(START))
}
