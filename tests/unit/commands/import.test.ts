import { parseArgs } from 'node:util'
import { expect, test } from 'vitest'
import { IMPORT_OPTIONS, type ImportCommand, importCommand } from '../../../src/commands/import.ts'

const TARGET = { servers: [], configDirectory: 'config', partitionCount: null }

function commandOf(...args: readonly string[]): ImportCommand {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: IMPORT_OPTIONS,
    allowPositionals: true,
  })
  return importCommand(values, positionals, TARGET)
}

test('an import without options goes gently, to the end, and keeps what is there', () => {
  expect(commandOf('crm.csv')).toEqual({
    target: TARGET,
    options: {
      ...{ path: 'crm.csv', map: null, isDeleting: false, empty: 'keep', dateFormat: 'auto' },
      ...{ delimiter: null, rejectsPath: null, stopAfter: null, rowsPerSecond: 30_000 },
      ...{ source: 'import', epoch: null },
    },
    isDryRun: false,
    isJson: false,
  })
  expect(commandOf('-', '--delimiter', 'tab', '--rate', '5_000', '--delete').options).toMatchObject(
    { path: '-', delimiter: '\t', rowsPerSecond: 5_000, isDeleting: true },
  )
  expect(commandOf('-', '--rate', 'max').options.rowsPerSecond).toBe(null)
})

test.each([
  [[], 'one file, or - for standard input'],
  [['a.csv', 'b.csv'], 'one file, or - for standard input'],
  [['a.csv', '--empty', 'maybe'], '--empty must be keep or clear; found maybe'],
  [['a.csv', '--date-format', 'YYYY'], '--date-format must be auto or DD.MM.YYYY'],
  [['a.csv', '--rate', '0'], '--rate must be a number from 1'],
  [['a.csv', '--stop-after', '0'], '--stop-after must be a number from 1'],
  [['a.csv', '--delimiter', '::'], '--delimiter is one character'],
])('%j is answered with a sentence', (args, sentence) => {
  expect(() => commandOf(...args)).toThrow(sentence)
})
