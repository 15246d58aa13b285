/** A source file as the tidy rules see it: text, and the same text with parts of it blanked out. */

/** All texts have the length and the line breaks of `text`; what is left out is spaces. */
export interface SourceText {
  /** Path below the project's folder, with forward slashes. */
  readonly path: string
  readonly text: string
  /** Without comments and without the contents of strings and regular expressions. */
  readonly code: string
  /** Without comments. */
  readonly codeAndStrings: string
  /** Comments only. */
  readonly comments: string
}

/** One import or re-export: what it names, and from where. */
export interface ImportOf {
  readonly specifier: string
  /** Text between `import` and `from`; empty for bare and dynamic imports. */
  readonly clause: string
}

const CODE = 0
const STRING = 1
const COMMENT = 2

/** Characters after which a slash begins a regular expression, not a division. */
const BEFORE_REGEX = new Set('(,=:[!&|?{};+-*%<>~^\n')

/**
 * Splits a TypeScript or JavaScript text. Template strings count as strings, their `${}` as code.
 */
export function readSource(path: string, text: string): SourceText {
  const kinds = classify(text)
  const keep = (kept: readonly number[]): string => {
    let result = ''
    for (let i = 0; i < text.length; i++) {
      result += text[i] === '\n' || kept.includes(kinds[i]!) ? text[i] : ' '
    }
    return result
  }
  return {
    path,
    text,
    code: keep([CODE]),
    codeAndStrings: keep([CODE, STRING]),
    comments: keep([COMMENT]),
  }
}

/** All static, bare and dynamic imports and re-exports of a file. */
export function importsOf(source: SourceText): ImportOf[] {
  const found: ImportOf[] = []
  const pattern =
    /\b(?:import|export)\b([^'"`;]*?)\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g
  for (const match of source.codeAndStrings.matchAll(pattern)) {
    // The word itself may stand in a string.
    if (source.code[match.index] === ' ') continue
    found.push({ specifier: match[2] ?? match[3] ?? '', clause: match[1] ?? '' })
  }
  return found
}

/** The kind of every character: CODE, STRING (between the quotes) or COMMENT. */
function classify(text: string): Uint8Array {
  const kinds = new Uint8Array(text.length)
  /** Depth of braces at which each open `${` ends. */
  const templateDepths: number[] = []
  let depth = 0
  let i = 0
  const mark = (end: number, kind: number): void => {
    kinds.fill(kind, i, end)
    i = end
  }
  while (i < text.length) {
    const character = text[i]!
    if (text.startsWith('//', i)) mark(endOf(text, '\n', i), COMMENT)
    else if (text.startsWith('/*', i)) mark(endOf(text, '*/', i + 2) + 2, COMMENT)
    else if (character === "'" || character === '"') {
      i++
      mark(endOfString(text, i, character), STRING)
      i++
    } else if (character === '`' || (character === '}' && templateDepths.at(-1) === depth)) {
      if (character === '}') templateDepths.pop()
      i++
      mark(endOfTemplate(text, i), STRING)
      if (text[i] === '$') {
        templateDepths.push(depth)
        i += 2
      } else i++
    } else if (character === '/' && isRegexStart(text, i)) {
      i++
      mark(endOfRegex(text, i), STRING)
      i++
    } else {
      if (character === '{') depth++
      if (character === '}') depth--
      i++
    }
  }
  return kinds
}

function endOf(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from)
  return at < 0 ? text.length : at
}

function endOfString(text: string, from: number, quote: string): number {
  let i = from
  while (i < text.length && text[i] !== quote && text[i] !== '\n') i += text[i] === '\\' ? 2 : 1
  return Math.min(i, text.length)
}

function endOfTemplate(text: string, from: number): number {
  let i = from
  while (i < text.length && text[i] !== '`' && !text.startsWith('${', i)) {
    i += text[i] === '\\' ? 2 : 1
  }
  return Math.min(i, text.length)
}

function endOfRegex(text: string, from: number): number {
  let isInClass = false
  let i = from
  while (i < text.length && text[i] !== '\n' && (isInClass || text[i] !== '/')) {
    if (text[i] === '[') isInClass = true
    if (text[i] === ']') isInClass = false
    i += text[i] === '\\' ? 2 : 1
  }
  return Math.min(i, text.length)
}

function isRegexStart(text: string, at: number): boolean {
  const before = text.slice(0, at).trimEnd()
  return before === '' || BEFORE_REGEX.has(before.at(-1)!) || /\breturn$/.test(before)
}
