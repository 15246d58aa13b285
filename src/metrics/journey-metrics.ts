/** What is measured of journeys: one series per partition and journey; they add up. */

import { JOURNEY_EVENTS, type JourneyView } from '../model/journey.ts'

/** A metric with the labels `partition` and `journey`, and those that it adds. */
export interface JourneyMetric {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly readAll: (
    view: JourneyView,
  ) => readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[]
}

/** All metrics of journeys. */
export const JOURNEY_METRICS: readonly JourneyMetric[] = [
  {
    kind: 'gauge',
    name: 'highwater_journey_members',
    help: 'Subscribers who are in the journey now.',
    labelNames: [],
    readAll: ({ members }) => [[{}, members]],
  },
  {
    kind: 'counter',
    name: 'highwater_journey_events_total',
    help: 'What happened in the journey: entered, goal, exit, completed, left; arm control: to those held out. Canaries left out.',
    labelNames: ['event', 'arm'],
    readAll: ({ counts: { all, control } }) =>
      JOURNEY_EVENTS.flatMap((event) => [
        [{ event, arm: 'treated' }, all[event] - control[event]] as const,
        [{ event, arm: 'control' }, control[event]] as const,
      ]),
  },
]
