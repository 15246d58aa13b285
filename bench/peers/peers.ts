/**
 * `npm run bench -- peers`: Highwater and the obvious alternatives, on one stored JetStream stream,
 * in one run. All fill their state from it, one record per subscriber, without being measured. Then
 * come rounds: the log grows, and one engine after the other takes its part while the rest is idle.
 * Peers are slower and take fewer records of the same log, from its first on; each one's answer is
 * compared, as a set, with that of a plain in-memory reference to as many records, and for
 * Highwater to all of them. A difference fails the bench. Input and answers: input.ts.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchOptions, type BenchResult, comparedWith, figure, say } from '../report.ts'
import type { Engine } from './engine.ts'
import { checkAnswers, writeInput } from './files.ts'
import { HighwaterEngine } from './highwater.ts'
import { BATCH_RECORDS, InputLog } from './input.ts'
import { startLmdbWorker } from './lmdb-worker.ts'
import { startRedisRule } from './redis-rule.ts'
import { difference } from './reference.ts'
import { StoredLog } from './stored-log.ts'

/** Seed of the input. */
export const SEED = 20261122
const ROUNDS = 5

/** One engine in the run; it takes one record of the log where Highwater takes `share`. */
interface Contender {
  readonly engine: Engine
  readonly share: number
  readonly rates: number[]
}

/** Runs the bench; with `write` or `check` it only deals with files, see input.ts. */
export async function runPeers(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, records, write, check } = options
  const shape = { seed: SEED, subscribers, records }
  if (write !== undefined) await writeInput(write, shape)
  if (check !== undefined && !(await checkAnswers(check))) process.exitCode = 1
  if (write !== undefined || check !== undefined) return []
  say(`seed ${SEED}, ${subscribers} subscribers, ${records} records in ${ROUNDS} rounds`)
  const directory = await mkdtemp(join(tmpdir(), 'highwater-bench-peers-'))
  const stored = await StoredLog.start(new InputLog(shape))
  const contenders: Contender[] = []
  try {
    const { connection } = stored.rig
    const enter = (engine: Engine, share: number): void => {
      contenders.push({ engine, share, rates: [] })
      say(`${engine.name}: ${engine.settings}`)
    }
    say(`nats-server ${connection.info?.version}, Node ${process.version}`)
    enter(new HighwaterEngine(stored.rig), 1)
    enter(await startRedisRule(connection, directory, subscribers), 8)
    enter(await startLmdbWorker(connection, directory, subscribers), 32)
    await measure(stored, contenders)
    return await compare(stored, contenders)
  } finally {
    for (const { engine } of contenders) await engine.stop()
    await stored.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

async function measure(stored: StoredLog, contenders: readonly Contender[]): Promise<void> {
  const { fill, shape } = stored.log
  await stored.append(fill)
  for (const { engine } of contenders) {
    const tookMs = await engine.advance(fill)
    say(`${engine.name}: ${fill} records of fill in ${(tookMs / 1_000).toFixed(1)} s`)
  }
  for (let round = 1; round <= ROUNDS; round++) {
    await stored.append(fill + partOf(shape.records, 1, round))
    for (const { engine, share, rates } of contenders) {
      const until = partOf(shape.records, share, round)
      const tookMs = await engine.advance(fill + until)
      rates.push(((until - partOf(shape.records, share, round - 1)) * 1_000) / tookMs)
    }
    const found = contenders.map(
      ({ engine, rates }) => `${engine.name} ${inThousands(rates.at(-1)!)}`,
    )
    say(`round ${round} of ${ROUNDS}, thousand records/s: ${found.join(', ')}`)
  }
}

/** Records after the fill that an engine has taken by the end of a round, in whole batches. */
function partOf(records: number, share: number, round: number): number {
  const part = (records * round) / (share * ROUNDS)
  return Math.ceil(part / BATCH_RECORDS) * BATCH_RECORDS
}

/** @throws when an answer differs from the reference's */
async function compare(
  stored: StoredLog,
  contenders: readonly Contender[],
): Promise<BenchResult[]> {
  const { fill, shape } = stored.log
  const results: BenchResult[] = []
  const [first] = contenders
  const own = figure('peers', `peers.${first!.engine.name}`, first!.rates, 'records/s')
  for (const { engine, share, rates } of contenders) {
    const expected = stored.firings.upTo(fill + partOf(shape.records, share, ROUNDS))
    const different = difference(expected, await engine.firings())
    if (different !== null) throw new Error(`the answer of ${engine.name} is wrong: ${different}`)
    const metric = `peers.${engine.name}`
    const rate = figure('peers', metric, rates, 'records/s')
    results.push(rate)
    results.push(figure('peers', `${metric}_firings`, expected.size, 'deliveries'))
    if (metric === own.metric) continue
    results.push({ ...own, ...comparedWith(own.value, metric, rate.value) })
  }
  return results
}

function inThousands(rate: number): string {
  return (rate / 1_000).toFixed(rate < 100_000 ? 1 : 0)
}
