import { describe, expect, test } from 'vitest'
import { parseSettings } from '../../../src/config/settings.ts'

const NUMBER = '8613812345678'
const read = (recipients: string) =>
  parseSettings('highwater.yaml', `watch:\n  recipients: ${recipients}\n`)

describe('numbers of people', () => {
  test('stand in the settings by role', () => {
    const { recipients } = read(`{ manager: ['${NUMBER}'], administrator: ['1', '2'] }`).watch
    expect(recipients).toEqual({ manager: [Number(NUMBER)], administrator: [1, 2] })
    expect(parseSettings('highwater.yaml', '').watch.recipients).toEqual({})
  })

  test.each([
    ['as numbers', `{ manager: [${NUMBER}] }`],
    ['with letters', `{ manager: ['+${NUMBER}'] }`],
    ['beginning with 0', `{ manager: ['0${NUMBER}'] }`],
    ['without a role', `['${NUMBER}']`],
    ['of a role that is none', `{ Manager: ['${NUMBER}'] }`],
    ['of a role that has nobody', `{ manager: [] }`],
  ])('%s are refused, and not repeated', (_name, text) => {
    expect(() => read(text)).toThrow(/highwater\.yaml:2:15 bad-value: .*found something else/)
    expect(() => read(text)).not.toThrow(new RegExp(NUMBER))
  })
})
