/** Leaves of conditions: names, members and the functions, resolved against the catalog. */

import type { ASTNode } from '@marcbachmann/cel-js'
import type { CounterSpec, CounterWindowSpec } from '../model/catalog.ts'
import { type CalendarUnit, type Expression, LIST_NAMES } from '../model/expression.ts'
import { parseDayNumber, SIZE_UNITS } from '../model/quantity.ts'
import { previousTagOf } from '../model/segment.ts'
import { suggestWord } from '../model/spelling.ts'
import type { ReportAt } from './cel-text.ts'
import { DAY_FUNCTIONS, type DayFunction, daysNode, isDayFunction } from './condition-days.ts'
import { isCodeColumn, type Typed } from './condition-types.ts'
import { makeBool, makeCompare, makeNumber } from './fold.ts'
import { COLUMN_NAMES, type NameTable } from './names.ts'

/** What a condition is for: it decides what may be read. */
export type ConditionPurpose =
  | 'when'
  | 'cancelWhen'
  | 'where'
  | 'value'
  | 'audience'
  | 'segment'
  | 'score'
  | 'message'

const BROKEN: Typed = { type: 'broken' }

const FUNCTIONS = ['previous', 'has', 'date'] as const

/** Purposes that read counters. */
const COUNTING: readonly ConditionPurpose[] = ['when', 'value', 'segment', 'score', 'message']

const PURPOSE_READS: Readonly<Record<ConditionPurpose, string>> = {
  when: 'counters, tags, fields, lists and params',
  cancelWhen: 'tags, fields, lists and params',
  value: 'counters, tags, fields, lists and params',
  audience: 'tags, fields, lists and params',
  segment: 'counters, tags, fields, lists and params',
  score: 'counters, tags, fields, lists and params',
  message: 'counters, tags, fields, lists and params',
  where: `the columns ${COLUMN_NAMES.join(', ')} and params`,
}

/** Resolves leaves and remembers what was read. */
export class LeafResolver {
  isReading = false
  readonly calendarUnits = new Set<CalendarUnit>()
  readonly #purpose: ConditionPurpose
  readonly #names: NameTable
  readonly #report: ReportAt

  constructor(purpose: ConditionPurpose, names: NameTable, report: ReportAt) {
    this.#purpose = purpose
    this.#names = names
    this.#report = report
  }

  get #isOfSegment(): boolean {
    return this.#purpose === 'segment' || this.#purpose === 'score'
  }

  /** A bare name: a size constant, a column, a dictionary word; anything else is a mistake. */
  identifier(place: ASTNode, name: string): Typed {
    const unitBytes = SIZE_UNITS.get(name)
    if (unitBytes !== undefined && name !== 'B') return number(unitBytes)
    if (this.#purpose !== 'where') return this.unknownName(place, name)
    const column = COLUMN_NAMES.find((candidate) => candidate === name)
    if (column === undefined) return { type: 'word', word: name }
    const node: Expression = Object.freeze({ kind: 'column', column })
    return isCodeColumn(column) ? { type: 'code', node, column } : { type: 'number', node }
  }

  /** Reports a bare name that means nothing here, with the way it was probably meant. */
  unknownName(place: ASTNode, name: string): Typed {
    const { counters, tags, fields, parameters } = this.#names
    if (this.#purpose === 'where') {
      const hint = suggestWord(name, COLUMN_NAMES)
      return this.#refuse(place, 'unknown-name', `"${name}" means nothing here`, hint)
    }
    const counter = counters.get(name)
    if (counter) {
      const keys = counter.counterWindows.map((window) => `${name}.${window.key}`)
      const message = `${name} is a counter: say which counter window`
      return this.#refuse(place, 'unknown-name', message, `did you mean ${keys.join(' or ')}?`)
    }
    if (counter === null) return BROKEN
    const owners: readonly (readonly [string, ReadonlyMap<string, unknown>])[] = [
      ['tags', tags],
      ['fields', fields],
      ['params', parameters],
    ]
    const owner = owners.find(([, declared]) => declared.has(name))?.[0]
    const known = [...counters.keys(), ...SIZE_UNITS.keys(), 'tags', 'fields', 'lists', 'params']
    const hint =
      owner === undefined
        ? (suggestWord(name, known) ?? `a condition reads ${PURPOSE_READS[this.#purpose]}`)
        : `did you mean ${owner}.${name}?`
    return this.#refuse(place, 'unknown-name', `"${name}" means nothing here`, hint)
  }

  /** `owner.name`. */
  member(place: ASTNode, owner: ASTNode, name: string): Typed {
    if (owner.op !== 'id') {
      const message = 'names have two parts, like tags.seed or data.day'
      return this.#refuse(place, 'condition-syntax', message)
    }
    switch (owner.args) {
      case 'params':
        return this.#parameter(place, name)
      case 'tags':
        return this.#tag(place, name)
      case 'lists':
        return this.#list(place, name)
      case 'fields':
        return this.#field(place, name)
      case 'wasIn':
        return this.#wasIn(place, name)
      default:
        return this.#counter(place, owner.args, name, 0)
    }
  }

  /**
   * `has(fields.x)`, `previous(counter.window, n)`, `date("YYYY-MM-DD")`, and in segments
   * `daysSince(x)`, `daysUntil(x)` of any part, which `compile` is for.
   */
  call(
    place: ASTNode,
    name: string,
    args: readonly ASTNode[],
    compile: (part: ASTNode) => Typed,
  ): Typed {
    if (isDayFunction(name)) return this.#days(place, name, args, compile)
    if (name === 'has') return this.#has(place, args)
    if (name === 'previous') return this.#previous(place, args)
    if (name === 'date') return this.#date(place, args)
    const message = `"${name}" is no function that conditions have`
    const known: readonly string[] = [...FUNCTIONS, ...(this.#isOfSegment ? DAY_FUNCTIONS : [])]
    const hint = suggestWord(name, known) ?? `they have: ${known.join(', ')}`
    return this.#refuse(place, 'unknown-function', message, hint)
  }

  #parameter(place: ASTNode, name: string): Typed {
    const value = this.#lookUp(place, 'params', 'parameter', this.#names.parameters, name)
    if (value === null) return BROKEN
    return typeof value === 'boolean' ? { type: 'bool', node: makeBool(value) } : number(value)
  }

  #tag(place: ASTNode, name: string): Typed {
    if (!this.#isAllowed(place, 'tags')) return BROKEN
    const tag = this.#lookUp(place, 'tags', 'tag', this.#names.tags, name)
    if (tag === null) return BROKEN
    return { type: 'bool', node: Object.freeze({ kind: 'tag', tag: tag.name }) }
  }

  /** Whether the subscriber was a member of a segment before it was selected last. */
  #wasIn(place: ASTNode, name: string): Typed {
    if (!this.#isAllowed(place, 'tags')) return BROKEN
    const isKept = this.#lookUp(place, 'segments', 'segment', this.#names.segments, name)
    if (isKept === null) return BROKEN
    if (isKept)
      return { type: 'bool', node: Object.freeze({ kind: 'tag', tag: previousTagOf(name) }) }
    const message = `the segment "${name}" does not keep who was a member before`
    return this.#refuse(place, 'not-kept', message, 'give it keepPrevious: true')
  }

  #days(
    place: ASTNode,
    name: DayFunction,
    args: readonly ASTNode[],
    compile: (part: ASTNode) => Typed,
  ): Typed {
    if (!this.#isOfSegment) {
      const message = `"${name}" is for segments: nothing happens to a subscriber as days pass`
      const hint = 'select such subscribers daily into a tag'
      return this.#refuse(place, 'unknown-function', message, hint)
    }
    const [part] = args
    if (part === undefined || args.length > 1) {
      return this.#refuse(place, 'condition-syntax', `${name}() takes one date or time`)
    }
    const argument = compile(part)
    if (argument.type === 'broken') return BROKEN
    const node = daysNode(name, argument, this.#names)
    if ('kind' in node) return { type: 'number', node }
    return this.#refuse(place, 'condition-type', node.problem, node.hint)
  }

  #list(place: ASTNode, name: string): Typed {
    if (!this.#isAllowed(place, 'lists')) return BROKEN
    const list = LIST_NAMES.find((candidate) => candidate === name)
    if (list !== undefined) return { type: 'bool', node: Object.freeze({ kind: 'list', list }) }
    const hint = suggestWord(name, LIST_NAMES) ?? `lists are: ${LIST_NAMES.join(', ')}`
    return this.#refuse(place, 'unknown-list', `there is no list "${name}"`, hint)
  }

  #field(place: ASTNode, name: string): Typed {
    if (!this.#isAllowed(place, 'fields')) return BROKEN
    const field = this.#lookUp(place, 'fields', 'field', this.#names.fields, name)
    if (field === null) return BROKEN
    const node: Expression = Object.freeze({ kind: 'field', field: field.name })
    if (field.type === 'enum') return { type: 'enum', node, field }
    if (field.type === 'bool') return { type: 'bool', node: makeCompare('!=', node, makeNumber(0)) }
    return { type: field.type, node }
  }

  #has(place: ASTNode, args: readonly ASTNode[]): Typed {
    const [argument] = args
    const isField =
      args.length === 1 &&
      argument?.op === '.' &&
      argument.args[0].op === 'id' &&
      argument.args[0].args === 'fields'
    if (!isField) {
      const message = 'has() asks whether one field is set'
      return this.#refuse(place, 'condition-syntax', message, 'like has(fields.plan)')
    }
    if (!this.#isAllowed(place, 'fields')) return BROKEN
    const name = String(argument.args[1])
    const field = this.#lookUp(argument, 'fields', 'field', this.#names.fields, name)
    if (field === null) return BROKEN
    return { type: 'bool', node: Object.freeze({ kind: 'has', field: field.name }) }
  }

  #previous(place: ASTNode, args: readonly ASTNode[]): Typed {
    const [target, count] = args
    const isCounter = target?.op === '.' && target.args[0].op === 'id'
    const back = count === undefined ? 1 : literalCount(count)
    if (!isCounter || args.length > 2 || back === null) {
      const message = 'previous() takes a counter and, optionally, how many periods back (1 to 12)'
      return this.#refuse(place, 'condition-syntax', message, 'like previous(ott.month, 2)')
    }
    const [owner, key] = target.args as [ASTNode, string]
    return this.#counter(target, String(owner.args), key, back)
  }

  #date(place: ASTNode, args: readonly ASTNode[]): Typed {
    const [argument] = args
    const isText =
      args.length === 1 && argument?.op === 'value' && typeof argument.args === 'string'
    const day = isText ? parseDayNumber(argument.args as string) : null
    if (day !== null) return { type: 'date', node: makeNumber(day) }
    const message = 'date() takes an existing date in quotes'
    return this.#refuse(argument ?? place, 'condition-syntax', message, 'like date("2026-11-30")')
  }

  #counter(place: ASTNode, name: string, key: string, previous: number): Typed {
    if (!this.#isAllowed(place, 'counters')) return BROKEN
    const { counters } = this.#names
    const spec = counters.get(name)
    if (spec === undefined) {
      if (!this.#names.isComplete) return BROKEN
      const known = [...counters.keys(), 'tags', 'fields', 'lists', 'params']
      const declared = `declared: ${[...counters.keys()].slice(0, 12).join(', ') || 'none'}`
      const hint = suggestWord(name, known) ?? declared
      return this.#refuse(place, 'unknown-counter', `there is no counter "${name}"`, hint)
    }
    if (spec === null) return BROKEN
    const window = spec.counterWindows.find((candidate) => candidate.key === key)
    if (window === undefined) return this.#unknownWindow(place, spec, key)
    if (previous > 0 && !this.#isKept(place, spec, window, previous)) return BROKEN
    if (window.kind === 'calendar') this.calendarUnits.add(window.unit)
    const node = { kind: 'counter', counter: name, counterWindow: key, previous } as const
    return { type: 'number', node: Object.freeze(node) }
  }

  #unknownWindow(place: ASTNode, spec: CounterSpec, key: string): Typed {
    const keys = spec.counterWindows.map((window) => window.key)
    const hint = suggestWord(key, keys) ?? `it has: ${keys.join(', ')}`
    const offset = place.op === '.' ? place.end - key.length : place.start
    const message = `the counter "${spec.name}" has no counter window "${key}"`
    this.#report(offset, 'unknown-counter-window', message, hint)
    return BROKEN
  }

  #isKept(place: ASTNode, spec: CounterSpec, window: CounterWindowSpec, previous: number): boolean {
    if (window.kind !== 'calendar') {
      const message = `${spec.name}.${window.key} is no calendar period: nothing comes before it`
      this.#refuse(place, 'not-kept', message)
      return false
    }
    if (previous <= spec.keep) return true
    const message = `the counter "${spec.name}" keeps ${spec.keep} past periods, not ${previous}`
    this.#refuse(place, 'not-kept', message, `give it keep: ${previous}`)
    return false
  }

  /** Whether the purpose may read that kind of thing; reports otherwise. */
  #isAllowed(place: ASTNode, what: 'counters' | 'tags' | 'fields' | 'lists'): boolean {
    const isAllowed =
      what === 'counters' ? COUNTING.includes(this.#purpose) : this.#purpose !== 'where'
    this.isReading ||= isAllowed
    if (!isAllowed) {
      const message = `"${this.#purpose}" reads ${PURPOSE_READS[this.#purpose]} only`
      this.#refuse(place, 'not-readable', message)
    }
    return isAllowed
  }

  /**
   * A declared thing by name; null after reporting, or when it is broken and was reported already.
   */
  #lookUp<T>(
    place: ASTNode,
    owner: string,
    what: string,
    declared: ReadonlyMap<string, T | null>,
    name: string,
  ): T | null {
    const found = declared.get(name)
    if (found !== undefined) return found
    if (!this.#names.isComplete) return null
    const nearest = suggestWord(name, declared.keys())
    const names = [...declared.keys()].slice(0, 12).join(', ')
    const hint = nearest ?? `declared in ${owner}: ${names || 'none'}`
    this.#refuse(place, `unknown-${what}`, `there is no ${what} "${name}"`, hint)
    return null
  }

  #refuse(place: ASTNode, code: string, message: string, suggestion?: string): Typed {
    this.#report(place.start, code, message, suggestion)
    return BROKEN
  }
}

function number(value: number): Typed {
  return { type: 'number', node: makeNumber(value) }
}

/** A literal whole number from 1 to 12, or null. */
function literalCount(node: ASTNode): number | null {
  if (node.op !== 'value' || typeof node.args !== 'bigint') return null
  const count = Number(node.args)
  return count >= 1 && count <= 12 ? count : null
}
