/** The settings for readers: a Markdown table for the README, a JSON Schema for editors. */

import type { Field } from './setting-fields.ts'
import { CHANNEL_KINDS } from './gateway-grammar.ts'
import { NAMED_SETTINGS, SETTINGS_FIELDS } from './settings-grammar.ts'

/** Name of the settings file at the top of a config directory. */
export const SETTINGS_FILE = 'highwater.yaml'

/** One Markdown table row per setting: name, what is possible, default, what it is for. */
export function settingsReference(): string {
  return tableOf(fieldEntries())
}

/** The same for each kind of channel, below `gateway.channels.<name>`. */
export function channelsReference(): string {
  const tables = Object.entries(CHANNEL_KINDS).map(([kind, fields]) => {
    return `With \`kind: ${kind}\`:\n\n${tableOf(Object.entries<Field<unknown>>(fields))}`
  })
  return tables.join('\n')
}

function tableOf(entries: readonly (readonly [string, Field<unknown>])[]): string {
  const rows = entries.map(([path, field]) => {
    const isMissing = !field.isOptional && field.shownDefault === null
    if (isMissing) {
      return `| \`${path}\` | ${escapeCell(field.expects)} | must be given | ${escapeCell(field.doc)} |`
    }
    const shown = field.shownDefault === null ? '' : `\`${showDefault(field.shownDefault)}\``
    return `| \`${path}\` | ${escapeCell(field.expects)} | ${shown} | ${escapeCell(field.doc)} |`
  })
  const head = ['| Setting | Must be | Default | What it is for |', '| --- | --- | --- | --- |']
  return `${[...head, ...rows].join('\n')}\n`
}

/** JSON Schema of `highwater.yaml`. */
export function settingsSchema(): { readonly [key: string]: unknown } {
  const properties: Record<string, unknown> = {}
  for (const [section, fields] of Object.entries(SETTINGS_FIELDS)) {
    const entries = Object.entries<Field<unknown>>(fields)
    const named = Object.entries(NAMED_SETTINGS).flatMap(([path, { kinds, what }]) => {
      if (!path.startsWith(`${section}.`)) return []
      const anyOf = Object.entries(kinds).map(([kind, own]) => kindSchema(kind, own))
      const description = `By the name of ${what}.`
      const schema = { type: 'object', description, additionalProperties: { anyOf } }
      return [[path.slice(section.length + 1), schema] as const]
    })
    const own = entries.map(([key, field]) => [key, field.schema] as const)
    properties[section] = {
      type: 'object',
      properties: Object.fromEntries<unknown>([...own, ...named]),
      additionalProperties: false,
    }
  }
  const dialect = 'https://json-schema.org/draft/2020-12/schema'
  const title = 'Highwater settings'
  return { $schema: dialect, title, type: 'object', properties, additionalProperties: false }
}

function kindSchema(kind: string, fields: Readonly<Record<string, Field<unknown>>>): object {
  const entries = Object.entries(fields)
  const required = entries.filter(([, field]) => !field.isOptional && field.shownDefault === null)
  return {
    type: 'object',
    properties: {
      kind: { const: kind, description: 'How it sends.' },
      ...Object.fromEntries(entries.map(([key, field]) => [key, field.schema])),
    },
    required: ['kind', ...required.map(([key]) => key)],
    additionalProperties: false,
  }
}

function fieldEntries(): readonly (readonly [string, Field<unknown>])[] {
  return Object.entries(SETTINGS_FIELDS).flatMap(([section, fields]) =>
    Object.entries<Field<unknown>>(fields).map(
      ([key, field]) => [`${section}.${key}`, field] as const,
    ),
  )
}

function showDefault(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}
