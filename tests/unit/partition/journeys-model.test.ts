/** Random journeys over random histories, reloads among them: the machine beside a naive model. */

import { expect, it } from 'vitest'
import { Random } from '../../../src/probe/random.ts'
import { expectSame } from '../../support/expect-same.ts'
import { JourneyModel } from '../../support/journeys/model.ts'
import { filesOf, JourneyDraws, type Tag, TAGS } from '../../support/journeys/plain.ts'
import { drainDecisions, type ReadDecision, startMachine } from '../../support/machine-harness.ts'
import { ImageWriter, loadMachine, stateOf } from '../../support/machine-image.ts'
import { ANN, at, MachineScript } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { S1_PARAMETERS } from '../../support/naive/input.ts'

const START = '2026-11-27 08:00'
const HOUR_MS = 3_600_000
const PEOPLE = 4
const INPUTS = 120
const SEEDS = (process.env.HIGHWATER_SEED ?? '2,4,9').split(',').map(Number)

/** Over all seeds: in some nobody does. */
let entered = 0

it.each(SEEDS)('seed %i: walks as the naive model does, and on from an image', (seed) => {
  const random = new Random(seed)
  const draws = new JourneyDraws(random)
  let journeys = draws.journeys()
  const first = filesOf(journeys)
  const script = new MachineScript(START, first)
  const model = new JourneyModel(at(START), journeys)
  for (let input = 0; input < INPUTS; input++) {
    const before = script.decisions.length
    const kind = random.fraction()
    let expected: string[]
    const subscriber = ANN + random.below(PEOPLE)
    if (kind < 0.35) {
      const timeMs = script.clockMs + random.below(30) * HOUR_MS
      script.tick(timeMs)
      expected = model.tick(timeMs)
    } else if (kind < 0.65) {
      const bytes = 1 + random.below(3)
      script.usage(script.clockMs, bytes, { subscriber })
      expected = model.usage(subscriber, bytes)
    } else if (kind < 0.93) {
      const tags = new Map<Tag, boolean>([[TAGS[random.below(4)]!, random.fraction() < 0.6]])
      const optOut = random.fraction() < 0.1 ? random.fraction() < 0.4 : undefined
      const lists = optOut === undefined ? {} : { optOut }
      script.profile({ subscriber, tags: Object.fromEntries(tags), lists })
      expected = model.profile(subscriber, tags, optOut)
    } else {
      journeys = draws.edited(journeys)
      script.config(filesOf(journeys))
      expected = model.reload(journeys)
    }
    const said = script.decisions.slice(before).map(lineOf)
    // A reload finds members as they lie in the ledger.
    if (kind >= 0.93 || model.hasRestarted)
      for (const lines of [said, expected]) lines.sort(bySubscriber)
    expectSame(said, expected, () => `seed ${seed}, input ${input}`)
    for (const { id } of journeys) {
      const { code } = script.machine.core!.compiled.journeyById(id)!
      expect(script.machine.core!.members.of(code), `members of ${id}`).toBe(model.memberCount(id))
    }
    entered += said.filter((line) => line.endsWith(' entered')).length
  }
  expect(script.rejects).toEqual({})
  expectSameFromImages(script, random, first)
})

it('somebody entered', () => {
  expect(entered).toBeGreaterThan(0)
})

/** The same inputs again, with machines that die and are loaded in between. */
function expectSameFromImages(script: MachineScript, random: Random, files: object): void {
  const store = new MemoryStore()
  let machine = startMachine({ ...S1_PARAMETERS, startMs: at(START) }, files as never)
  let writer = new ImageWriter(store)
  const said: ReadDecision[] = []
  for (const input of script.inputs) {
    machine.apply(input)
    said.push(...drainDecisions(machine))
    if (random.fraction() > 0.05) continue
    writer.begin(machine)
    writer.write(Number.POSITIVE_INFINITY)
    writer.commit()
    const loaded = loadMachine(store)!
    machine = loaded.machine
    writer = loaded.writer
  }
  expect(said).toEqual(script.decisions)
  expect(stateOf(machine)).toEqual(stateOf(script.machine))
}

const bySubscriber = (left: string, right: string): number => {
  const [one, other] = [left, right].map((line) => line.split(' ')[1]!)
  return one! < other! ? -1 : Number(one! > other!)
}

interface Told {
  readonly kind: string
  readonly what: string
  readonly step?: string
  readonly why?: string
}

function lineOf(decision: ReadDecision): string {
  const { trigger, subscriber, period } = decision
  const head = `${trigger} ${subscriber} ${period}`
  const told = decision as unknown as Told
  if (told.kind === 'journey') {
    const place = told.step === undefined ? '' : ` at ${told.step}`
    return `${head} ${told.what}${place}${told.why === undefined ? '' : `: ${told.why}`}`
  }
  return decision.kind === 'suppressed' ? `${head} ${decision.reason}` : `${head} sent`
}
