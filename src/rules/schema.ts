/** JSON Schemas of the configuration files, for completion and red lines in editors. */

import { catalogFile } from './catalog-grammar.ts'
import { journeyFile } from './journey-grammar.ts'
import type { JsonSchema } from './shape.ts'
import { triggerFile } from './trigger-grammar.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** Schema of the files that declare counters, tags, fields, dictionaries and parameters. */
export function catalogSchema(): JsonSchema {
  const title = 'Highwater declarations'
  return { $schema: DIALECT, title, ...catalogFile.schema }
}

/**
 * Schema of a trigger. Conditions are texts to it: names and types in them are checked by
 * Highwater.
 */
export function triggerSchema(): JsonSchema {
  return { $schema: DIALECT, title: 'Highwater trigger', ...triggerFile.schema }
}

/** Schema of a journey, likewise. */
export function journeySchema(): JsonSchema {
  return { $schema: DIALECT, title: 'Highwater journey', ...journeyFile.schema }
}
