/**
 * The architecture and the style, as far as a machine can hold them. Rules: tests/support/tidy/.
 */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PROJECT_ROOT } from '../src/launch.mjs'
import * as rules from './support/tidy/rules.ts'
import { importsOf, readSource, type SourceText } from './support/tidy/source-text.ts'

const files = projectFiles()
const sources = files.filter(({ path }) => /^(?:src|bench|tests)\/.*\.(?:ts|mjs)$/.test(path))
const dependencies = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8'))
  .dependencies as Record<string, string>
const packagesAllowed = rules.importsOnlyAllowedPackages(new Set(Object.keys(dependencies)))
const host = ['registry', 'npmjs', 'org'].join('.')
const home = ['', 'home', 'ada', 'project'].join('/')

/** A rule, a file that is fine and files that it must complain about: [path, text]. */
interface Case {
  readonly rule: rules.Rule
  readonly fine: readonly (readonly [string, string])[]
  readonly bad: readonly (readonly [string, string])[]
}

const cases: Readonly<Record<string, Case>> = {
  'rooms import only what they may': {
    rule: rules.importsOnlyAllowedRooms,
    fine: [
      ['src/state/a.ts', "import { assert } from '../errors.ts'\nimport { b } from './b.ts'"],
      ['src/partition/a.ts', "import { a } from '../state/a.ts'"],
      ['src/main.ts', "import { a } from './store/a.ts'\nimport { b } from './commands/b.ts'"],
      ['src/model/a.ts', "// import { a } from '../state/a.ts'"],
      ['tests/unit/a.test.ts', "import { a } from '../../src/state/a.ts'"],
    ],
    bad: [
      ['src/state/a.ts', "import { a } from '../rules/a.ts'"],
      ['src/state/a.ts', "import type { A } from '../rules/a.ts'"],
      ['src/state/a.ts', "export {\n  a,\n} from '../rules/a.ts'"],
      ['src/state/a.ts', "const a = await import('../rules/a.ts')"],
      ['src/state/a.ts', "import '../rules/a.ts'"],
      ['src/model/a.ts', "import { a } from '../state/a.ts'"],
      ['src/errors.ts', "import { a } from './model/a.ts'"],
      ['src/partition/a.ts', "import { a } from '../store/a.ts'"],
      ['src/http/a.ts', "import { a } from '../supervisor.ts'"],
      ['src/supervisor.ts', "import { a } from './main.ts'"],
      ['src/launch.mjs', "import { a } from './errors.ts'"],
      ['src/state/a.ts', "import { a } from '../../tests/a.ts'"],
      ['src/attic/a.ts', ''],
    ],
  },
  'packages stay in their rooms': {
    rule: packagesAllowed,
    fine: [
      ['src/source/a.ts', "import { connect } from 'nats'"],
      ['src/store/a.ts', "import { open } from 'lmdb'"],
      ['src/launch.mjs', "import { join } from 'node:path'"],
      ['src/rules/a.ts', "const words = ['import', 'from', 'x']"],
    ],
    bad: [
      ['src/partition/a.ts', "import { connect } from 'nats'"],
      ['src/main.ts', "import { jetstream } from '@nats-io/jetstream'"],
      ['src/partition/a.ts', "import { open } from 'lmdb'"],
      ['src/metrics/a.ts', "import { fastify } from 'fastify'"],
      ['src/http/a.ts', "import { Registry } from 'prom-client'"],
      ['src/state/a.ts', "import { a } from 'fastify-plugin/b.js'"],
      ['src/state/a.ts', "import { test } from 'vitest'"],
      ['src/errors.ts', "import { join } from 'node:path'"],
      ['src/launch.mjs', "import { parse } from 'yaml'"],
    ],
  },
  'the core is pure': {
    rule: rules.coreIsPure,
    fine: [
      ['src/state/a.ts', "import { crc32 } from 'node:zlib'\nconst a = new Date(0)"],
      ['src/state/a.ts', '// Date.now() is forbidden\nconst a = "Date.now()"'],
      ['src/store/a.ts', 'const a = Date.now()'],
      ['src/partition/worker.ts', 'const a = Date.now()'],
      ['src/rules/a.ts', 'this.process.run()'],
    ],
    bad: [
      ['src/model/a.ts', 'const a = Date.now()'],
      ['src/decode/a.ts', 'const a = new Date()'],
      ['src/decode/a.ts', 'const a = new Date'],
      ['src/state/a.ts', 'const a = Math.random()'],
      ['src/rules/a.ts', 'const a = performance.now()'],
      ['src/decision/a.ts', 'setTimeout(a, 1)'],
      ['src/outbox/a.ts', 'const a = process.env.A'],
      ['src/outbox/a.ts', 'const a = `at ${Date.now()}`'],
      ['src/partition/machine.ts', 'const a = Date.now()'],
      ['src/partition/machine-timers.ts', "import { setTimeout } from 'node:timers/promises'"],
      ['src/state/a.ts', "import { readFileSync } from 'node:fs'"],
      ['src/state/a.ts', "import { crc32, gzipSync } from 'node:zlib'"],
    ],
  },
  'exports have names': {
    rule: rules.exportsByName,
    fine: [
      ['vitest.config.ts', 'export default {}'],
      ['src/a.ts', 'export const a = 1 // export default'],
    ],
    bad: [
      ['src/a.ts', 'export default 1'],
      ['src/a.ts', "export * from './b.ts'"],
    ],
  },
  'no enum and no any': {
    rule: rules.avoidsEnumAndAny,
    fine: [
      [
        'src/a.ts',
        "// any: enum A {\nconst a: Promise<unknown> = Promise.any([])\nconst b = 'any'",
      ],
    ],
    bad: [
      ['src/a.ts', 'enum A { B }'],
      ['src/a.ts', 'export const enum A { B }'],
      ['src/a.ts', 'let a: any = 1'],
      ['src/a.ts', 'const a = b as any'],
      ['src/a.ts', 'const a = new Map<string, any>()'],
      ['src/a.ts', 'function a(b: readonly any[]) {}'],
    ],
  },
  'files are short': {
    rule: rules.isNotTooLong,
    fine: [['src/a.ts', 'a\n'.repeat(400)]],
    bad: [['src/a.ts', 'a\n'.repeat(401)]],
  },
  'comments fit the columns': {
    rule: rules.commentsFitTheColumns,
    fine: [
      ['src/a.ts', `// ${'a'.repeat(97)}`],
      ['src/a.ts', `const a = '${'a'.repeat(100)}'`],
      ['src/a.ts', `// https://example.org/${'a'.repeat(97)}`],
    ],
    bad: [
      ['src/a.ts', `// ${'a'.repeat(98)}`],
      ['src/a.ts', `/**\n * ${'a'.repeat(98)}\n */`],
    ],
  },
  'what is left to do has an owner': {
    rule: rules.todosHaveOwners,
    fine: [['src/a.ts', '// TODO(ada): round up\nconst TODO = 1']],
    bad: [
      ['src/a.ts', '// TODO: round up'],
      ['src/a.ts', '/* FIXME */'],
    ],
  },
  'file names tell what is inside': {
    rule: rules.hasTellingName,
    fine: [['src/state/subscriber-index.ts', '']],
    bad: [
      ['src/state/utils.ts', ''],
      ['src/state/helpers.ts', ''],
      ['src/state/common.ts', ''],
      ['src/state/page-manager.ts', ''],
      ['tests/support/index.ts', ''],
    ],
  },
  'exports of src have docstrings': {
    rule: rules.exportsHaveDocstrings,
    fine: [
      ['src/a.ts', '/** Adds. */\nexport function add(): void\nexport function add(): void {}'],
      ['src/a.ts', "/** Words. */\nexport const A = ['a']\n\nexport type B = (typeof A)[number]"],
      ['src/a.ts', '/** Units. */\nexport const A = 1\nexport const B = 2'],
      ['src/a.ts', 'const a = 1'],
      ['tests/a.ts', 'export const a = 1'],
    ],
    bad: [
      ['src/a.ts', 'export function add(): void {}'],
      ['src/a.ts', '/** A. */\nexport const a = 1\nexport type B = 1'],
      ['src/a.ts', '// Not a docstring.\nexport abstract class A {}'],
      ['src/a.ts', 'export async function* read() {}'],
    ],
  },
}

describe.each(Object.entries(cases))('%s', (_name, { rule, fine, bad }) => {
  test('in the whole project', () => {
    expect(complaints(rule, sources)).toEqual([])
  })

  test('accepts what is fine', () => {
    const examples = fine.map(([path, text]) => readSource(path, text))
    expect(complaints(rule, examples)).toEqual([])
  })

  test('complains about every bad example', () => {
    const accepted = bad.filter(([path, text]) => rule(readSource(path, text)).length === 0)
    expect(accepted).toEqual([])
  })
})

describe('nothing names the machine it was written on', () => {
  test('in files of every kind', () => {
    expect(complaints(rules.namesNoMachine, files)).toEqual([])
  })

  test.each([
    `"resolved": "https://${host}/a.tgz"`,
    `open('${home}/a')`,
    `cd ${['', 'work', 'main'].join('/')}`,
    `FROM ${['gcr', 'io'].join('.')}/a/b`,
  ])('a file must not hold: %s', (text) => {
    expect(rules.namesNoMachine(readSource('a', text))).toHaveLength(1)
  })

  test.each(['https://github.com/sponsors/a', '/var/lib/highwater', 'src/home/a', 'docs.io'])(
    'a file may hold: %s',
    (text) => {
      expect(rules.namesNoMachine(readSource('a', text))).toEqual([])
    },
  )
})

describe('reading source text', () => {
  test('strings, templates, regular expressions and comments are told apart', () => {
    const text = 'a = "//b" + `c${d + `e`}f` /* g */ + /[/"]h/.test(i) / j // k'
    const { code, comments } = readSource('src/a.ts', text)
    expect(code.replace(/\s+/g, '')).toBe('a=""+`${d+``}`+//.test(i)/j')
    expect(comments.replace(/\s+/g, ' ').trim()).toBe('/* g */ // k')
  })

  test('all kinds of imports are found', () => {
    const text = [
      "import { a } from './a.ts'",
      "import type { B } from './b.ts'",
      "export { c } from './c.ts'",
      "import './d.ts'",
      "const e = await import('./e.ts')",
    ].join('\n')
    const specifiers = importsOf(readSource('src/a.ts', text)).map(({ specifier }) => specifier)
    expect(specifiers).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts'])
  })

  test('the project has files to look at', () => {
    const paths = sources.map(({ path }) => path)
    expect(paths).toContain('src/errors.ts')
    expect(paths).toContain('tests/tidy.test.ts')
    expect(files.map(({ path }) => path)).toContain('package-lock.json')
  })
})

function complaints(rule: rules.Rule, among: readonly SourceText[]): string[] {
  return among.flatMap((source) => rule(source).map((problem) => `${source.path}: ${problem}`))
}

/** Tracked files and new ones that nothing ignores; binary ones have no text to judge. */
function projectFiles(): SourceText[] {
  const options = { cwd: PROJECT_ROOT, encoding: 'utf8' } as const
  const arguments_ = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const paths = execFileSync('git', arguments_, options).split('\0')
  return paths.flatMap((path) => {
    if (path === '' || !existsSync(join(PROJECT_ROOT, path))) return []
    const text = readFileSync(join(PROJECT_ROOT, path), 'utf8')
    if (text.includes('\0')) return []
    const isCode = /\.(?:ts|mjs)$/.test(path)
    return [
      isCode ? readSource(path, text) : { path, text, code: '', codeAndStrings: '', comments: '' },
    ]
  })
}
