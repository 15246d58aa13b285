/** Stable texts of what a counter counts and of what makes a trigger fire. */

/**
 * JSON with sorted keys and without white space: equal values give equal texts. A set is an array
 * in its own order.
 */
export function canonicalJson(value: unknown): string {
  if (value instanceof Set) return canonicalJson([...value])
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
}
