import { KIND_CODES, RAT_CODES, SUBSCRIBER_MAX } from '../model/usage.ts'
import { KIND_CODE_MAX, RAT_CODE_MAX } from '../model/wire.ts'
import type { CsvPositions } from './csv-map.ts'
import type { TimeParser } from './csv-time.ts'
import type { RecordColumns } from './population.ts'

/** Why a line was refused; each is counted. */
export const CSV_REFUSALS = [
  'line-too-long',
  'bad-quotes',
  'missing-column',
  'bad-subscriber',
  'bad-bytes',
  'bad-time',
  'time-without-zone',
  'bad-rat',
  'bad-app',
  'bad-cell',
  'bad-kind',
] as const
/** One of them. */
export type CsvRefusal = (typeof CSV_REFUSALS)[number]

/** Words for radio types that exports use beside those of RAT_CODES. */
const RAT_WORDS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(RAT_CODES),
  ['2g', 2],
  ['gsm', 2],
  ['edge', 2],
  ['3g', 1],
  ['umts', 1],
  ['wcdma', 1],
  ['hspa+', 5],
  ['4g', 6],
  ['lte', 6],
  ['e-utran', 6],
  ['wifi', 3],
  ['wi-fi', 3],
  ['nb-iot', 8],
  ['lte-m', 9],
  ['5g', 10],
])
const KIND_WORDS: ReadonlyMap<string, number> = new Map(Object.entries(KIND_CODES))
const NO_WORDS: ReadonlyMap<string, number> = new Map()

/** Reads lines, split into fields, into columns. */
export class CsvRecordReader {
  readonly #positions: CsvPositions
  readonly #parseTime: TimeParser
  readonly #appWords: ReadonlyMap<string, number>
  readonly #columnCount: number

  /** @param appWords names of apps, in lower case, and their codes */
  constructor(
    positions: CsvPositions,
    parseTime: TimeParser,
    appWords: ReadonlyMap<string, number> = NO_WORDS,
  ) {
    this.#positions = positions
    this.#parseTime = parseTime
    this.#appWords = appWords
    this.#columnCount = Math.max(...[...positions.values()].flat()) + 1
  }

  /**
   * Writes a line's record at `index`, or says why not; then what stands at `index` means nothing.
   */
  read(fields: readonly string[], target: RecordColumns, index: number): CsvRefusal | null {
    if (fields.length < this.#columnCount) return 'missing-column'
    const subscriber = parseSubscriber(this.#text(fields, 'sub'))
    if (subscriber === null) return 'bad-subscriber'
    const usageBytes = this.#sumBytes(fields)
    if (usageBytes === null) return 'bad-bytes'
    const time = this.#parseTime(this.#text(fields, 'time'))
    if (typeof time === 'string') return time
    const rat = parseCode(this.#text(fields, 'rat'), RAT_WORDS, RAT_CODE_MAX)
    if (rat === null) return 'bad-rat'
    const app = parseCode(this.#text(fields, 'app'), this.#appWords, 0xffff)
    if (app === null) return 'bad-app'
    const cell = parseCode(this.#text(fields, 'cell'), NO_WORDS, 0xffff_ffff)
    if (cell === null) return 'bad-cell'
    const kind = parseCode(this.#text(fields, 'kind'), KIND_WORDS, KIND_CODE_MAX)
    if (kind === null) return 'bad-kind'
    target.subscribers[index] = subscriber
    target.usageBytes[index] = usageBytes
    target.timesMs[index] = time
    target.rats[index] = rat
    target.apps[index] = app
    target.cells[index] = cell
    target.kinds[index] = kind
    return null
  }

  /** The field's text; empty when the mapping does not have it. */
  #text(
    fields: readonly string[],
    field: 'sub' | 'time' | 'rat' | 'app' | 'cell' | 'kind',
  ): string {
    const positions = this.#positions.get(field)
    return positions === undefined ? '' : (fields[positions[0]!] ?? '').trim()
  }

  /** Whole, 0 to 2^53-1. One of several columns may be empty, not all of them. */
  #sumBytes(fields: readonly string[]): number | null {
    let sum: number | null = null
    for (const position of this.#positions.get('bytes') ?? []) {
      const text = (fields[position] ?? '').trim()
      if (text === '') continue
      // Spreadsheets write 1.2E+06 and 1200000.0; hexadecimal and signs are mistakes.
      if (!/^\d+(\.\d*)?([eE]\+?\d+)?$/.test(text)) return null
      sum = (sum ?? 0) + Number(text)
    }
    return Number.isSafeInteger(sum) ? sum : null
  }
}

/** 1 to 15 digits, with or without the plus of E.164; null for anything else. */
export function parseSubscriber(text: string): number | null {
  if (!/^\+?\d{1,15}$/.test(text)) return null
  const subscriber = Number(text)
  return subscriber >= 1 && subscriber <= SUBSCRIBER_MAX ? subscriber : null
}

/** A code or a word for one; empty is 0. */
function parseCode(
  text: string,
  words: ReadonlyMap<string, number>,
  codeMax: number,
): number | null {
  if (text === '') return 0
  const known = words.get(text.toLowerCase())
  if (known !== undefined) return known
  if (!/^\d{1,10}$/.test(text)) return null
  const code = Number(text)
  return code <= codeMax ? code : null
}
