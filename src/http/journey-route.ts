/** Journeys: who stands where, and how they end. */

import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { JOURNEY_EVENTS, type JourneyEvent, type JourneyView } from '../model/journey.ts'
import type { WorkerView } from '../model/view.ts'
import { ErrorBody } from './schemas.ts'

const Events = Type.Object({
  entered: Type.Integer(),
  goal: Type.Integer(),
  exit: Type.Integer(),
  completed: Type.Integer(),
  left: Type.Integer({ description: 'by a condition, an edit or a removal' }),
})

/** Journeys by id, with the sums of this worker's partitions. */
export const JourneysBody = Type.Object({
  journeys: Type.Array(
    Type.Object({
      journey: Type.String(),
      file: Type.String(),
      onEdit: Type.String({ description: 'continue, restart or leave' }),
      members: Type.Integer({ description: 'inside now, held-out ones among them' }),
      steps: Type.Array(
        Type.Object({
          step: Type.String(),
          members: Type.Integer({ description: 'who waits for the step' }),
        }),
      ),
      staying: Type.Integer({ description: 'behind the last step, and may still meet the goal' }),
      counts: Type.Object(
        { all: Events, control: Events },
        { description: 'since the process started, without canaries; control: those held out' },
      ),
    }),
  ),
})

/** Adds `GET /v1/journeys`. */
export function addJourneyRoute(app: FastifyInstance, view: WorkerView): void {
  const schema = {
    summary: 'Journeys in force: who is inside, at which step, and how they ended',
    tags: ['data'],
    response: { 200: JourneysBody, '5xx': ErrorBody },
  }
  app.get('/v1/journeys', { schema }, async () => ({
    journeys: sumJourneys(view.partitions().flatMap(({ journeys }) => journeys)),
  }))
}

/** All partitions declare the same journeys, but for moments after a reload. */
function sumJourneys(views: readonly JourneyView[]): JourneyView[] {
  return [...new Set(views.map(({ journey }) => journey))].map((id) => {
    const same = views.filter(({ journey }) => journey === id)
    const first = same[0]!
    const sumOf = (read: (view: JourneyView) => number) =>
      same.reduce((sum, each) => sum + read(each), 0)
    const eventsOf = (arm: 'all' | 'control') => {
      const sums = JOURNEY_EVENTS.map((event) => [event, sumOf(({ counts }) => counts[arm][event])])
      return Object.fromEntries(sums) as Record<JourneyEvent, number>
    }
    return {
      ...first,
      members: sumOf(({ members }) => members),
      steps: first.steps.map(({ step }) => ({
        step,
        members: sumOf(({ steps }) => steps.find((each) => each.step === step)?.members ?? 0),
      })),
      staying: sumOf(({ staying }) => staying),
      counts: { all: eventsOf('all'), control: eventsOf('control') },
    }
  })
}
