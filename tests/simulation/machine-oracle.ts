/**
 * What a machine expects that nothing disturbs: it reads the bytes of IN, in order, each once. That
 * such a machine decides right is the business of tests/policy.
 */

import { isDeepStrictEqual } from 'node:util'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import { stateOf } from '../support/machine-image.ts'
import { TownWatch } from '../support/town-watch.ts'
import { Undisturbed, type WireDecision, wireDecisions } from '../support/undisturbed.ts'
import type { StoredMessage } from './broker.ts'
import { type Oracle, ROW_REASONS, type SaidDecision } from './oracle.ts'

/** A machine of partition 0 as an oracle. */
export class MachineOracle implements Oracle {
  readonly #undisturbed = new Undisturbed(0)
  readonly #watch = new TownWatch()

  get machine(): PartitionMachine {
    return this.#undisturbed.machine
  }

  get decisions(): readonly WireDecision[] {
    return this.#undisturbed.decisions
  }

  get failures(): string[] {
    return this.#watch.failures
  }

  isCounted(): boolean {
    return true
  }

  read(data: Uint8Array): SaidDecision[] {
    return wireDecisions(data)
  }

  apply(message: StoredMessage): void {
    this.#watch.follow(this.#undisturbed, message)
  }

  rejects(): string[] {
    const whole = this.#undisturbed.rejects.filter(({ reason }) => !ROW_REASONS.has(reason))
    return whole.map(({ in: sequence, reason }) => `${sequence} ${reason}`)
  }

  checkState(machine: PartitionMachine): void {
    const [have, want] = [machine, this.machine].map((each) => plain(stateOf(each)))
    for (const key of Object.keys({ ...have, ...want })) {
      if (isDeepStrictEqual(have![key], want![key])) continue
      this.failures.push(`the state differs in ${key}`)
    }
  }
}

/** Without prototypes: what an image held has others. */
function plain(state: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(state)) as Record<string, unknown>
}
