/** Every scenario is a configuration that is taken as it stands, with people who can live in it. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findScenario, PEOPLE_FILE } from '../../src/commands/scenario.ts'
import { parsePeople } from '../../src/commands/scenario/people-plan.ts'
import { loadConfigDirectory } from '../../src/config/load.ts'
import { UsageError } from '../../src/errors.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { SCENARIOS } from '../support/scenario-files.ts'

const names = readdirSync(SCENARIOS).filter((name) => /^S\d+-/.test(name))

test('there are twelve', () => {
  const numbers = names.map((name) => Number.parseInt(name.slice(1), 10))
  expect(numbers.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
})

describe.each(names)('%s', (name) => {
  test('is a whole configuration', async () => {
    const { files, settings } = await loadConfigDirectory(join(SCENARIOS, name))
    const { catalog } = parseCatalog(files)
    expect(settings.rules.exclude).toEqual(['simulation'])
    // Each campaign has an end, and only a credit may come at night.
    for (const { id, validToMs, contactWindow, firedBy, action } of catalog.triggers) {
      expect([id, validToMs]).toEqual([id, expect.any(Number)])
      const isWaking = contactWindow === null && firedBy !== 'request' && action == null
      expect([id, isWaking]).toEqual([id, false])
    }
  })

  test('has people of whom the catalog knows what is said', () => {
    const plan = parsePeople(readFileSync(join(SCENARIOS, name, PEOPLE_FILE), 'utf8'))
    expect(plan.groups.length).toBeGreaterThan(0)
  })

  test('says what it shows, and has a tester among its sample profiles', () => {
    expect(readFileSync(join(SCENARIOS, name, 'README.md'), 'utf8')).toMatch(/^# S\d+ · /)
    const profiles = readFileSync(join(SCENARIOS, name, 'profiles.csv'), 'utf8')
    expect(profiles.split('\n')[0]).toContain('lists.canary')
    expect(profiles).toMatch(/^13800000090,.*true/m)
  })
})

test('a scenario is found by number and by name, in any case', async () => {
  expect(await findScenario('S1')).toBe('S1-data-pack')
  expect(await findScenario('s12')).toBe('S12-rewards')
  expect(await findScenario('Data-Pack')).toBe('S1-data-pack')
  expect(await findScenario('S5-next-best-offer')).toBe('S5-next-best-offer')
  await expect(findScenario('usage-car')).rejects.toThrow(/did you mean "usage-care"/)
})

test('a mistake in people.yaml is named with its place', () => {
  const group = 'groups: { a: { share: 50 %, usage: [{ perDya: 2 }] } }'
  expect(() => parsePeople(group)).toThrow(/groups\.a: usage\[0\].*no key perDya.*"perDay"/)
  expect(() => parsePeople('groups: { a: { share: 120 % } }')).toThrow(/groups\.a: share: "120 %"/)
  expect(() => parsePeople('reactions: { a: { replies: 5 } }')).toThrow(UsageError)
})
