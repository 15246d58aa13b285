/** Which columns of a CSV hold what of a profile: by their names, or as somebody maps them. */

import { UsageError } from '../errors.ts'
import type { FieldSpec, TagSpec } from '../model/catalog.ts'
import { LIST_NAMES, type ListName } from '../model/expression.ts'
import { suggestWord } from '../model/spelling.ts'
import { positionByName, splitOutsideQuotes, unknownColumn, unquote } from './csv-map.ts'

/** What the configuration declares of profiles. */
export interface ProfileDeclarations {
  readonly tags: readonly TagSpec[]
  readonly fields: readonly FieldSpec[]
}

/** What a column sets. */
export type ProfileTarget =
  | { readonly kind: 'sub' | 'zone' | 'cycleDay' }
  | { readonly kind: 'tag'; readonly tag: TagSpec }
  | { readonly kind: 'field'; readonly field: FieldSpec }
  | { readonly kind: 'list'; readonly list: ListName }

/** One column that is imported; `position` counts from zero, `title` is what people call it. */
export interface ProfileColumn {
  readonly target: ProfileTarget
  readonly position: number
  readonly title: string
}

/** A file's columns, `sub` first. */
export interface ProfileColumns {
  readonly columns: readonly ProfileColumn[]
  /** Fields of each line. */
  readonly fieldCount: number
  readonly hasHeader: boolean
  /** Titles of the columns that are not imported. */
  readonly ignored: readonly string[]
}

const NUMBER = /^\+?[0-9]+$/

/**
 * Finds the columns in a file's first line. Without a map, columns named `sub`, `zone`, `cycleDay`,
 * `tags.NAME`, `fields.NAME`, `lists.NAME`, or by a plain name that only one of those has; so too
 * the others beside a map of `sub` alone. `map`: `sub=msisdn,tags.vip=vip,plan=3`, a column by its
 * name or its number from 1; with more than `sub` it names all that is imported.
 * @param isDeleting only `sub` counts, and a single column is it whatever its name
 * @throws UsageError that says what is wrong
 */
export function findProfileColumns(
  map: string | null,
  declarations: ProfileDeclarations,
  firstLine: readonly string[],
  isDeleting: boolean,
): ProfileColumns {
  const header = firstLine.map((title) => title.trim())
  const names = new TargetNames(declarations)
  const mapped = map === null ? [] : parseMap(map, names)
  const hasHeader = !isHeaderless(mapped, header, isDeleting)
  const columns = mapped.map(([target, column]) => columnOf(target, column, header, hasHeader))
  const isByName = mapped.every(([{ kind }]) => kind === 'sub')
  if (isDeleting) {
    if (!isByName) throw new UsageError('--map: with --delete there is only sub')
    if (mapped.length === 0 && header.length === 1) columns.push(firstColumn(header, hasHeader))
  }
  if (isByName && hasHeader) columns.push(...columnsByName(names, header, columns, isDeleting))
  const first = columns.find(({ target }) => target.kind === 'sub')
  if (first === undefined) {
    throw new UsageError('no column is called sub: say which holds the numbers, --map sub=COLUMN')
  }
  const others = columns.filter((column) => column !== first)
  if (others.length === 0 && !isDeleting) {
    throw new UsageError(
      'beside the numbers there is nothing to import: name columns like tags.NAME or fields.NAME, ' +
        'or say --map sub=COLUMN,tags.NAME=COLUMN',
    )
  }
  const used = new Set(columns.map(({ position }) => position))
  const isIgnored = (title: string, position: number) => title !== '' && !used.has(position)
  const ignored = hasHeader ? header.filter(isIgnored) : []
  // A delimiter too many at the end of the header makes no column.
  const titled = header.findLastIndex((title) => title !== '') + 1
  const fieldCount = hasHeader ? titled : header.length
  return { columns: [first, ...others], fieldCount, hasHeader, ignored }
}

type Mapped = readonly (readonly [target: ProfileTarget, column: string])[]

function parseMap(map: string, names: TargetNames): Mapped {
  const mapped: (readonly [ProfileTarget, string])[] = []
  const seen = new Set<string>()
  for (const entry of splitOutsideQuotes(map, ',')) {
    const [left = '', right, ...others] = splitOutsideQuotes(entry, '=')
    const name = left.trim()
    const column = unquote(right ?? '')
    if (column === '' || others.length > 0) {
      throw new UsageError(`--map: ${name} needs a column, as in ${name}=NAME or ${name}=3`)
    }
    const target = names.find(name)
    if (target === null) throw names.unknown(name)
    if (seen.has(targetName(target))) throw new UsageError(`--map: ${name} is given twice`)
    seen.add(targetName(target))
    mapped.push([target, column])
  }
  return mapped
}

function isHeaderless(mapped: Mapped, header: readonly string[], isDeleting: boolean): boolean {
  const sub = mapped.find(([{ kind }]) => kind === 'sub')?.[1] ?? (isDeleting ? '1' : '')
  const isByNumber = mapped.every(([, column]) => isColumnNumber(column))
  return isByNumber && isColumnNumber(sub) && NUMBER.test(header[Number(sub) - 1] ?? '')
}

function columnOf(
  target: ProfileTarget,
  column: string,
  header: readonly string[],
  hasHeader: boolean,
): ProfileColumn {
  if (!isColumnNumber(column)) {
    const position = positionByName(header, column)
    if (position === null) throw unknownColumn(column, header)
    return { target, position, title: header[position]! }
  }
  const position = Number(column) - 1
  if (position >= header.length) {
    throw new UsageError(`--map: there is no column ${column}, the first line has ${header.length}`)
  }
  return { target, position, title: hasHeader ? header[position]! : `column ${column}` }
}

function firstColumn(header: readonly string[], hasHeader: boolean): ProfileColumn {
  return { target: { kind: 'sub' }, position: 0, title: hasHeader ? header[0]! : 'column 1' }
}

function columnsByName(
  names: TargetNames,
  header: readonly string[],
  known: readonly ProfileColumn[],
  isDeleting: boolean,
): ProfileColumn[] {
  const taken = new Map(known.map(({ target, title }) => [targetName(target), title]))
  const positions = new Set(known.map(({ position }) => position))
  const found: ProfileColumn[] = []
  for (const [position, title] of header.entries()) {
    if (positions.has(position)) continue
    // What --map says of the numbers stands, and with deletions nothing else counts.
    if (title === 'sub' ? taken.has('sub') : isDeleting) continue
    const target = names.find(title)
    if (target === null) {
      if (/^(?:tags|fields|lists)\./.test(title)) throw names.unknown(title)
      continue
    }
    const other = taken.get(targetName(target))
    if (other !== undefined) {
      throw new UsageError(`the columns ${other} and ${title} hold the same: choose with --map`)
    }
    taken.set(targetName(target), title)
    found.push({ target, position, title })
  }
  return found
}

function isColumnNumber(column: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(column)
}

/** A target in the words of `--map`: `sub`, `tags.vip`, `lists.black`. */
export function targetName(target: ProfileTarget): string {
  if (target.kind === 'tag') return `tags.${target.tag.name}`
  if (target.kind === 'field') return `fields.${target.field.name}`
  if (target.kind === 'list') return `lists.${target.list}`
  return target.kind
}

/** What names may mean under some declarations. */
class TargetNames {
  readonly #targets = new Map<string, ProfileTarget>([
    ['sub', { kind: 'sub' }],
    ['zone', { kind: 'zone' }],
    ['cycleDay', { kind: 'cycleDay' }],
    // As the wire has it.
    ['cycle_day', { kind: 'cycleDay' }],
  ])
  readonly #plain = new Map<string, ProfileTarget[]>()

  constructor({ tags, fields }: ProfileDeclarations) {
    for (const tag of tags) this.#add(tag.name, { kind: 'tag', tag })
    for (const field of fields) this.#add(field.name, { kind: 'field', field })
    for (const list of LIST_NAMES) this.#add(list, { kind: 'list', list })
  }

  /** null: none. @throws UsageError for a plain name that several have */
  find(name: string): ProfileTarget | null {
    const plain = this.#plain.get(name) ?? []
    const target = this.#targets.get(name)
    const all = target === undefined ? plain : [target, ...plain]
    if (all.length <= 1) return all[0] ?? null
    const choice = all.map(targetName).join(' or ')
    throw new UsageError(`${name} may be ${choice}: say which, as the column's name or in --map`)
  }

  unknown(name: string): UsageError {
    const known = [...this.#targets.keys(), ...this.#plain.keys()]
    const hint = suggestWord(name, known)
    const end = hint === undefined ? '' : ` (${hint})`
    return new UsageError(`the configuration declares no ${name}${end}`)
  }

  #add(name: string, target: ProfileTarget): void {
    this.#targets.set(targetName(target), target)
    const others = this.#plain.get(name)
    if (others === undefined) this.#plain.set(name, [target])
    else others.push(target)
  }
}
