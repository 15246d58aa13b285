/**
 * The watch of a scenario: the reports, warnings and alarms that `highwater watch` would make, on
 * the scenario's clock.
 */

import type { Catalog } from '../../model/catalog.ts'
import { countPlanned } from '../../partition/planned.ts'
import type { PartitionCore } from '../../partition/core.ts'
import type { ReportFold } from '../../report/fold.ts'
import { type PlannedToday, WatchMachine } from '../../report/watch-machine.ts'
import { NO_STATE, type Saying } from '../../report/watch-state.ts'

/** Something that the watch said, and at which look. */
export interface SaidByWatch {
  readonly atMs: number
  readonly saying: Saying
}

/** Looks whenever a look is due. */
export class StoryWatch {
  readonly said: SaidByWatch[] = []
  readonly #machine: WatchMachine
  readonly #isAsked: boolean

  constructor(fold: ReportFold, catalog: Catalog, zone: string, startMs: number) {
    const { reporting, triggers } = catalog
    this.#machine = new WatchMachine(fold, { zone, reporting, triggers }, NO_STATE)
    this.#machine.begin(startMs)
    this.#isAsked = reporting.reports.length > 0 || reporting.watch !== null
  }

  /**
   * Takes all looks up to and including an instant, which is the partition's clock; everything up
   * to it is folded. Answers with what is said for the first time.
   */
  lookUntil(untilMs: number, core: PartitionCore): readonly SaidByWatch[] {
    const before = this.said.length
    let planned: PlannedToday | null = null
    while (this.#isAsked && this.#machine.nextLookMs() <= untilMs) {
      const atMs = this.#machine.nextLookMs()
      if (this.#machine.isPlanAsked) planned ??= plannedBy(core)
      this.#machine.look(atMs, planned)
      const { unsaid } = this.#machine.state
      for (const saying of unsaid) this.said.push({ atMs, saying })
      this.#machine.markSaid(new Set(unsaid.map(({ id }) => id)))
    }
    return this.said.slice(before)
  }
}

function plannedBy(core: PartitionCore): PlannedToday {
  const counting = countPlanned(core)
  for (;;) {
    const { done, value } = counting.next()
    if (done !== true) continue
    return new Map(value.triggers.map(({ trigger, ...count }) => [trigger, count]))
  }
}
