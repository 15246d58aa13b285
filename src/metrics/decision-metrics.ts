/** What is measured of a partition's decisions; see partition-metrics.ts. */

import { SUPPRESSION_REASONS } from '../model/decision.ts'
import { FEEDBACK_KINDS } from '../model/messages.ts'
import type { PartitionMetric } from './partition-metrics.ts'

/** From candidates to deliveries, and every "no". */
export const DECISION_METRICS: readonly PartitionMetric[] = [
  {
    kind: 'counter',
    name: 'highwater_candidates_total',
    help: 'Candidates: conditions that came true with their latch open.',
    label: null,
    read: ({ statistics }) => statistics.candidates,
  },
  {
    kind: 'counter',
    name: 'highwater_deliveries_total',
    help: 'Deliveries decided, those to canaries not counted.',
    label: null,
    read: ({ statistics }) => statistics.deliveries,
  },
  {
    kind: 'counter',
    name: 'highwater_holdouts_total',
    help: 'What would have been deliveries, had the subscriber not been in a control group.',
    label: null,
    read: ({ statistics }) => statistics.holdouts,
  },
  {
    kind: 'counter',
    name: 'highwater_canaries_total',
    help: "Deliveries to an operator's own testers (list canary).",
    label: null,
    read: ({ statistics }) => statistics.canaries,
  },
  {
    kind: 'counter',
    name: 'highwater_direct_sends_total',
    help: "Test sends, and notices to the operator's own people: in no rate.",
    label: 'purpose',
    readAll: ({ statistics }) => [
      ['test', statistics.testSends],
      ['notice', statistics.notices],
    ],
  },
  {
    kind: 'counter',
    name: 'highwater_shown_total',
    help: 'Offers shown on request, on inbound channels.',
    label: null,
    read: ({ statistics }) => statistics.shown,
  },
  {
    kind: 'counter',
    name: 'highwater_suppressed_total',
    help: 'Candidates that became no delivery, by reason.',
    label: 'reason',
    readAll: ({ statistics }) =>
      SUPPRESSION_REASONS.map((reason, code) => [reason, statistics.suppressed[code] ?? 0]),
  },
  {
    kind: 'counter',
    name: 'highwater_outcomes_total',
    help: 'What became of deliveries, as far as it is said, by what it is.',
    label: 'what',
    readAll: ({ statistics }) =>
      FEEDBACK_KINDS.map((what, code) => [what, statistics.outcomes[code] ?? 0]),
  },
  {
    kind: 'counter',
    name: 'highwater_feedback_repeats_total',
    help: 'Rows of feedback that changed nothing: the same was reported of the attempt before.',
    label: null,
    read: ({ statistics }) => statistics.feedbackRepeats,
  },
  {
    kind: 'counter',
    name: 'highwater_questions_total',
    help: 'Questions that ask customers to confirm an order by reply.',
    label: null,
    read: ({ statistics }) => statistics.questions,
  },
  {
    kind: 'counter',
    name: 'highwater_decisions_total',
    help: 'Decisions numbered: deliveries, holdouts, suppressions, outcomes and whatever else is said.',
    label: null,
    read: ({ statistics }) => statistics.decisions,
  },
  {
    kind: 'counter',
    name: 'highwater_timers_fired_total',
    help: 'Timers that came due and were handled.',
    label: null,
    read: ({ statistics }) => statistics.timersFired,
  },
  {
    kind: 'counter',
    name: 'highwater_ticks_refused_total',
    help: 'Ticks asked for that the input refused or did not answer for: due timers wait.',
    label: null,
    read: ({ statistics }) => statistics.ticksRefused,
  },
  {
    kind: 'gauge',
    name: 'highwater_pending_timers',
    help: 'Timers that wait for their instant: scheduled and deferred deliveries.',
    label: null,
    read: (view) => view.pendingTimers,
  },
]
