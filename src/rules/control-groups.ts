/** Control groups from their readings; one experiment has one share, wherever it is named. */

import type { ControlGroupSpec } from '../model/policy.ts'
import type { ControlGroupReading } from './policy-shapes.ts'
import type { YamlSource } from './yaml-source.ts'

/** The experiments of one configuration, by name. */
export class Experiments {
  readonly #shares = new Map<string, number>()

  /**
   * A control group from its reading; `experimentDefault` is its name where none is given. Null
   * after reporting what is wrong with it.
   */
  add(
    reading: ControlGroupReading,
    experimentDefault: string,
    source: YamlSource,
  ): ControlGroupSpec | null {
    const { share } = reading.values
    const isNamed = reading.at('experiment') !== reading.node
    const experiment = reading.values.experiment ?? (isNamed ? undefined : experimentDefault)
    if (share === undefined || experiment === undefined) return null
    if (share.value === 0 || share.value === 1) {
      const message = 'the share of a control group is above 0 % and below 100 %'
      const hint = share.value === 0 ? 'leave controlGroup out: nobody is held out then' : undefined
      source.report(share.node, 'out-of-range', message, hint)
      return null
    }
    const other = this.#shares.get(experiment) ?? share.value
    if (other !== share.value) {
      const message = `the experiment "${experiment}" already has the share ${percentOf(other)}`
      const hint = 'give both the same share, or name another experiment'
      source.report(share.node, 'conflict', message, hint)
      return null
    }
    this.#shares.set(experiment, share.value)
    return Object.freeze({ experiment, share: share.value })
  }
}

/** A share as people write it: `0.5 %`. */
export function percentOf(share: number): string {
  return `${Number((share * 100).toPrecision(12))} %`
}
