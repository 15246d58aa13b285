/**
 * `npm run month`: scenario S1 as a whole virtual month, 2.5 million subscribers unless told
 * otherwise, equal to a naive model or not: exit code 1.
 */

import { parseArgs } from 'node:util'
import { createScreen, fullCount } from '../../src/commands/screen.ts'
import { reportLines } from '../../src/report/text.ts'
import { playMonth } from './month.ts'

const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '2500000' },
    days: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'maximum-segments': { type: 'string' },
  },
})
const screen = createScreen(process.stdout)
const whole = (text: string | undefined): number | null =>
  text === undefined ? null : Number(text)
const { subscribers, days, seed } = values
const { outcome, report, seeds, warnedDays, differences } = await playMonth(
  {
    subscriberCount: Number(subscribers),
    days: whole(days),
    seed: Number(seed),
    maximumSegments: whole(values['maximum-segments']),
  },
  screen,
)
const line = (name: string, text: string): void => screen.say(`  ${name.padEnd(20)}${text}`)
screen.say('')
screen.say(`S1, ${fullCount(Number(subscribers))} subscribers, seed ${seed}`)
line('usage records', fullCount(outcome.records))
line('wall time', `${(outcome.wallMs / 1_000).toFixed(0)} s`)
line('seeds', `${fullCount(seeds.taken)} of ${fullCount(seeds.candidates)}`)
line(
  'manager reports',
  fullCount(outcome.said.filter(({ saying }) => saying.kind === 'publish').length),
)
line('warnings', warnedDays.join(', ') || 'none')
line('memory at most', `${fullCount(process.resourceUsage().maxRSS / 1_024)} MiB`)
screen.say('')
for (const text of reportLines(report)) screen.say(text)
screen.say('')
screen.say(differences.length === 0 ? 'Equal to the naive model.' : 'UNLIKE THE NAIVE MODEL:')
for (const difference of differences) screen.say(`  ${difference}`)
process.exitCode = differences.length === 0 ? 0 : 1
