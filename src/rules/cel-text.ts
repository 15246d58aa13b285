/**
 * CEL texts to the library's syntax tree, within bounds, with errors that a campaign manager can
 * act on.
 */

import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js'
import { SIZE_UNITS } from '../model/quantity.ts'

/** Longest condition, characters; the grammar's text shape holds it. */
export const CONDITION_LENGTH_MAX = 4000
/** Syntax nodes of one condition. */
export const CONDITION_NODES_MAX = 200
/** Nesting of one condition. */
export const CONDITION_DEPTH_MAX = 32

/** Reports a problem at a character of the condition's text. */
export type ReportAt = (index: number, code: string, message: string, suggestion?: string) => void

// Parsing only: names and types are resolved against the catalog by condition.ts, which reports
// every mistake at once, where the library's checker stops at the first and refuses `double * int`.
const environment = new Environment({
  unlistedVariablesAreDyn: true,
  limits: { maxAstNodes: CONDITION_NODES_MAX, maxDepth: CONDITION_DEPTH_MAX },
})

/** The syntax tree, or null after reporting why there is none. */
export function parseCel(text: string, report: ReportAt): ASTNode | null {
  try {
    return environment.parse(text).ast
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    reportSyntax(error, text, report)
    return null
  }
}

function reportSyntax(error: ParseError, text: string, report: ReportAt): void {
  const start = error.range?.start ?? 0
  if (error.code === 'limit_exceeded') {
    const limits = `${CONDITION_NODES_MAX} parts, nested ${CONDITION_DEPTH_MAX} deep`
    report(start, 'condition-too-large', `a condition has at most ${limits}`)
    return
  }
  const message = error.summary.replace(/\bEOF\b/, 'the end').replace(/^./, (c) => c.toLowerCase())
  report(start, 'condition-syntax', message, adviceFor(text, start))
}

/**
 * What people coming from SQL or prose write instead of CEL, at the place where the parser gave up.
 */
function adviceFor(text: string, start: number): string | undefined {
  const before = text.slice(0, start)
  const rest = text.slice(start)
  const unit = /^[A-Za-z]+/.exec(rest)?.[0] ?? ''
  const number = /(\d+(?:\.\d+)?)\s*$/.exec(before)?.[1]
  if (number !== undefined && SIZE_UNITS.has(unit)) return `write ${number} * ${unit}`
  if (/^(and|AND)\b/.test(rest) || /\b(and|AND)\s*\S?$/.test(before)) return 'write && for "and"'
  if (/^&/.test(rest) || /&\s*$/.test(before)) return 'write && for "and"'
  if (/^(or|OR)\b/.test(rest) || /\b(or|OR)\s*\S?$/.test(before)) return 'write || for "or"'
  if (/^\|/.test(rest) || /\|\s*$/.test(before)) return 'write || for "or"'
  if (/\b(not|NOT)\s*\S?$/.test(before)) return 'write ! for "not"'
  const isUnequal = rest.startsWith('>') && before.endsWith('<')
  if (rest.startsWith('=') || isUnequal) return 'write == for equal, != for unequal'
  return undefined
}
