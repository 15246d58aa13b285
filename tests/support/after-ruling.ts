/** Rules on a halted partition as a person would, and looks at what the ruling promised. */

import { cp } from 'node:fs/promises'
import { expect } from 'vitest'
import { runResume } from '../../src/commands/resume.ts'
import type { RulingChoice } from '../../src/model/ways-out.ts'
import type { OutDecision, OutMessage } from './stream-contents.ts'
import { type Installation, range, until, type WorkerChoice } from './worker-harness.ts'

/** How a person rules. */
export interface RulingOrder {
  readonly choose: RulingChoice
  readonly at?: number
  readonly readNumber?: number
  /** What the log of the worker says, where the streams alone do not show it. */
  readonly halt?: string
}

/** Runs `highwater resume` for the store of a worker; first without --yes, which writes nothing. */
export async function ruleOn(
  installation: Installation,
  { choose, at, readNumber, halt }: RulingOrder,
  name = 'a',
): Promise<string> {
  const lines: string[] = []
  const options = {
    config: await installation.writeConfig(name),
    partition: 0,
    at: at ?? null,
    readNumber: readNumber ?? null,
    choice: choose,
    halt: halt ?? null,
    reason: 'a test',
    by: 'somebody',
  }
  const print = (line: string): unknown => lines.push(line)
  const before = (await readOutIfAny(installation)).length
  expect(await runResume({ ...options, isYes: false }, print)).toBe(2)
  expect(await readOutIfAny(installation)).toHaveLength(before)
  expect(await runResume({ ...options, isYes: true }, print)).toBe(0)
  return lines.join('\n')
}

async function readOutIfAny(installation: Installation): Promise<OutMessage[]> {
  const manager = await installation.manager()
  for await (const { config } of manager.streams.list()) {
    if (config.name === 'OUT_0') return installation.readOut()
  }
  return []
}

/** What was ever said, by delivery id, with all numbers under which it was said. */
export class Heard {
  readonly #numbers = new Map<string, Set<number>>()

  /** Takes in what OUT holds now. */
  async listen(installation: Installation): Promise<void> {
    const messages = await readOutIfAny(installation)
    for (const { decisions = [] } of messages) this.#add(decisions)
  }

  /** Subscribers that got their delivery. Throws when one got it twice, under another number. */
  get subscribers(): number[] {
    for (const [id, numbers] of this.#numbers) {
      if (numbers.size > 1) throw new Error(`${id} was said as ${[...numbers].join(' and ')}`)
    }
    const all = [...this.#numbers.keys()].map((id) => Number(id.split(':')[1]))
    return all.sort((a, b) => a - b)
  }

  #add(decisions: readonly OutDecision[]): void {
    for (const { id = '', n } of decisions) {
      const numbers = this.#numbers.get(id)
      if (numbers === undefined) this.#numbers.set(id, new Set([n]))
      else numbers.add(n)
    }
  }
}

/**
 * The partition goes on: from the image that the ruling was made for, twice, and from its own. Says
 * `expected` in all, and each once.
 */
export async function expectToGoOn(
  installation: Installation,
  heard: Heard,
  expected: readonly number[],
  choice: WorkerChoice = {},
): Promise<void> {
  let { name = 'a' } = choice
  const kept = `${name}-kept`
  const directoryOf = (each: string): string => installation.storeDirectory(each)
  await cp(directoryOf(name), directoryOf(kept), { recursive: true })
  const all = [...expected]
  for (const round of range(1, 3)) {
    const started = await installation.startLive({ ...choice, name })
    const fresh = range(round * 1000, round * 1000 + 4)
    await installation.cross(fresh)
    all.push(...fresh)
    const { worker } = started
    await until('all is said', () => {
      const { decisionNumber, acknowledgedDecisionNumber } = worker.view()
      const { appliedSequence, streamLastSequence } = worker.view()
      if (worker.halt !== null) throw worker.halt
      const isApplied = worker.inspect(fresh[4]!) !== null
      const isSaid = decisionNumber === acknowledgedDecisionNumber
      return isApplied && isSaid && appliedSequence >= streamLastSequence
    })
    await heard.listen(installation)
    expect(heard.subscribers).toEqual(all.sort((a, b) => a - b))
    if (round === 1) {
      // As if no image had been written since the ruling: it is read from OUT again.
      await started.crash()
      name = kept
    } else {
      await installation.stop(started)
    }
  }
}
