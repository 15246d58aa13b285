/*
 * CSV of one record per line. csv-parse is not used: after the first record it cannot read, its
 * skip_records_with_error drops the rest of what it has buffered without a word (200,000 lines with
 * one stray quote gave 100 records and no error), and a quote that never closes swallows the file.
 * Here a line is a line: a bad one costs itself only. tests/unit/probe/csv-line.test.ts holds it to
 * csv-parse on good lines.
 */

const QUOTE = 0x22

/**
 * Splits one line into its fields: quoted fields may hold the delimiter and doubled quotes. A quote
 * inside an unquoted field is a plain letter. Null when a quote does not close, or is followed by
 * anything but a delimiter.
 * @param delimiter one character, not a quote
 */
export function splitLine(line: string, delimiter: string): string[] | null {
  if (!line.includes('"')) return line.split(delimiter)
  const fields: string[] = []
  let at = 0
  for (;;) {
    if (line.charCodeAt(at) === QUOTE) {
      const end = closingQuote(line, at + 1)
      if (end < 0) return null
      fields.push(line.slice(at + 1, end).replaceAll('""', '"'))
      at = end + 1
      if (at === line.length) return fields
      if (line[at] !== delimiter) return null
    } else {
      const end = line.indexOf(delimiter, at)
      fields.push(end < 0 ? line.slice(at) : line.slice(at, end))
      if (end < 0) return fields
      at = end
    }
    at += 1
  }
}

/** Position of the quote that ends a field which starts at `from`; -1 if there is none. */
function closingQuote(line: string, from: number): number {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 2)) {
    if (line.charCodeAt(at + 1) !== QUOTE) return at
  }
  return -1
}

/**
 * The delimiter that a first line most likely uses: the most frequent of , ; tab | outside quotes.
 */
export function guessDelimiter(line: string): string {
  const outside = line.replace(/"[^"]*"/g, '')
  let best = ','
  let bestCount = 0
  for (const delimiter of [',', ';', '\t', '|']) {
    const count = outside.split(delimiter).length - 1
    if (count > bestCount) {
      best = delimiter
      bestCount = count
    }
  }
  return best
}
