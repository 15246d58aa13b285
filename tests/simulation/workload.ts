/**
 * What a seed feeds its partition: a log of messages with what each means to the naive model, and
 * the configuration. To feed something new, teach the naive model to apply it, encode it in
 * tests/support/machine-harness.ts, and let one of the makers below write it. What the naive model
 * cannot know, all of the policy, is in town-log.ts.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { encodeConfig, encodeGenesis } from '../../src/probe/encode.ts'
import { encodeInput } from '../support/machine-harness.ts'
import {
  type NaiveInput,
  type NaiveParameters,
  type NaiveRecord,
  S1_PARAMETERS,
} from '../support/naive/input.ts'
import { edited, scenarioFiles } from '../support/scenario-files.ts'
import { generateWorkload } from '../support/workload/generate.ts'
import { profileRow } from '../support/workload/people.ts'
import type { Random } from '../support/workload/random.ts'
import { makeTownLog, type SimTown } from './town-log.ts'

/** What a message means: to the model, as a configuration, or (`town`) by its bytes alone. */
export type Meaning =
  | NaiveInput
  | { readonly kind: 'config'; readonly id: string; readonly generation: number }
  | { readonly kind: 'town' }

/** One message of the log. */
export interface SimMessage {
  readonly partition: number
  readonly subject: string
  readonly data: Uint8Array
  readonly meaning: Meaning
  /** What time it is in the workload's world, ms since the epoch; never falls. */
  readonly wallMs: number
}

/** A log and the partition that it is for; of a town, also the neighbour's messages. */
export interface SimLog {
  readonly parameters: NaiveParameters
  /** `real`: the partition follows the stamps of the broker, whose clock the log moves on. */
  readonly clock: 'virtual' | 'real'
  readonly genesis: Uint8Array
  readonly messages: readonly SimMessage[]
  /** Null: the naive model is the judge. */
  readonly town: SimTown | null
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const SCENARIO = scenarioFiles('data-pack')
const TEXT = 'Reply VIP'

/** Names of counters that no trigger reads begin with this. */
export const WIDE_PREFIX = 'wide_'
/** Counters that nobody reads, so that rows are large and an image is more than one turn's work. */
const WIDE_COUNTERS = Array.from(
  { length: 6 },
  (_, index) => `  ${WIDE_PREFIX}${index}: { sum: bytes, per: [last 168 hours, last 92 days] }\n`,
).join('')

/** Starts worth a walk: tags of the 10th, ends of months, changes of clocks, a new year. */
const STARTS = ['2026-11-08', '2026-11-09', '2026-11-27', '2026-10-23', '2026-02-26', '2026-12-29']

/** How many of all seeds play a policy. */
const TOWN_SHARE = 0.2

const MAKERS = [makeHostile, makeHostile, makePlain, makeWide] as const

/** The log of a seed. */
export function makeLog(seed: number, random: Random): SimLog {
  const clock = random.chance(0.35) ? 'real' : 'virtual'
  if (random.chance(TOWN_SHARE)) return makeTownLog(clock, random)
  const make = random.pick(MAKERS)
  const { inputs, parameters, files } = make(seed, random)
  let wallMs = parameters.startMs
  const messages = inputs.map((meaning): SimMessage => {
    const { subject, data } = encodeInput(meaning, 0)
    if (meaning.kind === 'tick' && meaning.writer === parameters.tickWriter) {
      wallMs = Math.max(wallMs, meaning.timeMs ?? 0)
    }
    return { partition: 0, subject, data, meaning, wallMs }
  })
  const genesis = encodeGenesis({
    id: 'genesis',
    partition: parameters.partition,
    partitionCount: parameters.partitionCount,
    zone: parameters.zone,
    clock:
      clock === 'virtual'
        ? { mode: 'virtual', writer: parameters.tickWriter, startMs: parameters.startMs }
        : { mode: 'real' },
    generation: 1,
    files: filesOfGeneration(files, 1),
  })
  const reloaded = withReloads(messages, files, random)
  return { parameters, clock, genesis, messages: reloaded, town: null }
}

/** The text that deliveries of a generation carry. */
export function textOfGeneration(generation: number): string {
  return `Generation ${generation}`
}

interface Story {
  readonly inputs: readonly NaiveInput[]
  readonly parameters: NaiveParameters
  readonly files: ConfigFiles
}

/** Late, repeated, overtaken and senseless messages of many zones, with feedback. */
function makeHostile(seed: number, random: Random): Story {
  const startMs = Date.parse(`${random.pick(STARTS)}T00:00+08:00`)
  const size = { subscribers: random.whole(12, 36), days: random.whole(3, 4) }
  const { inputs, parameters } = generateWorkload({ seed, startMs, tickMinutes: 240, ...size })
  return { inputs, parameters, files: SCENARIO }
}

/** Few messages, many deliveries. */
function makePlain(_: number, random: Random): Story {
  return plainStory(random, random.whole(60, 160), SCENARIO)
}

/** Rows of many kilobytes. */
function makeWide(_: number, random: Random): Story {
  const files = edited(SCENARIO, 'counters:\n', `counters:\n${WIDE_COUNTERS}`)
  return plainStory(random, random.whole(130, 220), files)
}

function plainStory(random: Random, count: number, files: ConfigFiles): Story {
  const startMs = Date.parse('2026-11-10T06:00+08:00')
  const parameters = { ...S1_PARAMETERS, startMs }
  const subscribers = Array.from({ length: count }, (_, index) => 13_800_000_000 + index)
  const inputs: NaiveInput[] = []
  const next = (): number => inputs.length + 2
  const seqs = { usage: 0, profile: 0 }
  const writer = parameters.tickWriter
  const tick = (timeMs: number): void => {
    inputs.push({ sequence: next(), kind: 'tick', id: `tick-${timeMs}`, writer, timeMs })
  }
  const tag = (some: readonly number[]): void => {
    const stamp = { probe: 'bi', epoch: 1, seq: ++seqs.profile }
    const rows = some.map((subscriber) => profileRow(subscriber, { tags: { seed: 202_611 } }))
    inputs.push({ sequence: next(), kind: 'profile', stamp, rows })
  }
  const use = (some: readonly number[], nowMs: number): void => {
    const stamp = { probe: 'probe1', epoch: 1, seq: ++seqs.usage }
    const records = some.map((subscriber): NaiveRecord => {
      const usageBytes = random.pick([200_000, parameters.thresholdBytes, 700_000])
      const timeMs = nowMs - random.whole(0, HOUR_MS)
      return { subscriber, usageBytes, timeMs, rat: 6, app: 1, cell: 0, kind: 0 }
    })
    const message = { kind: 'usage', stamp, records } as const
    inputs.push({ sequence: next(), ...message })
    if (random.chance(0.1)) inputs.push({ sequence: next(), ...message })
  }
  for (let at = 0; at < count; at += 25) tag(subscribers.slice(at, at + 25))
  for (let nowMs = startMs; nowMs < startMs + 2.5 * DAY_MS; nowMs += 3 * HOUR_MS) {
    tick(nowMs)
    for (let batch = random.whole(1, 3); batch > 0; batch--) {
      const from = random.whole(0, count - 1)
      use(subscribers.slice(from, from + random.whole(2, 30)), nowMs)
    }
  }
  return { inputs, parameters, files }
}

/** Some configurations in the middle of the log, each once or twice; now and then a stale one. */
function withReloads(
  messages: readonly SimMessage[],
  files: ConfigFiles,
  random: Random,
): SimMessage[] {
  const result = [...messages]
  const count = random.pick([0, 0, 1, 2])
  const places = Array.from({ length: count }, () => random.whole(0, messages.length)).sort(
    (left, right) => left - right,
  )
  const put = (place: number, id: string, generation: number): void => {
    const data = encodeConfig({ id, generation, files: filesOfGeneration(files, generation) })
    const wallMs = result[place - 1]?.wallMs ?? 0
    const meaning = { kind: 'config', id, generation } as const
    result.splice(place, 0, { partition: 0, subject: 'control.0', data, meaning, wallMs })
  }
  for (const [index, place] of places.entries()) {
    const generation = index + 2
    const at = place + (result.length - messages.length)
    put(at, `config-${generation}`, generation)
    if (random.chance(0.3)) put(at + 1, `config-${generation}`, generation)
    if (random.chance(0.3)) put(at + 1, `stale-${generation}`, generation)
  }
  return result
}

function filesOfGeneration(files: ConfigFiles, generation: number): ConfigFiles {
  const path = Object.keys(files).find((each) => files[each]!.includes(TEXT))!
  const text = files[path]!.replace(/^message: .*$/m, `message: ${textOfGeneration(generation)}`)
  return { ...files, [path]: text }
}
