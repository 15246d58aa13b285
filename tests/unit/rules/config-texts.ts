/** Small configurations for the tests of the rules, and the problems that a text has. */

import { ConfigInvalidError } from '../../../src/errors.ts'
import type { Catalog, ConfigFiles, TriggerSpec } from '../../../src/model/catalog.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'

/** Declarations that every kind of condition can be written with. */
export const DECLARATIONS = `
parameters: { line: 500 KiB, share: 0.8, wait: 2h, with_nr: false, on: true }
apps: { qzone: 1, wechat: 2 }
tags: { seed: { versioned: true }, has_pack: {} }
fields:
  plan: { type: enum, words: [gold, silver, bronze] }
  grade: { type: enum, words: [a, b] }
  allowance: { type: number }
  trial_ends: { type: date }
  roaming: { type: bool }
counters:
  data: { sum: bytes, where: 'kind == data', per: [hour, day, month, last 7 days, lifetime] }
  ott: { sum: bytes, where: 'app in [qzone, wechat]', per: [month], keep: 2 }
`

/** A trigger's text with parts replaced or added; a part of null is left out. */
export function triggerText(parts: Readonly<Record<string, string | null>> = {}): string {
  const lines = {
    trigger: 'data-pack',
    when: 'data.day >= params.line',
    deliver: '{ channel: sms }',
    message: 'Hello',
    ...parts,
  }
  return Object.entries(lines)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')
}

/** The declarations above and one trigger. */
export function filesWith(
  parts: Readonly<Record<string, string | null>> = {},
  declarations = DECLARATIONS,
): ConfigFiles {
  return { 'counters.yaml': declarations, 'triggers/t.yaml': triggerText(parts) }
}

/** The catalog of the declarations above and one trigger. */
export function catalogWith(parts: Readonly<Record<string, string | null>> = {}): Catalog {
  return parseCatalog(filesWith(parts)).catalog
}

/** The one trigger of `catalogWith`. */
export function triggerWith(parts: Readonly<Record<string, string | null>> = {}): TriggerSpec {
  return catalogWith(parts).triggers[0]!
}

/**
 * The problems of a configuration as `file:line:column code`, and their texts; empty when it is
 * valid.
 */
export function problemsOf(files: ConfigFiles): { places: string[]; texts: string[] } {
  try {
    parseCatalog(files)
    return { places: [], texts: [] }
  } catch (error) {
    if (!(error instanceof ConfigInvalidError)) throw error
    return {
      places: error.problems.map((p) => `${p.file}:${p.line}:${p.column} ${p.code}`),
      texts: error.problems.map((p) => `${p.message} | ${p.suggestion ?? ''}`),
    }
  }
}

/** Code and text of each problem with one condition in `when`; the text is quoted for YAML. */
export function problemsOfWhen(when: string): { codes: string[]; texts: string[] } {
  const parts = { when: JSON.stringify(when), once: 'day' }
  const { places, texts } = problemsOf(filesWith(parts))
  return { codes: places.map((place) => place.split(' ')[1]!), texts }
}
