/**
 * Profile messages through the machine alone, from memory: decode, check, apply, judge the triggers
 * that read what a row touched. One core, no broker, no store.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { ProfileRow } from '../../src/model/messages.ts'
import type { InputMessage } from '../../src/model/ports.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import { encodeProfile } from '../../src/probe/encode.ts'
import { Random } from '../../src/probe/random.ts'
import { BENCH_FILES, benchGenesis, SUBSCRIBER_FIRST } from '../pipeline/traffic.ts'
import { type BenchOptions, type BenchResult, median, say } from '../report.ts'

const SEED = 20261122
const MESSAGE_ROWS = 1_000
const MESSAGES_PER_ROUND = 20
const ROUNDS = 5
const TRIGGER_COUNTS = [1, 10]
const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 524_288 }

/** What an import brings: a field of each type, two tags, a list. */
export const PROFILE_FILES: ConfigFiles = {
  ...BENCH_FILES,
  'profiles.yaml': `
fields:
  plan: { type: enum, words: [basic, silver, gold, platinum] }
  spend: { type: number }
  joined: { type: date }
  roaming: { type: bool }
`,
}

/** Rows of subscribers at random, each with all that `PROFILE_FILES` declares. */
export class ProfileTraffic {
  readonly #random: Random
  readonly #subscribers: number
  #seq = 0

  constructor(seed: number, subscribers: number) {
    this.#random = new Random(seed)
    this.#subscribers = subscribers
  }

  /** One subscriber's row. */
  row(subscriber: number): ProfileRow {
    const bits = this.#random.next()
    return {
      subscriber,
      tags: { seed: (bits & 1) === 1 },
      fields: {
        plan: ['basic', 'silver', 'gold', 'platinum'][(bits >>> 1) & 3]!,
        spend: (bits >>> 3) & 1023,
        joined: `20${10 + ((bits >>> 13) & 15)}-0${1 + ((bits >>> 17) & 7)}-1${(bits >>> 20) & 7}`,
        roaming: ((bits >>> 23) & 1) === 1,
      },
      lists: { red: ((bits >>> 24) & 15) === 0 },
      zone: undefined,
      cycleDay: 1 + ((bits >>> 28) & 15),
    }
  }

  /** One message of random subscribers. */
  message(): Uint8Array {
    this.#seq += 1
    const rows = Array.from({ length: MESSAGE_ROWS }, () =>
      this.row(SUBSCRIBER_FIRST + Math.floor(this.#random.fraction() * this.#subscribers)),
    )
    return encodeProfile({ stamp: { probe: 'crm', epoch: 1, seq: this.#seq }, rows })
  }
}

/** Runs the bench over `subscribers`, for some numbers of triggers that read what rows touch. */
export function runProfiles(options: BenchOptions): BenchResult[] {
  say(`seed ${SEED}, ${options.subscribers} subscribers`)
  return TRIGGER_COUNTS.map((count) => {
    const rates = measure(count, options.subscribers)
    say(`${count} triggers: ${rates.map((rate) => Math.round(rate / 1e3)).join(', ')} thousand/s`)
    return {
      bench: 'profiles',
      metric: `profiles.rows_per_cpu_second_${count}_triggers`,
      value: Number(median(rates).toPrecision(4)),
      unit: 'rows/s',
    }
  })
}

function measure(triggerCount: number, subscribers: number): number[] {
  const machine = new PartitionMachine(0)
  const timestampMs = Date.parse('2026-11-22T12:00:00Z')
  const files = { ...PROFILE_FILES, 'triggers/data-pack.yaml': triggersOf(triggerCount) }
  const genesis = benchGenesis(files)
  machine.apply({ sequence: 1, timestampMs, subject: 'control.0', data: genesis })
  const traffic = new ProfileTraffic(SEED, subscribers)
  const rates: number[] = []
  // The first round makes the subscribers and warms the code up.
  for (let round = 0; round <= ROUNDS; round++) {
    const messages: InputMessage[] = Array.from({ length: MESSAGES_PER_ROUND }, (_, index) => ({
      sequence: machine.sequence + 1 + index,
      timestampMs,
      subject: 'profile.0.crm',
      data: traffic.message(),
    }))
    const before = process.cpuUsage()
    for (const message of messages) {
      machine.apply(message)
      for (let batch = true; batch; ) batch = machine.outbox.take(1, LIMITS) !== null
    }
    const { user, system } = process.cpuUsage(before)
    if (round > 0) rates.push((MESSAGES_PER_ROUND * MESSAGE_ROWS * 1e6) / (user + system))
  }
  return rates
}

/** Triggers that read a tag or a field of each row and do not fire. */
function triggersOf(count: number): string {
  const trigger = (index: number): string => `
trigger: offer-${index}
when: 'data_4g.month >= ${index + 1} * GB && ${index % 2 === 0 ? 'tags.seed' : 'fields.plan == "gold"'}'
once: month
deliver: { channel: sms }
message: Hello
`
  return Array.from({ length: count }, (_, index) => trigger(index)).join('---')
}
