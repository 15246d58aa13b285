/**
 * What is generated from the grammar of the configuration: the JSON Schemas in this folder and the
 * tables of README.md, "Configuration". `npm run schemas` writes them; tests hold both to the grammar.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { channelsReference, settingsReference, settingsSchema } from '../../src/config/settings-reference.ts'
import { POLICY_KEYS } from '../../src/rules/policy-grammar.ts'
import { REPORTING_KEYS } from '../../src/rules/reporting-grammar.ts'
import { catalogSchema, journeySchema, triggerSchema } from '../../src/rules/schema.ts'

/** The part of JSON Schema that our grammars use. */
interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly description?: string
  readonly default?: unknown
}

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const README = `${PROJECT}README.md`

/** Schemas by the name of their file, without `.schema.json`. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  settings: settingsSchema(),
  catalog: catalogSchema(),
  trigger: triggerSchema(),
  journey: journeySchema(),
}

/** One step of a journey; its keys that triggers have, too, are described there. */
const STEP = SCHEMAS.journey!.properties!.steps!.items!
const OWN_OF_STEPS = new Set(['when'])

/** Markdown tables by the name of their place in the README: `<!-- NAME:begin -->`. */
export function readmeTables(): Readonly<Record<string, string>> {
  return {
    settings: settingsReference(),
    channels: channelsReference(),
    catalog: keyTable(
      SCHEMAS.catalog!,
      (key) => !POLICY_KEYS.has(key) && !REPORTING_KEYS.has(key),
    ),
    policy: keyTable(SCHEMAS.catalog!, (key) => POLICY_KEYS.has(key)),
    reporting: keyTable(SCHEMAS.catalog!, (key) => REPORTING_KEYS.has(key)),
    trigger: keyTable(SCHEMAS.trigger!),
    journey: keyTable(SCHEMAS.journey!),
    step: keyTable(STEP, (key) => !(key in SCHEMAS.trigger!.properties!) || OWN_OF_STEPS.has(key)),
  }
}

/** The text with each table between its marks. Throws where a mark is missing. */
export function withTables(text: string, tables: Readonly<Record<string, string>>): string {
  let result = text
  for (const [name, table] of Object.entries(tables)) {
    const begin = `<!-- ${name}:begin -->\n`
    const end = `<!-- ${name}:end -->`
    const from = result.indexOf(begin)
    const to = result.indexOf(end)
    if (from < 0 || to < from) throw new Error(`README.md has no marks for ${name}`)
    result = `${result.slice(0, from + begin.length)}\n${table}\n${result.slice(to)}`
  }
  return result
}

/**
 * One row per key, keys of a mapping below it: `counters.<name>.per`; top-level keys that are
 * asked for.
 */
function keyTable(schema: Schema, isAsked = (_: string): boolean => true): string {
  const head = ['| Key | Default | What it is for |', '| --- | --- | --- |']
  const properties = Object.entries(schema.properties ?? {}).filter(([key]) => isAsked(key))
  const asked = { ...schema, properties: Object.fromEntries(properties) }
  return `${[...head, ...keyRows(asked, '')].join('\n')}\n`
}

function keyRows(schema: Schema, prefix: string): string[] {
  const { properties = {}, required = [], additionalProperties } = schema
  const rows: string[] = []
  for (const [key, property] of Object.entries(properties)) {
    const path = `${prefix}${key}`
    const shown = required.includes(key) ? 'required' : showDefault(property.default)
    rows.push(`| \`${path}\` | ${shown} | ${property.description?.replaceAll('|', '\\|') ?? ''} |`)
    rows.push(...keyRows(property, `${path}.`))
  }
  if (typeof additionalProperties === 'object') {
    rows.push(...keyRows(additionalProperties, `${prefix}<name>.`))
  }
  return rows
}

function showDefault(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' && value.includes(' ') ? value : `\`${String(value)}\``
}

function write(): void {
  const files = Object.entries(SCHEMAS).map(([name, schema]) => {
    const file = fileURLToPath(new URL(`${name}.schema.json`, import.meta.url))
    writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`)
    return file
  })
  const formatter = `${PROJECT}node_modules/.bin/biome`
  const { status } = spawnSync(formatter, ['format', '--write', ...files], { stdio: 'inherit' })
  process.exitCode = status ?? 1
  writeFileSync(README, withTables(readFileSync(README, 'utf8'), readmeTables()))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) write()
