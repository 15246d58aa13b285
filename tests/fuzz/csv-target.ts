/**
 * Exports in CSV: bytes damaged before they are lines, lines before they are fields, fields before
 * they are a record. A line is refused with a reason or becomes a record that the wire allows, and
 * no bad line costs another one.
 */

import { CsvRecordReader } from '../../src/probe/csv-record.ts'
import { splitLine } from '../../src/probe/csv-line.ts'
import { readLines } from '../../src/probe/csv-lines.ts'
import { findColumns, parseCsvMapping } from '../../src/probe/csv-map.ts'
import { createTimeParser } from '../../src/probe/csv-time.ts'
import { Random } from '../support/workload/random.ts'
import { mutate } from '../unit/decode/wire-cases.ts'
import { type FuzzTarget, FuzzTally, hold } from './target.ts'

const HEADER = ['msisdn', 'up', 'down', 'start', 'rat', 'app', 'cell', 'kind']
const MAPPING = 'sub=msisdn,bytes=up+down,time=start,rat=rat,app=app,cell=cell,kind=kind'
const LINES_PER_CASE = 20
const APPS = new Map([['wechat', 2]])

const FIELDS = [
  ...[
    '13800000001',
    '+8613800000001',
    '',
    ' ',
    '-1',
    '1e3',
    '0x10',
    '999999999999999',
    'NaN',
    '1.5',
  ],
  ...[
    '4g',
    'LTE',
    'unknown',
    'data',
    'wechat',
    '9'.repeat(40),
    '1,5',
    '"',
    '""',
    '"a"b',
    '\t',
    '\u0000',
  ],
  ...[
    '2026-11-21T10:00:00Z',
    '2026-11-21 10:00:00',
    '24:10',
    '1795000000',
    '2026-02-30T00:00Z',
    '金',
  ],
  ...['1E+06', '__proto__', "'; DROP", '=1+1', '\ufeff1', '\u2028', '１２３'],
]

/** Lines of CSV through the reader of exports. */
export const csvTarget: FuzzTarget = {
  name: 'csv',
  rule: 'a line is a record within its bounds or a refusal, and costs no other line',
  cases: 200_000,
  async run({ seed, cases, say }) {
    const random = new Random(seed)
    const tally = new FuzzTally()
    const { positions } = findColumns(parseCsvMapping(MAPPING), HEADER)
    const reader = new CsvRecordReader(positions, createTimeParser('auto', 'Asia/Shanghai'), APPS)
    const columns = makeColumns()
    while (tally.cases < cases) {
      if (tally.cases % 10_000 < LINES_PER_CASE) say(tally.cases)
      const sound = Array.from({ length: LINES_PER_CASE }, () => makeLine(random))
      const isDamaged = random.chance(0.5)
      const text = Buffer.from(`${sound.join('\n')}\n`)
      const next = (): number => random.whole(0, 2 ** 31)
      const lines = await linesOf(isDamaged ? mutate(text, next) : text, random)
      if (!isDamaged) hold(lines.length === sound.length, 'every line arrives')
      for (const line of lines) {
        tally.attempt(
          () => {
            const fields = line === null ? null : splitLine(line, ',')
            if (fields === null) throw new Refused('unreadable-line')
            const refusal = reader.read(fields, columns, 0)
            if (refusal !== null) throw new Refused(refusal)
            checkRecord(columns)
          },
          (error) => (error instanceof Refused ? error.message : null),
          () => JSON.stringify(line),
        )
      }
    }
    return tally
  },
}

class Refused extends Error {}

function makeColumns() {
  return {
    subscribers: new Float64Array(1),
    usageBytes: new Float64Array(1),
    timesMs: new Float64Array(1),
    rats: new Uint8Array(1),
    apps: new Uint16Array(1),
    cells: new Uint32Array(1),
    kinds: new Uint8Array(1),
  }
}

function makeLine(random: Random): string {
  const time = String(1_795_000_000 + random.whole(0, 1_000_000))
  const bytes = (): string => String(random.whole(0, 10 ** 9))
  const sound = ['13800000001', bytes(), bytes(), time, '4g', 'wechat', '77', 'data']
  const fields = sound.map((field) => (random.chance(0.06) ? random.pick(FIELDS) : field))
  if (random.chance(0.03)) fields.splice(random.whole(0, 7), random.whole(1, 3))
  return fields
    .map((field) => (/[",]/.test(field) && random.chance(0.8) ? quoted(field) : field))
    .join(',')
    .replaceAll('\n', ' ')
}

function quoted(field: string): string {
  return `"${field.replaceAll('"', '""')}"`
}

/** The bytes as lines, in chunks cut anywhere. */
async function linesOf(bytes: Uint8Array, random: Random): Promise<(string | null)[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; ) {
      const size = random.whole(1, 400)
      yield bytes.subarray(at, at + size)
      at += size
    }
  }
  const lines: (string | null)[] = []
  for await (const some of readLines(chunks())) lines.push(...some)
  return lines
}

function checkRecord(columns: ReturnType<typeof makeColumns>): void {
  const [subscriber, bytes, time] = [
    columns.subscribers[0]!,
    columns.usageBytes[0]!,
    columns.timesMs[0]!,
  ]
  hold(Number.isInteger(subscriber) && subscriber >= 1 && subscriber < 1e15, 'a subscriber')
  hold(Number.isSafeInteger(bytes) && bytes >= 0, 'usage')
  hold(Number.isInteger(time) && Math.abs(time) <= 8.64e15, 'a time')
  hold(columns.rats[0]! <= 10 && columns.kinds[0]! <= 5, 'codes')
}
