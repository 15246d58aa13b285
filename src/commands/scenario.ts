/**
 * `highwater scenario S1`: a ready configuration of config/scenarios on real parts, with people who
 * live in it: a private nats-server, a worker as `start` runs it on a virtual clock, usage, and
 * customers who react to what they get; at the end the funnel and the verdict.
 */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfigDirectory } from '../config/load.ts'
import { UsageError } from '../errors.ts'
import { suggestWord } from '../model/spelling.ts'
import { parseCatalog } from '../rules/parse-catalog.ts'
import { FOLD_BOUNDS, ReportFold } from '../report/fold.ts'
import { reportOf } from '../report/document.ts'
import { ZoneClock } from '../state/zone.ts'
import { parsePeople, type PeoplePlan } from './scenario/people-plan.ts'
import { runScenario } from './scenario/run.ts'
import { SCENARIO_TICK_WRITER } from './scenario/story.ts'
import { printScenario, summariseScenario } from './scenario/summary.ts'
import { SCENARIO_ZONE, SCENARIO_ZONE_OFFSET_MS } from './scenario/people.ts'
import { switchOption, wholeOption } from './option-values.ts'
import { parseBoth, texts } from './parse-options.ts'
import { INTERRUPTED } from './interrupt.ts'
import { performOnStage, SCENARIOS_DIRECTORY } from './private-stage.ts'
import { createScreen } from './screen.ts'

/** Options of `scenario`; null: as the scenario's people.yaml says. */
export interface ScenarioOptions {
  /** `S1`, `data-pack`, `S1-data-pack`, in any case. */
  readonly name: string
  readonly subscriberCount: number | null
  readonly days: number | null
  readonly seed: number
  readonly isKeeping: boolean
  readonly isJson: boolean
}

/** Reads the command line. @throws UsageError */
export function scenarioOptions(args: string[]): ScenarioOptions {
  const { values, positionals } = parseBoth(args, {
    ...texts('subscribers', 'days', 'seed'),
    json: { type: 'boolean' },
    keep: { type: 'boolean' },
  })
  const [name = '', ...others] = positionals
  if (others.length > 0) throw new UsageError('one scenario at a time')
  const given = (option: string, most: number): number | null =>
    values[option] === undefined ? null : wholeOption(values, option, 1, [1, most])
  return {
    name,
    subscriberCount: given('subscribers', 20_000_000),
    days: given('days', 366),
    seed: wholeOption(values, 'seed', 1, [0, Number.MAX_SAFE_INTEGER]),
    isKeeping: switchOption(values, 'keep'),
    isJson: switchOption(values, 'json'),
  }
}

/** Where a scenario's people are described, below its folder. */
export const PEOPLE_FILE = join('simulation', 'people.yaml')

/** Runs a scenario. Resolves with 0, or 130 when it was interrupted. */
export async function runScenarioCommand(options: ScenarioOptions): Promise<number> {
  const { seed, isKeeping, isJson } = options
  const scenario = await findScenario(options.name)
  const plan = await readPeople(scenario)
  const subscriberCount = options.subscriberCount ?? plan.subscribers
  const days = options.days ?? plan.days
  const { files, settings } = await loadConfigDirectory(join(SCENARIOS_DIRECTORY, scenario))
  const { catalog } = parseCatalog(files)
  const screen = createScreen(isJson ? process.stderr : process.stdout)
  const place = {
    name: 'scenario',
    scenario,
    tickWriter: SCENARIO_TICK_WRITER,
    startMs: Date.parse(`${plan.startDay}T00:00:00Z`) - SCENARIO_ZONE_OFFSET_MS,
    recordsExpected: expectedRecords(plan, subscriberCount, days),
    settings: ['rules: { exclude: [simulation] }'],
  }
  return performOnStage(place, screen, isKeeping, async (stage, signal) => {
    const fold = new ReportFold(new ZoneClock(SCENARIO_ZONE), {
      ...FOLD_BOUNDS,
      cohortDays: days + 1,
    })
    const people = `${subscriberCount.toLocaleString('en-US')} people for ${days} days from ${plan.startDay}`
    screen.say(`Highwater scenario ${scenario}: ${people}, seed ${seed}`)
    const outcome = await runScenario(
      {
        plan,
        catalog,
        seed,
        subscriberCount,
        days,
        fold,
        recipients: settings.watch.recipients,
      },
      stage,
      screen,
      signal,
    )
    const report = reportOf(fold, {
      name: scenario,
      kind: 'asked',
      zone: SCENARIO_ZONE,
      fromMs: outcome.startMs,
      // What the last tick brought was decided at its very instant.
      toMs: outcome.endMs + 1,
      madeAtMs: outcome.endMs,
      triggers: catalog.triggers,
      asked: catalog.triggers.map(({ id }) => id),
      planned: null,
    })
    const summary = summariseScenario({ scenario, seed, subscriberCount, days, outcome, report })
    if (isJson) process.stdout.write(`${JSON.stringify(summary)}\n`)
    else printScenario(screen, summary)
    return signal.aborted ? INTERRUPTED : 0
  })
}

/** The folder of a scenario by number or name. @throws UsageError */
export async function findScenario(name: string): Promise<string> {
  const entries = await readdir(SCENARIOS_DIRECTORY)
  const known = entries
    .filter((entry) => /^S\d+-/.test(entry))
    .sort((a, b) => Number.parseInt(a.slice(1), 10) - Number.parseInt(b.slice(1), 10))
  const wanted = name.toLowerCase()
  const found = known.find((entry) => {
    const lower = entry.toLowerCase()
    const cut = lower.indexOf('-')
    return lower === wanted || lower.slice(0, cut) === wanted || lower.slice(cut + 1) === wanted
  })
  if (found !== undefined) return found
  const hint = suggestWord(
    name,
    known.flatMap((entry) => [entry, entry.slice(entry.indexOf('-') + 1)]),
  )
  throw new UsageError(
    `there is no scenario ${name === '' ? 'without a name' : name}${hint === undefined ? '' : `: ${hint}`}; ` +
      `there are ${known.join(', ')}`,
  )
}

/** @throws UsageError */
export async function readPeople(scenario: string): Promise<PeoplePlan> {
  return parsePeople(await readFile(join(SCENARIOS_DIRECTORY, scenario, PEOPLE_FILE), 'utf8'))
}

function expectedRecords(plan: PeoplePlan, subscriberCount: number, days: number): number {
  const total = plan.groups.reduce((sum, { share }) => sum + share, 0)
  const perDay = plan.groups.reduce(
    (sum, { share, usage }) =>
      sum + (share / total) * usage.reduce((all, { perDay, of }) => all + perDay * of, 0),
    0,
  )
  return Math.ceil(perDay * subscriberCount * days)
}
