/**
 * OUT against machines that nothing disturbs: each applies IN of its partition as it was stored,
 * and OUT must hold exactly its decisions, in every key, in their order; REJ its refusals; the
 * worker what it knows of people. Over all partitions no channel may have sent more than it can
 * carry, and every delivery must lie in its window.
 */

import { isDeepStrictEqual } from 'node:util'
import { decode } from '@msgpack/msgpack'
import type { JetStreamManager } from '@nats-io/jetstream'
import { inspectSubscriber } from '../../src/partition/inspect.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import type { TownLimits } from '../support/policy-town.ts'
import { readRejects } from '../support/stream-contents.ts'
import { excessOf, TownWatch } from '../support/town-watch.ts'
import { Undisturbed, type WireDecision, wireDecisions } from '../support/undisturbed.ts'
import {
  type Compare,
  type Comparison,
  type ComparisonChoice,
  findUnstored,
  firstOf,
  readLog,
  readStored,
} from './comparison.ts'
import type { LoggedMessage } from './logged-input.ts'
import type { Story } from './story.ts'

const SAMPLE_SIZE = 20

/** Judges a town with these limits, which grow at `grownAtMs`. */
export function policyComparison(limits: TownLimits, grownAtMs: number): Compare {
  return (story, manager, choice = {}) =>
    new PolicyComparison(story, manager, choice).compare(limits, grownAtMs)
}

class PolicyComparison {
  readonly #story: Story
  readonly #manager: JetStreamManager
  readonly #choice: ComparisonChoice
  readonly #failures: string[] = []
  readonly #decided: WireDecision[] = []
  #lost = 0
  #duplicated = 0

  constructor(story: Story, manager: JetStreamManager, choice: ComparisonChoice) {
    this.#story = story
    this.#manager = manager
    this.#choice = choice
  }

  async compare(limits: TownLimits, grownAtMs: number): Promise<Comparison> {
    const failures = this.#failures
    const whole: LoggedMessage[] = []
    for (let partition = 0; partition < this.#story.parameters.partitionCount; partition++) {
      const log = await readLog(this.#manager, partition)
      for (const message of log) whole.push(message)
      await this.#comparePartition(partition, log)
    }
    if (this.#choice.isAllStored !== false) failures.push(...findUnstored(this.#story, whole))
    failures.push(...excessOf(this.#decided, limits, grownAtMs))
    return {
      deliveriesCompared: this.#decided.length,
      lost: this.#lost,
      duplicated: this.#duplicated,
      failures: firstOf(failures),
    }
  }

  async #comparePartition(partition: number, log: readonly LoggedMessage[]): Promise<void> {
    const watch = new TownWatch()
    const undisturbed = new Undisturbed(partition)
    for (const message of log) watch.follow(undisturbed, message)
    this.#failures.push(...watch.failures.map((each) => `partition ${partition}: ${each}`))
    const place = `partition ${partition}`
    const decided = await this.#readDecisions(partition)
    this.#compareDecisions(place, undisturbed.decisions, decided)
    await this.#compareRejects(partition, undisturbed)
    await this.#comparePeople(place, undisturbed.machine)
    for (const decision of decided) this.#decided.push(decision)
  }

  async #readDecisions(partition: number): Promise<WireDecision[]> {
    const decided: WireDecision[] = []
    for await (const { data } of readStored(this.#manager, `OUT_${partition}`)) {
      const { kind } = decode(data) as { kind: string }
      if (kind === 'decisions') for (const each of wireDecisions(data)) decided.push(each)
    }
    return decided
  }

  #compareDecisions(
    place: string,
    expected: readonly WireDecision[],
    decided: readonly WireDecision[],
  ): void {
    const seen = new Set<number>()
    for (const [index, decision] of decided.entries()) {
      const { n, in: input, trigger } = decision
      const want = expected[n - 1]
      if (want === undefined || seen.has(n)) {
        this.#duplicated += 1
        this.#failures.push(`${place}: decision ${n} is ${want ? 'there twice' : 'unknown'}`)
      } else if (!isDeepStrictEqual(decision, want)) {
        const keys = Object.keys({ ...decision, ...want })
        const other = keys.filter((key) => !isDeepStrictEqual(decision[key], want[key]))
        const what = `${decision.kind} of ${trigger}, input ${input}`
        this.#failures.push(`${place}: decision ${n} (${what}) differs in ${other.join(', ')}`)
      } else if (n !== index + 1 && !seen.has(n - 1)) {
        this.#failures.push(`${place}: decision ${n} is out of order`)
      }
      seen.add(n)
    }
    const lost = expected.filter(({ n }) => !seen.has(n))
    this.#lost += lost.length
    for (const { n, in: input } of lost) {
      this.#failures.push(`${place}: decision ${n} of input ${input} is lost`)
    }
  }

  async #compareRejects(partition: number, { rejects }: Undisturbed): Promise<void> {
    const stored = await readRejects(this.#manager, partition)
    const found = new Set(stored.map(rejectText))
    const wanted = new Set(rejects.map(rejectText))
    for (const each of wanted) {
      if (!found.has(each)) this.#failures.push(`partition ${partition}: REJ lacks ${each}`)
    }
    for (const each of found) {
      if (!wanted.has(each)) this.#failures.push(`partition ${partition}: REJ holds ${each}`)
    }
  }

  /** What the worker knows of some people, rows of the ledger included. */
  async #comparePeople(place: string, machine: PartitionMachine): Promise<void> {
    const { inspect, sampleSize = SAMPLE_SIZE } = this.#choice
    const core = machine.core
    if (inspect === undefined || core === null) return
    const rowCount = core.tables[0]?.rowCount ?? 0
    const step = Math.max(1, Math.floor(rowCount / sampleSize))
    for (let slot = 0; slot < rowCount; slot += step) {
      const subscriber = core.subscriberOf(slot)
      if (core.index.find(subscriber) !== slot) continue
      const have = await inspect(subscriber)
      const want = inspectSubscriber(core, subscriber)
      if (!isDeepStrictEqual(have, JSON.parse(JSON.stringify(want)))) {
        this.#failures.push(`${place}: somebody (row ${slot}) is known otherwise`)
      }
    }
  }
}

function rejectText(reject: { in: number; ordinal: number; reason: string }): string {
  return `${reject.in}-${reject.ordinal} ${reject.reason}`
}
