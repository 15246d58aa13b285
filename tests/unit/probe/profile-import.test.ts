import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { decodeProfile } from '../../../src/decode/messages.ts'
import { BrokerUnavailableError, UsageError } from '../../../src/errors.ts'
import type { ProfileRow } from '../../../src/model/messages.ts'
import { ProfileBatcher } from '../../../src/probe/profile-batcher.ts'
import type { ProfileDeclarations } from '../../../src/probe/profile-columns.ts'
import {
  importFrom,
  type ImportOptions,
  importProfiles,
} from '../../../src/probe/profile-import.ts'
import { CollectingWriter, virtualHooks } from './collecting-writer.ts'

const DECLARATIONS: ProfileDeclarations = {
  tags: [
    { name: 'vip', versioned: false },
    { name: 'seed', versioned: true },
    { name: 'twin', versioned: false },
  ],
  fields: [
    { name: 'plan', type: 'enum', words: ['basic', 'gold', 'platinum'] },
    { name: 'spend', type: 'number', words: [] },
    { name: 'born', type: 'date', words: [] },
    { name: 'roaming', type: 'bool', words: [] },
    { name: 'twin', type: 'number', words: [] },
  ],
}
const OPTIONS: ImportOptions = {
  declarations: DECLARATIONS,
  partitionCount: 2,
  map: null,
  isDeleting: false,
  delimiter: null,
  empty: 'keep',
  dateFormat: 'auto',
  source: 'import',
  epoch: null,
  rowsPerSecond: null,
  stopAfter: null,
}

async function* chunksOf(content: string | Uint8Array, chunkSize = 1_000) {
  const bytes = Buffer.from(content as string)
  for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize)
}

/** Imports a text; rows come back through the engine's decoder, and bad lines as text. */
async function run(
  content: string | Uint8Array,
  changes: Partial<ImportOptions> = {},
  writer = new CollectingWriter(),
) {
  const rejected: string[] = []
  const hooks = {
    ...virtualHooks(0),
    onRejected: (line: number, { column, reason, detail }: Rejection) =>
      rejected.push(`${line} ${column?.title ?? '-'} ${reason}: ${detail}`),
  }
  const source = { stream: chunksOf(content), identity: null }
  const options = { ...OPTIONS, ...changes }
  const summary = await importFrom(source, options, writer, hooks)
  const batches = writer.published.map(({ subject, data }) => {
    const [, partition, name] = subject.split('.')
    return decodeProfile(data, name!, Number(partition), options.partitionCount)
  })
  return { summary, writer, batches, rows: batches.flatMap(({ rows }) => rows), rejected }
}

interface Rejection {
  readonly column: { readonly title: string } | null
  readonly reason: string
  readonly detail: string
}

const NONE = { tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
const rowOf = (subscriber: number, change: Partial<ProfileRow>) => ({
  subscriber,
  ...NONE,
  ...change,
})

describe('a CSV becomes profile rows', () => {
  const SIMPLE = 'sub,vip,plan\n2,yes,gold\n4,no,basic\n'
  const EXPECTED = [
    rowOf(2, { tags: { vip: true }, fields: { plan: 'gold' } }),
    rowOf(4, { tags: { vip: false }, fields: { plan: 'basic' } }),
  ]

  test.each([
    ['as it is', SIMPLE],
    ['with CRLF and empty lines', SIMPLE.replaceAll('\n', '\r\n\r\n')],
    ['with semicolons', SIMPLE.replaceAll(',', ';')],
    ['with tabs', SIMPLE.replaceAll(',', '\t')],
    ['with quotes', SIMPLE.replaceAll(/[^,\n]+/g, (field) => `"${field}"`)],
    ['with blanks around', SIMPLE.replaceAll(',', ' , ')],
    ['with whole names', SIMPLE.replace('vip,plan', 'tags.vip,fields.plan')],
    ['with a delimiter at the end of lines', SIMPLE.replaceAll('\n', ',\n')],
    ['with a delimiter at the end of the header', SIMPLE.replace('\n', ',\n')],
    ['packed', gzipSync(SIMPLE)],
  ])('%s', async (_, content) => {
    const { rows, summary } = await run(content)
    expect(rows).toEqual(EXPECTED)
    expect(summary).toMatchObject({ lines: 2, rows: 2, rejected: 0, reasons: {} })
  })

  test('by a map of names and numbers, and nothing else then', async () => {
    const content = 'msisdn;stufe;vip\n2;gold;1\n'
    const { rows, summary } = await run(content, { map: 'sub=msisdn,plan=2' })
    expect(rows).toEqual([rowOf(2, { fields: { plan: 'gold' } })])
    expect(summary.ignoredColumns).toEqual(['vip'])
    const byName = await run(content, { map: 'sub=msisdn' })
    expect(byName.rows).toEqual([rowOf(2, { tags: { vip: true } })])
  })

  test('without a header, by numbers', async () => {
    const { rows } = await run('2,gold\n4,basic\n', { map: 'sub=1,fields.plan=2' })
    expect(rows.map(({ fields }) => fields.plan)).toEqual(['gold', 'basic'])
  })

  test('of every type', async () => {
    const content =
      'sub,seed,spend,born,roaming,lists.black,optOut,zone,cycle_day\n' +
      '+2,202611,-1.5e3,1964-02-29,OFF,y,0,Europe/Berlin,31\n'
    expect((await run(content)).rows).toEqual([
      rowOf(2, {
        tags: { seed: 202_611 },
        fields: { spend: -1_500, born: '1964-02-29', roaming: false },
        lists: { black: true, optOut: false },
        zone: 'Europe/Berlin',
        cycleDay: 31,
      }),
    ])
  })

  test.each([
    ['auto', ['2026-11-09', '2026/11/09', '2026.11.09', '20261109', '2026-11-09 00:00:00.000']],
    ['DD.MM.YYYY', ['09.11.2026']],
    ['DD/MM/YYYY', ['09/11/2026', '09/11/2026 00:00']],
    ['DD-MM-YYYY', ['09-11-2026']],
    ['MM/DD/YYYY', ['11/09/2026']],
  ] as const)('with dates as %s says', async (dateFormat, texts) => {
    const content = `sub,born\n${texts.map((text) => `2,${text}\n`).join('')}`
    const { rows, rejected } = await run(content, { dateFormat })
    expect(rejected).toEqual([])
    expect(rows.map(({ fields }) => fields.born)).toEqual(texts.map(() => '2026-11-09'))
  })

  test('in which empty cells change nothing, or clear all but an opt-out', async () => {
    const content = 'sub,vip,plan,black,optOut,zone,cycleDay\n2,,,,,,\n4,,gold,,,,\n'
    const kept = await run(content)
    expect(kept.rows).toEqual([rowOf(4, { fields: { plan: 'gold' } })])
    expect(kept.summary).toMatchObject({ lines: 2, rows: 1, silent: 1 })
    const cleared = await run(content, { empty: 'clear' })
    const nothing = { tags: { vip: null }, lists: { black: false }, zone: null, cycleDay: 1 }
    expect(cleared.rows).toEqual([
      rowOf(2, { ...nothing, fields: { plan: null } }),
      rowOf(4, { ...nothing, fields: { plan: 'gold' } }),
    ])
  })

  test.each([
    ['msisdn\n2\n4\n', null],
    ['2\n4\n', null],
    ['sub,vip\n2,1\n4,0\n', null],
    ['name,msisdn\nx,2\ny,4\n', 'sub=msisdn'],
  ])('that deletes: %j', async (content, map) => {
    const { rows } = await run(content, { isDeleting: true, map })
    expect(rows).toEqual([rowOf(2, { isDeletion: true }), rowOf(4, { isDeletion: true })])
  })
})

describe('a bad line is named and left out', () => {
  const bad: readonly [line: string, rejected: string][] = [
    ['2,1', '- missing-column: 2 columns, the first line has 7'],
    ['2,1,gold,1,1,,,x', '- extra-column: 8 columns, the first line has 7'],
    ['"2,1', '- bad-quotes: a quote does not close, or text follows one'],
    [`2,${'x'.repeat(70_000)}`, '- line-too-long: it is not kept'],
    ['x138,1,,,,,', 'sub bad-subscriber: a subscriber is a whole number of 1 to 15 digits'],
    ['0,1,,,,,', 'sub bad-subscriber: a subscriber is a whole number of 1 to 15 digits'],
    [
      '2,maybe,,,,,',
      'vip bad-bool: "maybe" is neither yes (true, y, t, on, 1) nor no (false, n, f, off, 0)',
    ],
    [
      '2,,plat1num,,,,',
      'plan unknown-word: "plat1num" is none of basic, gold, platinum (did you mean "platinum"?)',
    ],
    [
      '2,,Gold,,,,',
      'plan unknown-word: "Gold" is none of basic, gold, platinum (did you mean "gold"?)',
    ],
    [
      '2,,,"1,5",,,',
      'spend bad-number: "1,5" is no number like 1200, -3.5 or 1.2e6, with a point and no separators',
    ],
    [
      '2,,,0x10,,,',
      'spend bad-number: "0x10" is no number like 1200, -3.5 or 1.2e6, with a point and no separators',
    ],
    [
      '2,,,1e999,,,',
      'spend bad-number: "1e999" is no number like 1200, -3.5 or 1.2e6, with a point and no separators',
    ],
    ['2,,,,2026-02-30,,', 'born bad-date: "####-##-##": there is no such day'],
    [
      '2,,,,9.11.26,,',
      'born bad-date: "#.##.##" is no date like YYYY-MM-DD, YYYY/MM/DD, YYYY.MM.DD or YYYYMMDD; others by --date-format',
    ],
    ['2,,,,,Mars/Base,', 'zone unknown-zone: "Mars/Base" is no time zone like Asia/Shanghai'],
    ['2,,,,,,32', 'cycleDay bad-cycle-day: "32" is no day of the month, 1 to 31'],
    [
      '2,+86 138 0013 8000,,,,,',
      'vip bad-bool: "+## ### #### ####" is neither yes (true, y, t, on, 1) nor no (false, n, f, off, 0)',
    ],
  ]

  test.each(bad)('%s', async (line, expected) => {
    const content = `sub,vip,plan,spend,born,zone,cycleDay\n4,1,,,,,\n\n${line}\n6,0,,,,,\n`
    const { rows, rejected, summary } = await run(content)
    expect(rejected).toEqual([`4 ${expected}`])
    expect(rows.map(({ subscriber }) => subscriber)).toEqual([4, 6])
    expect(summary).toMatchObject({ lines: 3, rows: 2, rejected: 1, isStopped: false })
  })

  test('a version is whole, or a word for no', async () => {
    const { rows, rejected } = await run('sub,seed\n2,7\n2,no\n2,0\n2,yes\n2,1.5\n2,2147483648\n')
    expect(rows.map(({ tags }) => tags.seed)).toEqual([7, false, false])
    expect(rejected.map((each) => each.split(':')[0])).toEqual(
      [5, 6, 7].map((line) => `${line} seed bad-version`),
    )
  })

  test('so many of them end it; batches that are not full are left out', async () => {
    const lines = Array.from({ length: 1_500 }, (_, i) => `${2 * i + 2},1`)
    lines[1_200] = 'x,1'
    lines[1_300] = 'x,1'
    lines[1_400] = 'x,1'
    const { summary, batches } = await run(`sub,vip\n${lines.join('\n')}\n`, { stopAfter: 2 })
    expect(summary).toMatchObject({ isStopped: true, rejected: 2, lines: 1_301, rows: 1_000 })
    expect(batches).toHaveLength(2)
  })

  test('they go to a file with the header, to be mended and imported', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'highwater-import-'))
    try {
      const path = join(directory, 'crm.csv')
      const rejectsPath = join(directory, 'rejects.csv')
      await writeFile(path, 'sub;plan;spend\n2;gold;1\n4;golden;2\n6;basic;"1,5"\n')
      const options = { ...OPTIONS, path, rejectsPath }
      const summary = await importProfiles(options, new CollectingWriter(), virtualHooks(0))
      expect(summary).toMatchObject({ rows: 1, reasons: { 'unknown-word': 1, 'bad-number': 1 } })
      const rejects = await readFile(rejectsPath, 'utf8')
      expect(rejects.split('\n')).toEqual([
        'reject_line;reject_column;reject_reason;sub;plan;spend',
        '3;plan;"unknown-word: ""golden"" is none of basic, gold, platinum (did you mean ""gold""?)";4;golden;2',
        expect.stringMatching(/^4;spend;"bad-number: .*";6;basic;"1,5"$/),
        '',
      ])
      const mended = rejects.replace(';golden', ';gold').replace(/;"1,5"$/m, ';1.5')
      const { rows } = await run(mended)
      expect(rows.map(({ fields }) => fields)).toEqual([
        { plan: 'gold', spend: 2 },
        { plan: 'basic', spend: 1.5 },
      ])
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

describe('what cannot be meant is refused at once', () => {
  test.each<[string, string | null, string]>([
    ['msisdn,vip\n2,1\n', null, 'no column is called sub'],
    ['sub,name\n2,x\n', null, 'nothing to import'],
    ['sub,tags.vpi\n2,1\n', null, 'declares no tags.vpi (did you mean "tags.vip"?)'],
    ['sub,twin\n2,1\n', null, 'twin may be tags.twin or fields.twin'],
    ['sub,vip,tags.vip\n2,1,1\n', null, 'the columns vip and tags.vip hold the same'],
    ['sub,vip\n2,1\n', 'sub=sub,vpi=vip', 'declares no vpi'],
    ['sub,vip\n2,1\n', 'sub=sub,vip=vipp', 'no column vipp'],
    ['sub,vip\n2,1\n', 'sub=sub,vip=7', 'no column 7'],
    ['sub,vip\n2,1\n', 'sub=sub,vip=vip,tags.vip=vip', 'given twice'],
    ['sub,vip\n2,1\n', 'sub=sub,vip', 'vip needs a column'],
    ['', null, 'not a single line'],
  ])('%j with map %j', async (content, map, sentence) => {
    const importing = run(content, { map })
    await expect(importing).rejects.toThrow(UsageError)
    await expect(importing).rejects.toThrow(sentence)
  })
})

describe('batches', () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, i) => `${i + 1},${i % 3 === 0 ? 'gold' : 'basic'}`)
  const CONTENT = `sub,plan\n${lines(5_000).join('\n')}\n`

  test('are the same in every run, and others for another content or declaration', async () => {
    const first = await run(CONTENT)
    expect(first.batches.map(({ stamp, rows }) => [stamp.seq, rows.length]).sort()).toEqual(
      [0, 0, 1, 1, 2, 2, 3, 3, 4, 4].map((seq) => [seq, 500]),
    )
    const again = await run(CONTENT)
    expect(again.writer.digest()).toBe(first.writer.digest())
    const names = [
      first,
      await run(`${CONTENT}2,gold\n`),
      await run(CONTENT, { empty: 'clear' }),
      await run(CONTENT, {
        declarations: {
          ...DECLARATIONS,
          fields: [{ name: 'plan', type: 'enum', words: ['basic', 'gold'] }],
        },
      }),
    ].map(({ summary }) => summary.source)
    expect(new Set(names).size).toBe(4)
  })

  test('bear the name and epoch that are given', async () => {
    const { batches, summary } = await run(CONTENT, { source: 'crm', epoch: 7 })
    expect(summary).toMatchObject({ source: 'crm', epoch: 7 })
    expect(new Set(batches.map(({ stamp }) => `${stamp.probe} ${stamp.epoch}`))).toEqual(
      new Set(['crm 7']),
    )
  })

  test('take turns with names, each for what a partition remembers', () => {
    const subjects: string[] = []
    const options = { source: 'a', epoch: 1, partitionCount: 2, batchRowsMax: 1 }
    for (const isOwn of [true, false]) {
      const batcher = new ProfileBatcher({ ...options, isOwn }, ({ subject, data }) => {
        const [, partition, name] = subject.split('.')
        const { stamp } = decodeProfile(data, name!, Number(partition), 2)
        subjects.push(`${subject} ${stamp.seq}`)
      })
      for (let i = 0; i < 1_001; i++) batcher.add(rowOf(2, {}))
      batcher.add(rowOf(3, {}))
    }
    expect(subjects.slice(999, 1_002)).toEqual([
      ...['profile.0.a 999', 'profile.0.a-1 0', 'profile.1.a 0'],
    ])
    expect(subjects.slice(2_001)).toEqual(['profile.0.a 999', 'profile.0.a 1000', 'profile.1.a 0'])
  })

  test('of a partition follow each other, one at a time, also when one fails', async () => {
    const writer = new CollectingWriter()
    const underWay = new Map<string, number>()
    let failures = 3
    writer.before = async (subject) => {
      const partition = subject.split('.')[1]!
      underWay.set(partition, (underWay.get(partition) ?? 0) + 1)
      expect(underWay.get(partition)).toBe(1)
      await new Promise((resolve) => setImmediate(resolve))
      underWay.set(partition, 0)
      if (failures-- > 0) throw new BrokerUnavailableError('away')
    }
    const { batches, summary } = await run(CONTENT, {}, writer)
    for (const partition of [0, 1]) {
      const own = batches.filter(({ rows }) => rows[0]!.subscriber % 2 === partition)
      expect(own.map(({ stamp }) => stamp.seq)).toEqual([0, 1, 2, 3, 4])
    }
    expect(summary.retries).toBe(3)
  })

  test('keep the rate', async () => {
    const { summary } = await run(CONTENT, { rowsPerSecond: 1_000 })
    expect(summary.elapsedMs).toBeGreaterThanOrEqual(4_000)
    expect(summary.elapsedMs).toBeLessThan(6_000)
  })

  test('fit a message however wide their rows are', async () => {
    const words = ['x'.repeat(240)]
    const fields = Array.from({ length: 40 }, (_, i) => ({
      ...{ name: `field_${i}`, type: 'enum' as const, words },
    }))
    const header = ['sub', ...fields.map(({ name }) => name)].join(',')
    const line = ['2', ...fields.map(() => words[0])].join(',')
    const content = `${header}\n${`${line}\n`.repeat(300)}`
    const { writer, rows } = await run(content, { declarations: { tags: [], fields } })
    expect(rows).toHaveLength(300)
    for (const { data } of writer.published) expect(data.length).toBeLessThan(1_048_576)
  })
})
