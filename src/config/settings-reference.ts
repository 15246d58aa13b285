/** The settings for readers: a Markdown table for the README, a JSON Schema for editors. */

import type { Field } from './setting-fields.ts'
import { SETTINGS_FIELDS } from './settings-grammar.ts'

/** Name of the settings file at the top of a config directory. */
export const SETTINGS_FILE = 'highwater.yaml'

/** One Markdown table row per setting: name, what is possible, default, what it is for. */
export function settingsReference(): string {
  const rows = fieldEntries().map(([path, field]) => {
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
    properties[section] = {
      type: 'object',
      properties: Object.fromEntries(entries.map(([key, field]) => [key, field.schema])),
      additionalProperties: false,
    }
  }
  const dialect = 'https://json-schema.org/draft/2020-12/schema'
  const title = 'Highwater settings'
  return { $schema: dialect, title, type: 'object', properties, additionalProperties: false }
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
