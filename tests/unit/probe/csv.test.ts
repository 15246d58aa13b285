import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { BrokerUnavailableError, UsageError } from '../../../src/errors.ts'
import {
  type CsvHooks,
  type CsvOptions,
  publishCsv,
  publishCsvFile,
} from '../../../src/probe/csv.ts'
import { parseCsvMapping } from '../../../src/probe/csv-map.ts'
import { CollectingWriter, decodeAll, virtualHooks } from './collecting-writer.ts'

const options: CsvOptions = { partitionCount: 2, zone: 'UTC' }
const TIME_MS = Date.parse('2026-11-21T10:00:00Z')

async function* chunksOf(content: string | Uint8Array, chunkSize = 1_000) {
  const bytes = Buffer.from(content as string)
  for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize)
}

async function publish(
  content: string | Uint8Array,
  map = 'sub=sub,bytes=bytes,time=time',
  changes: Partial<CsvOptions> = {},
  hooks: CsvHooks = virtualHooks(0),
) {
  const writer = new CollectingWriter()
  const mapping = parseCsvMapping(map)
  const summary = await publishCsv(
    chunksOf(content),
    mapping,
    { ...options, ...changes },
    writer,
    hooks,
  )
  const records = decodeAll(writer.published, 2)
  return { summary, writer, records, values: records.map((record) => record.values) }
}

const SIMPLE = 'sub,bytes,time\n2,100,2026-11-21 10:00:00\n3,200,2026-11-21 10:00:00\n'
const SIMPLE_VALUES = [
  [2, 100, TIME_MS, 0, 0, 0, 0],
  [3, 200, TIME_MS, 0, 0, 0, 0],
]

describe('a CSV becomes batches', () => {
  test.each([
    ['as it is', SIMPLE],
    ['with CRLF', SIMPLE.replaceAll('\n', '\r\n')],
    ['with a byte order mark', `\ufeff${SIMPLE}`],
    ['without a last line feed', SIMPLE.trimEnd()],
    ['with empty lines', SIMPLE.replaceAll('\n', '\n\n  \n')],
    ['with semicolons', SIMPLE.replaceAll(',', ';')],
    ['with tabs', SIMPLE.replaceAll(',', '\t')],
    ['with quotes', SIMPLE.replaceAll(/[^,\n]+/g, (field) => `"${field}"`)],
    ['with blanks around', SIMPLE.replaceAll(',', ' , ')],
    ['with a plus sign', SIMPLE.replace('2,100', '+2,100')],
    ['with another case in the header', SIMPLE.replace('sub,bytes,time', 'SUB,Bytes,TIME')],
    ['packed', gzipSync(SIMPLE)],
    [
      'packed in two members',
      Buffer.concat([gzipSync(SIMPLE.slice(0, 20)), gzipSync(SIMPLE.slice(20))]),
    ],
    ['in UTF-16', Buffer.from(`\ufeff${SIMPLE}`, 'utf16le')],
  ])('%s', async (_, content) => {
    const { values, summary } = await publish(content)
    expect(values).toEqual(SIMPLE_VALUES)
    expect(summary).toMatchObject({ lines: 2, records: 2, refused: 0, refusals: [] })
  })

  test('with columns in any order, summed, and words for codes', async () => {
    const content = [
      'start;"a,b";down;up;msisdn;site;tech;type',
      '1795000000;wechat;7;5;4;99;4G;data',
      '1795000001;3;;5;6;;nr;1',
      '1795000002;;7;;8;4294967295;10;',
    ].join('\n')
    const map = 'sub=msisdn,bytes=up+down,time=start,app="a,b",cell=site,rat=tech,kind=type'
    const { values } = await publish(content, map, { appWords: new Map([['wechat', 12]]) })
    expect(values).toEqual([
      [4, 12, 1_795_000_000_000, 6, 12, 99, 0],
      [6, 5, 1_795_000_001_000, 10, 3, 0, 1],
      [8, 7, 1_795_000_002_000, 10, 0, 4_294_967_295, 0],
    ])
  })

  test('with columns by number, with and without header', async () => {
    const map = 'sub=1,bytes=2,time=3'
    expect((await publish(SIMPLE, map)).values).toEqual(SIMPLE_VALUES)
    expect((await publish(SIMPLE.slice(SIMPLE.indexOf('\n') + 1), map)).values).toEqual(
      SIMPLE_VALUES,
    )
  })

  test('split by partition, in the order of the lines', async () => {
    const lines = Array.from({ length: 25_000 }, (_, i) => `${1 + i},${i},1795000000`)
    const { records, summary, writer } = await publish(`sub,bytes,time\n${lines.join('\n')}`)
    for (const partition of [0, 1]) {
      const own = records.filter((record) => record.partition === partition)
      expect(own.map((record) => record.values[1])).toEqual(
        Array.from({ length: 12_500 }, (_, i) => i * 2 + (partition === 0 ? 1 : 0)),
      )
      expect([...new Set(own.map((record) => record.seq))]).toEqual([0, 1])
    }
    expect(summary.batches).toBe(4)
    expect(writer.published).toHaveLength(4)
  })
})

describe('bad lines', () => {
  const bad: readonly [line: string, reason: string][] = [
    ['2,100', 'missing-column'],
    ['"2,100,1795000000,', 'bad-quotes'],
    [`2,100,1795000000,${'x'.repeat(70_000)}`, 'line-too-long'],
    ['0,100,1795000000,', 'bad-subscriber'],
    ['1234567890123456,100,1795000000,', 'bad-subscriber'],
    ['-2,100,1795000000,', 'bad-subscriber'],
    [',100,1795000000,', 'bad-subscriber'],
    ['2,-100,1795000000,', 'bad-bytes'],
    ['2,1.5,1795000000,', 'bad-bytes'],
    ['2,NaN,1795000000,', 'bad-bytes'],
    ['2,,1795000000,', 'bad-bytes'],
    ['2,0x10,1795000000,', 'bad-bytes'],
    ['2,9007199254740992,1795000000,', 'bad-bytes'],
    ['2,100,now,', 'bad-time'],
    ['2,100,1795000000,6G', 'bad-rat'],
    ['2,100,1795000000,11', 'bad-rat'],
    ['2,100,1795000000,,65536', 'bad-app'],
    ['2,100,1795000000,,,4294967296', 'bad-cell'],
    ['2,100,1795000000,,,,fax', 'bad-kind'],
  ]
  const map = 'sub=sub,bytes=bytes,time=time,rat=rat,app=app,cell=cell,kind=kind'
  /** Fills a line up to seven columns, unless it is short on purpose. */
  const row = (line: string) => {
    const missing = 6 - (line.match(/,/g)?.length ?? 0)
    return line === '2,100' ? line : line + ','.repeat(Math.max(0, missing))
  }

  test.each(bad)('%.40s is refused as %s, and costs nobody else', async (line, reason) => {
    const content = `sub,bytes,time,rat,app,cell,kind\n${row('4,1,1795000000')}\n${row(line)}\n${row('6,1,1795000000')}\n`
    const refused: unknown[] = []
    const hooks = { ...virtualHooks(0), onRefused: (...given: unknown[]) => refused.push(given) }
    const { summary, values } = await publish(content, map, {}, hooks)
    expect(values.map(([subscriber]) => subscriber)).toEqual([4, 6])
    expect(summary.refusals).toEqual([{ reason, count: 1, firstLines: [3] }])
    expect(refused).toEqual([[3, reason, reason === 'line-too-long' ? null : row(line)]])
  })

  test('are counted by reason with the first few line numbers, and no number of a subscriber', async () => {
    const lines = Array.from(
      { length: 20 },
      (_, i) => `13800000000,${i % 2 === 0 ? -1 : 1},1795000000`,
    )
    const { summary } = await publish(`sub,bytes,time\n${lines.join('\n')}`)
    expect(summary).toMatchObject({ lines: 20, records: 10, refused: 10 })
    expect(summary.refusals).toEqual([
      { reason: 'bad-bytes', count: 10, firstLines: [2, 4, 6, 8, 10] },
    ])
    expect(JSON.stringify(summary)).not.toContain('138000')
  })

  test('of wall-clock times are refused when no zone is given', async () => {
    const { summary } = await publish(SIMPLE, undefined, { zone: null })
    expect(summary.refusals).toEqual([
      { reason: 'time-without-zone', count: 2, firstLines: [2, 3] },
    ])
  })
})

describe('publishing again', () => {
  test('makes the same messages, however the content is cut into chunks', async () => {
    const first = await publish(SIMPLE)
    const writer = new CollectingWriter()
    const mapping = parseCsvMapping('time=time,sub=sub,bytes=bytes')
    await publishCsv(chunksOf(SIMPLE, 3), mapping, options, writer, virtualHooks(5_000))
    expect(writer.digest()).toBe(first.writer.digest())
  })

  test('other content, another mapping, zone or partition count never passes for the same', async () => {
    const probes = await Promise.all([
      publish(SIMPLE),
      publish(SIMPLE.replace('200', '201')),
      publish(SIMPLE, 'sub=sub,bytes=sub,time=time'),
      publish(SIMPLE, undefined, { zone: 'Asia/Shanghai' }),
      publish(SIMPLE, undefined, { timeFormat: 'YYYY-MM-DD HH:mm:ss' }),
      publish(SIMPLE, undefined, { probe: 'other' }),
    ])
    const names = probes.map(({ summary }) => summary.probe)
    expect(new Set(names).size).toBe(names.length)
    expect(names.every((name) => /^(csv|other)-[0-9a-f]{16}$/.test(name))).toBe(true)
  })

  test('under a given epoch bears that epoch and the name as it is', async () => {
    const { summary, records } = await publish(SIMPLE, undefined, { probe: 'cdr', epoch: 42 })
    expect(summary).toMatchObject({ probe: 'cdr', epoch: 42 })
    expect(records[0]).toMatchObject({ probe: 'cdr', epoch: 42, seq: 0 })
  })

  test('of a batch that failed sends the same batch', async () => {
    const content = `sub,bytes,time\n${Array.from({ length: 30_000 }, (_, i) => `${i + 1},1,1795000000`).join('\n')}`
    const whole = await publish(content)
    const writer = new CollectingWriter()
    let calls = 0
    writer.before = async () => {
      if (++calls % 2 === 1) throw new BrokerUnavailableError('no answer')
    }
    const mapping = parseCsvMapping('sub=sub,bytes=bytes,time=time')
    const summary = await publishCsv(chunksOf(content), mapping, options, writer, virtualHooks(0))
    expect(summary.retries).toBeGreaterThan(0)
    const texts = (from: CollectingWriter) =>
      from.published.map(({ data }) => Buffer.from(data).toString('hex')).sort()
    expect(texts(writer)).toEqual(texts(whole.writer))
  })
})

describe('a file', () => {
  async function inFolder(action: (folder: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'highwater-csv-'))
    try {
      await action(folder)
    } finally {
      await rm(folder, { recursive: true })
    }
  }
  const mapping = parseCsvMapping('sub=sub,bytes=bytes,time=time')

  test('is known by its whole content, not by its name', () =>
    inFolder(async (folder) => {
      // The contents differ beyond the first MiB only.
      const long = `${SIMPLE}${'4,1,1795000000\n'.repeat(100_000)}`
      const names = ['a.csv', 'b.csv', 'c.csv']
      await writeFile(join(folder, 'a.csv'), long)
      await writeFile(join(folder, 'b.csv'), long)
      await writeFile(join(folder, 'c.csv'), `${long.slice(0, -2)}1\n`)
      const probes: string[] = []
      for (const name of names) {
        const file = { ...options, path: join(folder, name) }
        const summary = await publishCsvFile(mapping, file, new CollectingWriter(), virtualHooks(0))
        expect(summary.records).toBe(100_002)
        probes.push(summary.probe)
      }
      expect(probes[0]).toBe(probes[1])
      expect(probes[0]).not.toBe(probes[2])
    }))

  test('has its refused lines written to another file', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.csv')
      const refusedPath = join(folder, 'refused.csv')
      await writeFile(path, `${SIMPLE}5,x,1795000000\n`)
      await publishCsvFile(
        mapping,
        { ...options, path, refusedPath },
        new CollectingWriter(),
        virtualHooks(0),
      )
      expect(await readFile(refusedPath, 'utf8')).toBe(
        'line,reason,text\n4,bad-bytes,5,x,1795000000\n',
      )
    }))

  test('that cannot be read is a mistake of the caller', () =>
    inFolder(async (folder) => {
      const damaged = gzipSync(SIMPLE.repeat(100))
      await writeFile(join(folder, 'cut.csv.gz'), damaged.subarray(0, damaged.length - 20))
      await writeFile(join(folder, 'empty.csv'), '')
      for (const name of ['missing.csv', 'cut.csv.gz', 'empty.csv', '.']) {
        const file = { ...options, path: join(folder, name) }
        const publishing = publishCsvFile(mapping, file, new CollectingWriter(), virtualHooks(0))
        await expect(publishing).rejects.toThrow(UsageError)
      }
    }))
})

describe('a mapping', () => {
  test.each([
    ['sub=a,bytes=b', 'time missing'],
    ['sub=a,bytes=b,time=c,imei=d', 'no field imei'],
    ['sub=a,sub=b,bytes=c,time=d', 'given twice'],
    ['sub=a+b,bytes=c,time=d', 'summed for bytes only'],
    ['sub=,bytes=c,time=d', 'needs a column'],
    ['sub=a,bytes=b=c,time=d', 'needs a column'],
    ['sub=a,bytes=b,time="c', 'does not close'],
    ['', 'no field'],
  ])('%s is refused', (text, expected) => {
    expect(() => parseCsvMapping(text)).toThrow(expected)
    expect(() => parseCsvMapping(text)).toThrow(UsageError)
  })

  test.each([
    ['sub=msisdn,bytes=bytes,time=time', SIMPLE, 'no column msisdn; names: "sub", "bytes", "time"'],
    ['sub=sub,bytes=bytes,time=9', SIMPLE, 'beyond the 3 columns'],
    ['sub=sub,bytes=bytes,time=time', 'sub,time,bytes,time\n', 'has time twice'],
    ['sub=sub,bytes=bytes,time=time', '13800000000,1,1795000000\n', 'names: it has none'],
  ])('%s does not fit the header', async (map, content, expected) => {
    await expect(publish(content, map)).rejects.toThrow(expected)
  })
})
