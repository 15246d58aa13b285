/** Whether a configuration that comes through the log makes sense, alone and after the last one. */

import { ConfigInvalidError } from '../errors.ts'
import type { Catalog, ConfigFiles } from '../model/catalog.ts'
import { RejectError } from '../model/reject.ts'
import { type ParsedCatalog, parseCatalog } from '../rules/parse-catalog.ts'
import { emptyLayout } from '../state/layout.ts'
import { CompiledCatalog } from './compile.ts'
import type { PartitionCore } from './core.ts'

/**
 * The catalog of texts that a partition could begin with: they make sense, and what they keep of a
 * subscriber fits a row.
 *
 * @throws ConfigInvalidError
 */
export function parseForGenesis(files: ConfigFiles): ParsedCatalog {
  const parsed = parseCatalog(files)
  try {
    new CompiledCatalog(parsed.catalog, emptyLayout('UTC'), true)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const suggestion = 'fewer counters, or shorter windows: a bucket that slides takes 8 bytes'
    const problem = { file: '.', line: 1, column: 1, code: 'too-large', message: error.message }
    throw new ConfigInvalidError([{ ...problem, suggestion }])
  }
  return parsed
}

/** The catalog of these texts. Throws RejectError with the first problem. */
export function parseOrReject(files: ConfigFiles): Catalog {
  try {
    return parseCatalog(files).catalog
  } catch (error) {
    if (!(error instanceof ConfigInvalidError)) throw error
    const first = error.problems[0]
    const detail = first === undefined ? 'invalid' : `${first.file}: ${first.message}`
    throw new RejectError('config-invalid', 'files', detail)
  }
}

/**
 * Why a catalog cannot follow what is in force, because rows already hold values of it or could not
 * hold the new ones; null: it can. Leaves no trace in the core. Also asked before a config enters
 * the log.
 */
export function findIncompatibility(core: PartitionCore, next: Catalog): string | null {
  const previous: Catalog | undefined = core.compiled?.catalog
  for (const field of next.fields) {
    const before = previous?.fields.find(({ name }) => name === field.name)
    if (before === undefined || before.type !== 'enum' || field.type !== 'enum') continue
    if (before.words.some((word, code) => field.words[code] !== word)) {
      return `words of field ${field.name} may only be added at the end`
    }
  }
  try {
    new CompiledCatalog(next, structuredClone(core.layout), previous === undefined)
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
  return null
}
