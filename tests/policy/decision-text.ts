/** Decisions and instants as people read them. */

import type { PolicyDecision } from './plain.ts'

/** One decision on one line. */
export function decisionText(decision: PolicyDecision): string {
  const { kind, trigger, subscriber, period, attempt, firedAtMs, values } = decision
  const { reason, winner, detail, channel, experiment, canary, notBeforeMs, notAfterMs } = decision
  const said = [
    kind === 'suppressed' ? reason : `${channel} ${instant(notBeforeMs!)}..${instant(notAfterMs!)}`,
    experiment === undefined ? null : `experiment ${experiment}`,
    decision.class === undefined ? null : `class ${decision.class}`,
    canary === undefined ? null : 'canary',
    winner === undefined ? null : `winner ${winner}`,
    detail === undefined ? null : `detail "${detail}"`,
  ].filter((part) => part !== null)
  const head = `${kind} ${trigger} ${subscriber} ${period}/${attempt}`
  return `${head} ${said.join(', ')} (fired ${instant(firedAtMs)}, ${JSON.stringify(values)})`
}

/** ISO 8601 in UTC, to the second where that is exact. */
export function instant(instantMs: number): string {
  if (!Number.isFinite(instantMs)) return String(instantMs)
  return new Date(instantMs).toISOString().replace('.000Z', 'Z')
}
