/**
 * Texts of configurations: slips of the hand and malice in sound texts, whole lines and blocks
 * moved and doubled. A text is read, or refused with places that lie inside it.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigInvalidError } from '../../src/errors.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { Random } from '../support/workload/random.ts'
import { DECLARATIONS, triggerText } from '../unit/rules/config-texts.ts'
import { type FuzzTarget, FuzzTally, hold } from './target.ts'

const MESSAGES = 'language: fields.plan\nchannels: { sms: { sms: true } }\n'
const RICH_TEXT = `${DECLARATIONS}${MESSAGES}---\n${triggerText({
  when: '"data.day >= 500 * KiB && tags.seed && fields.plan in [\\"gold\\"] || has(fields.plan)"',
  deliver:
    "{ channel: sms, at: next day 12:00, contactWindow: { from: '09:00', to: '21:00', outside: defer } }",
  cap: '[1 per month, 1 ever]',
  cancelWhen: '|\n  tags.has_pack\n  && previous(ott.month) > 1',
  validity: '{ from: 2026-11-01T00:00:00+08:00 }',
  message:
    '{ default: gold, gold: "{{{data.day | MiB .1 max 99}}} {fields.trial_ends | D.M.}", silver: "{params.wait | h:mm} {fields.grade}" }',
  maxSegments: '2',
})}`

/** What a slip of the hand, or malice, puts into a text. */
const SNIPPETS = [
  ...'{}[]:,-?|>&*!%@`"\'#\n\t\\.~<=+/() ',
  ...['  ', '\n---\n', '__proto__', 'constructor: ', '<<: *a', 'null', '!!str ', '金', '\u0000'],
  ...['\ufeff', '1e999', 'in [', 'matches(', '9'.repeat(400), '('.repeat(60), '-'.repeat(40)],
  ...[
    '&a [*a]',
    '*a',
    '? ',
    '\u2028',
    '\r',
    '0x1F',
    '-0',
    '.inf',
    '.nan',
    '1_000',
    '12:30',
    '24:10',
  ],
]

const TEXT_SIZE_MAX = 400_000

/** Configuration texts through `parseCatalog`. */
export const configTarget: FuzzTarget = {
  name: 'config',
  rule: 'a configuration is read, or refused with places inside its text, in bounded time',
  cases: 50_000,
  run({ seed, cases, say }) {
    const random = new Random(seed)
    const tally = new FuzzTally()
    const originals = [RICH_TEXT, ...shippedTexts()]
    for (let i = 0; i < cases; i++) {
      if (i % 500 === 0) say(i)
      let text = random.chance(0.5) ? RICH_TEXT : random.pick(originals)
      for (let edits = random.whole(1, 3); edits > 0; edits--) text = edit(text, random)
      tally.attempt(
        () => void parseCatalog({ 'a.yaml': text }),
        (error) => {
          if (!(error instanceof ConfigInvalidError)) return null
          checkPlaces(error, text)
          return error.problems[0]!.code
        },
        () => JSON.stringify(text),
      )
    }
    return tally
  },
}

function edit(text: string, random: Random): string {
  const start = random.whole(0, text.length)
  switch (random.whole(0, 9)) {
    case 0: {
      const lines = text.split('\n')
      const from = random.whole(0, lines.length - 1)
      const block = lines.slice(from, from + random.whole(1, 5))
      lines.splice(random.whole(0, lines.length), 0, ...block)
      return lines.join('\n').slice(0, TEXT_SIZE_MAX)
    }
    case 1:
      return (text.slice(0, start) + text.slice(start).repeat(random.whole(2, 20))).slice(
        0,
        TEXT_SIZE_MAX,
      )
    case 2: {
      const other = random.whole(0, text.length)
      return text.slice(0, start) + text.slice(other, other + 40) + text.slice(start)
    }
    default: {
      const end = start + (random.chance(0.5) ? 0 : random.whole(0, 11))
      return text.slice(0, start) + random.pick(SNIPPETS) + text.slice(end)
    }
  }
}

function checkPlaces(error: ConfigInvalidError, text: string): void {
  const lines = text.split('\n')
  hold(error.problems.length > 0, 'a refusal names a problem')
  for (const { line, column } of error.problems) {
    hold(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`)
    const end = lines[line - 1]!.length + 1
    hold(column >= 1 && column <= end, `column ${column} of ${end} in line ${line}`)
  }
}

/** All configuration files that ship with the project. */
function shippedTexts(): string[] {
  const folder = join(import.meta.dirname, '../../config')
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return paths
    .filter((path) => /scenarios.*\.yaml$/.test(path) && !path.endsWith('highwater.yaml'))
    .map((path) => readFileSync(join(folder, path), 'utf8'))
}
