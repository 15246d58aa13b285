/**
 * The closed typed tree that conditions compile to. It comes out of the CEL front end (rules/),
 * with every name resolved and every dictionary word replaced by its code, so nothing after it
 * knows text.
 */

/** A length of event time that counters are kept for. `cycle` is the subscriber's billing cycle. */
export type CalendarUnit = 'hour' | 'day' | 'week' | 'month' | 'cycle'

/** All calendar units, shortest first; the position is the unit's index in period columns. */
export const CALENDAR_UNITS: readonly CalendarUnit[] = ['hour', 'day', 'week', 'month', 'cycle']

/**
 * Columns of a usage record that a counter's `where` may read. All are numbers. The last three are
 * worked out: `hour` (0 to 23) and `weekday` (0: Monday) of the event in the subscriber's zone, and
 * the code of the place that the cell belongs to (0: none).
 */
export type UsageColumn =
  | 'bytes'
  | 'time'
  | 'rat'
  | 'app'
  | 'cell'
  | 'kind'
  | 'hour'
  | 'weekday'
  | 'place'

/** Comparisons; `==` and `!=` also between words of an enum and between booleans. */
export type CompareOperator = '<' | '<=' | '>' | '>=' | '==' | '!='
/** Arithmetic on numbers. */
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'

/**
 * A node; frozen, made once. Numbers are doubles. Value types: `number` or `bool`.
 *
 * - `counter`: the value of `counter` in `counterWindow` (its key, e.g. `day`, `last_30_days`,
 *   `lifetime`), `previous` periods back (0: the running one).
 * - `tag`, `list`: booleans of the subscriber; an unknown subscriber has none.
 * - `field`: a profile field; enums are their code, dates are days since 1970-01-01, bools 0/1.
 *   A condition that reads an unset field outside `has` is false as a whole.
 * - `has`: whether the field is set.
 * - `days-since`, in segments: days from the operand to the start of the selection. Of a `date`
 * (days since 1970-01-01): to the subscriber's local day. Of a `time` (ms): full days of 24 hours;
 *   not finite for 0, a time that never was.
 * - division by zero and anything not finite make the surrounding comparison false.
 */
export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | {
      readonly kind: 'counter'
      readonly counter: string
      readonly counterWindow: string
      readonly previous: number
    }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'list'; readonly list: ListName }
  | { readonly kind: 'field'; readonly field: string }
  | { readonly kind: 'has'; readonly field: string }
  | { readonly kind: 'column'; readonly column: UsageColumn }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'and'; readonly operands: readonly Expression[] }
  | { readonly kind: 'or'; readonly operands: readonly Expression[] }
  | {
      readonly kind: 'compare'
      readonly operator: CompareOperator
      readonly left: Expression
      readonly right: Expression
    }
  | {
      readonly kind: 'arithmetic'
      readonly operator: ArithmeticOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'negate'; readonly operand: Expression }
  | { readonly kind: 'days-since'; readonly of: 'date' | 'time'; readonly operand: Expression }
  | { readonly kind: 'in'; readonly operand: Expression; readonly values: readonly number[] }
  | {
      readonly kind: 'conditional'
      readonly test: Expression
      readonly consequent: Expression
      readonly alternate: Expression
    }

/** Lists that a subscriber may be on; `optOut` is set by the subscriber's own wish. */
export type ListName = 'black' | 'white' | 'red' | 'sensitive' | 'optOut' | 'canary'

/** All lists; the position is the bit in the subscriber's list flags. */
export const LIST_NAMES: readonly ListName[] = [
  'black',
  'white',
  'red',
  'sensitive',
  'optOut',
  'canary',
]

/** Calls `visit` for the node and every node below it, parents first. */
export function walkExpression(node: Expression, visit: (node: Expression) => void): void {
  visit(node)
  switch (node.kind) {
    case 'not':
    case 'negate':
    case 'days-since':
    case 'in':
      walkExpression(node.operand, visit)
      return
    case 'and':
    case 'or':
      for (const operand of node.operands) walkExpression(operand, visit)
      return
    case 'compare':
    case 'arithmetic':
      walkExpression(node.left, visit)
      walkExpression(node.right, visit)
      return
    case 'conditional':
      walkExpression(node.test, visit)
      walkExpression(node.consequent, visit)
      walkExpression(node.alternate, visit)
      return
    default:
      return
  }
}
