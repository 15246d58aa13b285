import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { guessDelimiter, splitLine } from '../../../src/probe/csv-line.ts'
import { type Lines, LINE_LENGTH_MAX, readLines } from '../../../src/probe/csv-lines.ts'
import { Random } from '../../../src/probe/random.ts'

describe('a line', () => {
  test('splits as csv-parse splits it, whatever its fields hold', () => {
    const random = new Random(2_026)
    const alphabet = ['a', '1', ' ', ',', '"', ';', 'ä', '\t', "'", '']
    for (let round = 0; round < 2_000; round++) {
      const fields = Array.from({ length: 1 + random.below(6) }, () =>
        Array.from(
          { length: random.below(6) },
          () => alphabet[random.below(alphabet.length)]!,
        ).join(''),
      )
      const line = fields
        .map((field) =>
          /[",]/.test(field) || random.below(3) === 0 ? `"${field.replaceAll('"', '""')}"` : field,
        )
        .join(',')
      expect(splitLine(line, ',')).toEqual(fields)
      const [expected = ['']] = parse(line, { relax_column_count: true }) as string[][]
      expect(splitLine(line, ',')).toEqual(expected)
    }
  })

  test.each(['"a,b', 'a,"b', '"a"b,c', 'a,"b""', '"', '"a" ,b'])('%s is refused', (line) => {
    expect(splitLine(line, ',')).toBe(null)
  })

  test('takes a quote inside an unquoted field as a letter', () => {
    expect(splitLine('5" disk,6', ',')).toEqual(['5" disk', '6'])
  })

  test.each([
    ['a,b;c,d', ','],
    ['a;b;c', ';'],
    ['a\tb', '\t'],
    ['a|b|c,d', '|'],
    ['"a,b,c,d";e', ';'],
    ['a', ','],
  ])('%j is delimited by %j', (line, expected) => {
    expect(guessDelimiter(line)).toBe(expected)
  })
})

describe('lines', () => {
  async function linesOf(text: string | Uint8Array, chunkSize: number): Promise<Lines> {
    const bytes = Buffer.from(text as string)
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize)
    }
    const lines: (string | null)[] = []
    for await (const some of readLines(chunks())) lines.push(...some)
    return lines
  }

  test.each([1, 2, 3, 5, 7, 1_000])('come whole from chunks of %i bytes', async (chunkSize) => {
    const text = 'a,b\r\nä€,𝄞\n\r\n"x"\r\nlast'
    expect(await linesOf(text, chunkSize)).toEqual(['a,b', 'ä€,𝄞', '', '"x"', 'last'])
    expect(await linesOf(`${text}\n`, chunkSize)).toEqual(['a,b', 'ä€,𝄞', '', '"x"', 'last'])
  })

  test.each([1, 2, 1_000])(
    'come without a byte order mark from chunks of %i bytes',
    async (chunkSize) => {
      expect(await linesOf('\ufeffa,b\nc', chunkSize)).toEqual(['a,b', 'c'])
    },
  )

  test('come from UTF-16 with its mark', async () => {
    expect(await linesOf(Buffer.from('\ufeffa,ä\r\nb', 'utf16le'), 6)).toEqual(['a,ä', 'b'])
  })

  test.each([100, 65_536, 1_000_000])(
    'that are too long are null, from chunks of %i',
    async (chunkSize) => {
      const long = 'x'.repeat(LINE_LENGTH_MAX + 1)
      const fits = 'y'.repeat(LINE_LENGTH_MAX)
      expect(
        await linesOf(`a\n${long}\nb\n${fits}\n${long}${long}\nc\n${long}`, chunkSize),
      ).toEqual(['a', null, 'b', fits, null, 'c', null])
    },
  )

  test('of nothing are none', async () => {
    expect(await linesOf('', 10)).toEqual([])
  })
})
