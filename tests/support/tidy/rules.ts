/**
 * The rules that hold in the whole project, each a function from a file to what is wrong with it.
 */

import { basename, dirname, join } from 'node:path/posix'
import { importsOf, type SourceText } from './source-text.ts'

/** Finds what is wrong with one file; a sentence each, empty when it is tidy. */
export type Rule = (source: SourceText) => string[]

const PURE_STAGES = ['decode', 'state', 'rules', 'decision', 'outbox', 'report']
const ADAPTERS = ['source', 'sink', 'store', 'config', 'http', 'metrics', 'probe']
/** Processes of their own beside the workers, and their ways to the world. */
const READERS = ['gateway', 'webhook', 'smpp', 'report']
const STAGES = [...PURE_STAGES, ...ADAPTERS, ...READERS]
const SHELL = [...STAGES, 'errors', 'model', 'partition', 'supervisor', 'launch']

/** Rooms of src/ (a folder, or a file by its name) that each room may import. */
const IMPORTABLE_ROOMS: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  launch: [],
  model: ['errors', 'model'],
  ...Object.fromEntries(STAGES.map((stage) => [stage, ['errors', 'model', stage]])),
  partition: ['errors', 'model', 'partition', ...PURE_STAGES],
  supervisor: SHELL,
  commands: [...SHELL, 'commands'],
  main: [...SHELL, 'commands'],
}

/** Packages that only these rooms may import. */
const ROOMS_OF_PACKAGE: Readonly<Record<string, readonly string[]>> = {
  nats: ['source', 'sink'],
  '@nats-io/jetstream': ['source', 'sink'],
  lmdb: ['store'],
  smpp: ['smpp'],
  fastify: ['http'],
  '@fastify/swagger': ['http'],
  'prom-client': ['metrics'],
  '@marcbachmann/cel-js': ['rules'],
}

/** Built-in modules that are pure as far as these names go. */
const PURE_BUILTINS: Readonly<Record<string, readonly string[]>> = {
  'node:zlib': ['crc32'],
  'node:crypto': ['createHash', 'hash'],
}

/** What reads a clock, chance, the process or the world, or waits. */
const IMPURE_CODE =
  /\bDate\.now\b|\bnew Date\b(?!\s*\(\s*[^)\s])|(?<!new )\bDate\(|\bMath\.random\b|\bperformance\.|\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|(?<![.\w])process\.|\bfetch\(|\bcrypto\.|\bconsole\.|\bTemporal\.Now\b/

const LINES_MAX = 400
const LINE_LENGTH_MAX = 100

/** Files that may be longer than LINES_MAX, each with its reason. */
const LONG_FILES: Readonly<Record<string, string>> = {}

const BANNED_NAMES = /^(?:utils?|helpers?|managers?|common|index)$|-(?:utils?|helpers?|manager)$/

const MACHINE_PATH = /(?<![\w.}/-])\/(?:home|Users|root|work)\/[\w.-]+/

/** Package registries, by their host names; spelled so that this file does not name one itself. */
const REGISTRY_HOST = new RegExp(
  [
    String.raw`registry\.[\w-]+\.(?:org|com|io|dev)`,
    String.raw`[\w-]+\.pkg\.dev`,
    String.raw`(?:files\.)?pythonhosted\.org`,
    ...['pypi org', 'crates io', 'proxy golang org', 'deb debian org', 'gcr io', 'ghcr io'].map(
      (host) => String.raw`(?<![\w-])${host.replaceAll(' ', String.raw`\.`)}(?![\w-])`,
    ),
    String.raw`repo\d?\.maven\.`,
  ].join('|'),
)

/** Room of a file below src/: its folder, or its own name; null elsewhere. */
export function roomOf(path: string): string | null {
  const match = /^src\/([^/.]+)/.exec(path)
  return match === null ? null : match[1]!
}

/** Rooms import only what design says; stages never import one another. */
export const importsOnlyAllowedRooms: Rule = (source) => {
  const room = roomOf(source.path)
  if (room === null) return []
  const allowed = IMPORTABLE_ROOMS[room]
  if (allowed === undefined) return [`${room} is no room of src/`]
  const problems: string[] = []
  for (const { specifier } of importsOf(source)) {
    if (!specifier.startsWith('.')) continue
    const target = roomOf(join(dirname(source.path), specifier))
    if (target === null) problems.push(`imports ${specifier}, which is outside src/`)
    else if (!allowed.includes(target)) problems.push(`${room} must not import ${target}`)
  }
  return problems
}

/** Each outside world has one room; and what src/ imports is declared in package.json. */
export function importsOnlyAllowedPackages(declared: ReadonlySet<string>): Rule {
  return (source) => {
    const room = roomOf(source.path)
    if (room === null) return []
    const problems: string[] = []
    for (const { specifier } of importsOf(source)) {
      if (specifier.startsWith('.')) continue
      const name = packageOf(specifier)
      if (specifier.startsWith('node:')) {
        if (room === 'errors') problems.push(`errors must not import ${specifier}`)
      } else if (room === 'errors' || room === 'launch') {
        problems.push(`${room} must not import ${specifier}`)
      } else if (!declared.has(name)) {
        problems.push(`imports ${name}, which package.json does not list in dependencies`)
      } else if (ROOMS_OF_PACKAGE[name]?.includes(room) === false) {
        problems.push(`only ${ROOMS_OF_PACKAGE[name].join(' and ')} may import ${name}`)
      }
    }
    return problems
  }
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!
}

/** The core does no I/O and reads no clock and no chance. */
export const coreIsPure: Rule = (source) => {
  const room = roomOf(source.path)
  const isMachine = source.path.startsWith('src/partition/machine')
  if (room === null || !(isMachine || room === 'model' || PURE_STAGES.includes(room))) return []
  const problems = eachLine(source.code, IMPURE_CODE, 'the core must not use')
  for (const { specifier, clause } of importsOf(source)) {
    if (!specifier.startsWith('node:')) continue
    const allowed = PURE_BUILTINS[specifier] ?? []
    const names = clause.replace(/^\s*type\b/, '').match(/\w+/g) ?? ['all']
    if (!names.every((name) => allowed.includes(name))) {
      problems.push(`the core must not import ${names.join(', ')} from ${specifier}`)
    }
  }
  return problems
}

/** No default exports (a configuration file for a tool may need one), no barrels. */
export const exportsByName: Rule = (source) => {
  if (source.path.endsWith('.config.ts')) return []
  return eachLine(source.code, /\bexport\s+default\b|\bexport\s*\*\s*from\b/, 'no')
}

/** No enums: type stripping cannot run them. No `any`: it switches the type check off. */
export const avoidsEnumAndAny: Rule = (source) => [
  ...eachLine(source.code, /\benum\s+\w+\s*\{/, 'no'),
  ...eachLine(source.code, /(?:[:<,|&=([]|\b(?:as|extends|of|in))\s*any\b(?!\s*[(:.])/, 'no'),
  ...eachLine(source.code, /\bany\[\]/, 'no'),
]

/** Files that are read in one sitting. */
export const isNotTooLong: Rule = (source) => {
  const lines = source.text.trimEnd().split('\n').length
  if (lines <= LINES_MAX || source.path in LONG_FILES) return []
  return [`${lines} lines, more than ${LINES_MAX}`]
}

/** Comments within the columns that the formatter keeps code in; addresses cannot be broken. */
export const commentsFitTheColumns: Rule = (source) => {
  const comments = source.comments.split('\n')
  return source.text.split('\n').flatMap((line, index) => {
    const isTooLong = line.length > LINE_LENGTH_MAX && comments[index]!.trim() !== ''
    if (!isTooLong || line.includes('://')) return []
    return [`line ${index + 1}: comment of ${line.length} columns`]
  })
}

/** What is left to do has somebody who does it: `TODO(name)`. */
export const todosHaveOwners: Rule = (source) =>
  eachLine(source.comments, /\b(?:TODO|FIXME|XXX|HACK)\b(?!\([\w .-]+\))/, 'without an owner:')

/** A file is named after what it holds. */
export const hasTellingName: Rule = (source) => {
  const name = basename(source.path).replace(/\..*$/, '')
  return BANNED_NAMES.test(name) ? [`${name} says nothing of what is in it`] : []
}

/**
 * Every export of src/ carries a docstring. Shared with it: further signatures of an overload,
 * constants in one block, types derived from a value (`typeof`).
 */
export const exportsHaveDocstrings: Rule = (source) => {
  if (roomOf(source.path) === null) return []
  const lines = source.text.split('\n')
  const pattern =
    /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|const|let|class|interface|type)\s+(\w+)/
  let previousName = ''
  return lines.flatMap((line, index) => {
    const name = pattern.exec(line)?.[1]
    if (name === undefined) return []
    const before = lines[index - 1] ?? ''
    const isInBlock = line.startsWith('export const') && before.startsWith('export const')
    const isShared = name === previousName || isInBlock || /^export type .*\btypeof\b/.test(line)
    previousName = name
    return isShared || before.endsWith('*/') ? [] : [`${name} has no docstring`]
  })
}

/** Nothing in the repository knows the machine it was written on; for files of every kind. */
export const namesNoMachine: Rule = (source) => [
  ...eachLine(source.text, MACHINE_PATH, 'path of a machine:'),
  ...eachLine(source.text, REGISTRY_HOST, 'host of a package registry:'),
]

function eachLine(text: string, pattern: RegExp, complaint: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const match = pattern.exec(line)
    return match === null ? [] : [`line ${index + 1}: ${complaint} ${match[0].trim()}`]
  })
}
