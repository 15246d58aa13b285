/** The input and the answers as files, for engines that are no part of this process. */

import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { say } from '../report.ts'
import {
  DAY_BYTES_MIN,
  InputLog,
  type InputShape,
  KIND_COUNTED,
  MONTH_BYTES_MIN,
  RAT_COUNTED,
  SUBSCRIBER_FIRST,
  seedSubscribers,
  ZONE,
  ZONE_OFFSET_MS,
} from './input.ts'
import { difference, type Firings, Reference } from './reference.ts'

/** Writes the input and the expected answer into a folder, see input.ts. */
export async function writeInput(directory: string, shape: InputShape): Promise<void> {
  const log = new InputLog(shape)
  await writeSetup(directory, log)
  const reference = new Reference(shape.subscribers)
  const columns = new Columns(directory)
  for (let block = log.next(); block !== null; block = log.next()) {
    reference.apply(block)
    await columns.append('subscribers.f64', block.subscribers)
    await columns.append('bytes.f64', block.usageBytes)
    await columns.append('timesMs.f64', block.timesMs)
    await columns.append('rats.u8', block.rats)
    await columns.append('kinds.u8', block.kinds)
  }
  await columns.close()
  await writeExpected(directory, reference.firings)
  const { length } = reference.firings.keys
  say(`${log.total} records, ${log.fill} of them fill, ${length} firings in ${directory}`)
}

/**
 * Writes what engines know beforehand, `input.properties` and `seeds.f64`; makes the folder.
 * @param partitionRecords records of each partition, where the log is no file but several streams
 */
export async function writeSetup(
  directory: string,
  log: InputLog,
  partitionRecords: readonly number[] = [log.total],
): Promise<void> {
  await mkdir(directory, { recursive: true })
  const { subscribers, seed } = log.shape
  const seeds = seedSubscribers(subscribers)
  const properties = {
    records: log.total,
    partitionRecords: partitionRecords.join(','),
    fill: log.fill,
    subscribers,
    subscriberFirst: SUBSCRIBER_FIRST,
    seeds: seeds.length,
    seed,
    zone: ZONE,
    zoneOffsetMs: ZONE_OFFSET_MS,
    kind: KIND_COUNTED,
    rat: RAT_COUNTED,
    dayBytesMin: DAY_BYTES_MIN,
    monthBytesMin: MONTH_BYTES_MIN,
  }
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
  await writeFile(join(directory, 'input.properties'), lines.join(''))
  await writeFile(join(directory, 'seeds.f64'), seeds)
}

/** Writes `expected.txt`, the answer to the whole log. */
export async function writeExpected(directory: string, firings: Firings): Promise<void> {
  const { keys, records } = firings
  const lines = keys.map((key, i) => `${key} ${records[i]}\n`)
  await writeFile(join(directory, 'expected.txt'), lines.join(''))
}

/**
 * Compares each `NAME.answer` of a folder with what is expected; false when one differs.
 * @param tell takes a line about each
 */
export async function checkAnswers(
  directory: string,
  tell: (line: string) => void = console.log,
): Promise<boolean> {
  const expected = (await linesOf(join(directory, 'expected.txt'))).map((line) => line.split(' '))
  const answers = (await readdir(directory)).filter((file) => file.endsWith('.answer')).sort()
  if (answers.length === 0) throw new Error(`no NAME.answer in ${directory}`)
  let areEqual = true
  for (const file of answers) {
    const [head = '', ...lines] = await linesOf(join(directory, file))
    const seen = /^# records (\d+(?: \d+)*)$/.exec(head)?.[1]?.split(' ').map(Number)
    if (seen === undefined) throw new Error(`${file} does not begin with "# records K"`)
    const wanted = expected.filter(
      ([subscriber, , record]) => Number(record) < seen[Number(subscriber) % seen.length]!,
    )
    const keys = new Set(wanted.map(([subscriber, period]) => `${subscriber} ${period}`))
    const found = new Set(lines)
    const different =
      difference(keys, found) ??
      (found.size === lines.length ? null : `${lines.length - found.size} lines stand twice`)
    const outcome = different ?? `all ${keys.size} firings`
    tell(`${file} (${seen.join(' and ')} records): ${outcome}`)
    areEqual &&= different === null
  }
  return areEqual
}

async function linesOf(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
}

/** Files that grow column by column. */
class Columns {
  readonly #directory: string
  readonly #files = new Map<string, WriteStream>()

  constructor(directory: string) {
    this.#directory = directory
  }

  async append(name: string, values: Float64Array | Uint8Array): Promise<void> {
    let file = this.#files.get(name)
    if (file === undefined) {
      file = createWriteStream(join(this.#directory, name), { highWaterMark: 1 << 20 })
      this.#files.set(name, file)
    }
    // A copy: the block is filled anew while the bytes still wait.
    const bytes = Buffer.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    if (!file.write(bytes)) await once(file, 'drain')
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) {
      file.end()
      await once(file, 'finish')
    }
  }
}
