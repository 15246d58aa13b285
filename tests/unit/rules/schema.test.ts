import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalogSchema, journeySchema, triggerSchema } from '../../../src/rules/schema.ts'

const committed = (name: string): unknown => {
  const path = new URL(`../../../config/rules-schema/${name}.schema.json`, import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8'))
}

test('the committed schema of triggers is the grammar', () => {
  expect(committed('trigger')).toEqual(JSON.parse(JSON.stringify(triggerSchema())))
})

test('the committed schema of journeys is the grammar', () => {
  expect(committed('journey')).toEqual(JSON.parse(JSON.stringify(journeySchema())))
})

test('the committed schema of declarations is the grammar', () => {
  expect(committed('catalog')).toEqual(JSON.parse(JSON.stringify(catalogSchema())))
})

test('every key of the grammar has a sentence, every mapping refuses unknown keys', () => {
  let keyCount = 0
  const visit = (schema: Record<string, unknown>): void => {
    const properties = schema.properties as Record<string, Record<string, unknown>> | undefined
    for (const property of Object.values(properties ?? {})) {
      expect(property.description).toMatch(/\.$/)
      visit(property)
      keyCount++
    }
    if (properties !== undefined) expect(schema.additionalProperties).toBe(false)
    else if (typeof schema.additionalProperties === 'object') {
      visit(schema.additionalProperties as Record<string, unknown>)
    }
  }
  visit(triggerSchema())
  visit(journeySchema())
  visit((journeySchema().properties as Record<string, Record<string, never>>).steps!.items!)
  visit(catalogSchema())
  expect(keyCount).toBeGreaterThan(40)
})
