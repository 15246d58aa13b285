/** `highwater explain`: why a subscriber got a message of a trigger, did not, or did not yet. */

import { loadConfigDirectory } from '../config/load.ts'
import { UsageError } from '../errors.ts'
import type { ExplainCheck, ExplainedDecision, Explanation } from '../model/explanation.ts'
import { subscriberOption } from './option-values.ts'
import { askRunningWorker } from './running-worker.ts'

/** Options of `explain`. */
export interface ExplainOptions {
  readonly config: string
  /** Number of the subscriber, and id of the trigger. */
  readonly subscriber: string
  readonly trigger: string
  /** The worker's address; null: as configured. */
  readonly url: string | null
  readonly isJson: boolean
}

const MARKS = { passes: 'yes', stops: 'NO', waits: 'not yet' } as const

/** Asks the worker and prints its answer; resolves with 0. */
export async function runExplain(options: ExplainOptions): Promise<number> {
  const subscriber = subscriberOption(options.subscriber)
  const { settings } = await loadConfigDirectory(options.config)
  const query = new URLSearchParams({ trigger: options.trigger })
  const path = `/v1/subscribers/${subscriber}/explain?${query}`
  const { body, error } = await askRunningWorker<Explanation>(settings, options.url, path)
  if (body === null) throw new UsageError(`${error?.code} ${error?.message}`)
  if (options.isJson) process.stdout.write(`${JSON.stringify(body)}\n`)
  else for (const line of explanationLines(body)) console.log(line)
  return 0
}

/** The answer as lines for people; the subscriber is not named again. */
export function explanationLines(explanation: Explanation): string[] {
  const { trigger, answer, summary, decision, checks, generation, clockMs } = explanation
  return [
    `${trigger}: ${answer}: ${summary}`,
    ...(decision === null ? [] : decisionLines(decision)),
    `checks as of ${instant(clockMs)}, configuration ${generation}:`,
    ...checks.map(checkLine),
  ]
}

function decisionLines(decision: ExplainedDecision): string[] {
  const { status, period, attempt, firedAtMs, generation, passed } = decision
  const lines = [
    `last decision: ${status}, period ${period}, attempt ${attempt}, configuration ${generation}`,
    `  fired by ${valuesText(decision.values)} at ${instant(firedAtMs)}`,
    `  passed ${passed.join(', ')}`,
  ]
  const { reason, detail, winner } = decision
  if (reason !== null) {
    const told = [detail, winner === null ? null : `${winner} won`].filter((each) => each !== null)
    lines.push(`  stopped by ${reason}${told.length === 0 ? '' : ` (${told.join(', ')})`}`)
  }
  return lines
}

function checkLine({ step, verdict, text, values }: ExplainCheck): string {
  const seen = valuesText(values)
  const mark = MARKS[verdict].padEnd(8)
  return `  ${mark}${step.padEnd(14)}${text}${seen === '' ? '' : `  [${seen}]`}`
}

function valuesText(values: ExplainCheck['values']): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value === null ? 'unset' : value}`)
    .join(', ')
}

function instant(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : 'never'
}
