/**
 * `npm run policy [-- --cases N] [--seed S] [--jobs J] [--without FEATURE,…] [--json]`: random
 * policies and histories through the machine and the naive model. The first case in which they
 * differ, or that breaks a rule, ends the run and is printed; `--case SEED` prints one alone. Exit
 * code 1.
 */

import { fork } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { explainCase } from './explain-case.ts'
import { featuresWithout } from './features.ts'
import { PolicyFailure, runCase } from './run-case.ts'
import { addTally, emptyTally, mergeTallies, type RunTally, tallyLines } from './tally.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '20261122' },
    jobs: { type: 'string', default: '1' },
    without: { type: 'string', default: '' },
    case: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const without = values.without.split(',').filter((name) => name !== '')
const features = featuresWithout(without)

if (values.case !== undefined) showCase(Number(values.case))
else if (process.send !== undefined) await runShare()
else await runAll()

function showCase(seed: number): void {
  const { lines, isSame } = explainCase(seed, features)
  console.log(lines.join('\n'))
  if (!isSame) process.exitCode = 1
}

/** A child process: every nth seed, and its tally to the parent. */
async function runShare(): Promise<void> {
  const [first = 0, cases = 0, step = 1] = (process.env.POLICY_SHARE ?? '').split(' ').map(Number)
  const tally = emptyTally()
  let saidAt = performance.now()
  for (let seed = first; seed < first + cases * step; seed += step) {
    try {
      addTally(tally, runCase(seed, features))
    } catch (error) {
      const message = error instanceof PolicyFailure ? error.message : String(error)
      process.send!({ seed, message })
      process.disconnect()
      return
    }
    if (performance.now() - saidAt < 1_000) continue
    saidAt = performance.now()
    process.send!({ done: tally.cases })
    await setImmediate()
    if (!process.connected) return
  }
  process.send!({ tally })
  process.disconnect()
}

async function runAll(): Promise<void> {
  const [cases, seed, jobs] = [Number(values.cases), Number(values.seed), Number(values.jobs)]
  console.error(`seeds ${seed} to ${seed + cases - 1} (--seed chooses others)`)
  const startedAt = performance.now()
  const done = new Map<number, number>()
  const stop = new AbortController()
  let saidAt = startedAt
  const say = (job: number, count: number): void => {
    done.set(job, count)
    if (performance.now() - saidAt < 5_000) return
    saidAt = performance.now()
    const sum = [...done.values()].reduce((total, each) => total + each, 0)
    console.error(`  ${sum.toLocaleString('en')} of ${cases.toLocaleString('en')}`)
  }
  const shares = Array.from({ length: jobs }, (_, job) => {
    const count = Math.floor((cases - job + jobs - 1) / jobs)
    return runJob(`${seed + job} ${count} ${jobs}`, (count) => say(job, count), stop)
  })
  const outcomes = await Promise.all(shares)
  const failed = outcomes.flatMap((outcome) => ('tally' in outcome ? [] : [outcome]))
  const tally = mergeTallies(
    outcomes.flatMap((outcome) => ('tally' in outcome ? [outcome.tally] : [])),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  if (values.json) console.log(JSON.stringify({ seed, seconds, ...tally, failed }))
  else console.log(tallyLines(tally, seconds).join('\n'))
  const [first] = failed.sort((left, right) => left.seed - right.seed)
  if (first === undefined) return
  console.error(`case ${first.seed}: ${first.message}`)
  showCase(first.seed)
  process.exitCode = 1
}

type Outcome = { readonly tally: RunTally } | { readonly seed: number; readonly message: string }

/** One child process; after the first failure of any the others are ended. */
async function runJob(
  share: string,
  say: (done: number) => void,
  stop: AbortController,
): Promise<Outcome> {
  const outcome = await outcomeOf(share, say, stop)
  if (!('tally' in outcome)) stop.abort()
  return outcome
}

function outcomeOf(
  share: string,
  say: (done: number) => void,
  stop: AbortController,
): Promise<Outcome> {
  const args = ['--without', without.join(',')]
  const child = fork(import.meta.filename, args, {
    // A machine allocates its tables in large segments: with these they come from fresh zero pages,
    // and do not cost a collection each.
    env: { MALLOC_MMAP_THRESHOLD_: '1048576', ...process.env, POLICY_SHARE: share },
    execArgv: [...process.execArgv, '--external-memory-accounted-in-global-limit'],
  })
  return new Promise((resolve, reject) => {
    child.on('message', (message: Outcome | { readonly done: number }) => {
      if ('done' in message) say(message.done)
      else resolve(message)
    })
    stop.signal.addEventListener('abort', () => child.kill())
    child.on('error', reject)
    child.on('exit', (code) => {
      if (stop.signal.aborted) resolve({ tally: emptyTally() })
      else reject(new Error(`a job ended with code ${code}`))
    })
  })
}
