/** Where in a text something is, as people and editors count. */

/** Line and column, both from 1; columns are UTF-16 units. */
export interface TextPlace {
  readonly line: number
  readonly column: number
}

/**
 * The place of a character offset; offsets outside the text are moved into it. Counted from the
 * text itself: the YAML parser's own counter misses line ends inside some broken scalars.
 */
export function placeOf(text: string, offset: number): TextPlace {
  const end = Math.max(0, Math.min(offset, text.length))
  let line = 1
  let lineStart = 0
  for (
    let next = text.indexOf('\n');
    next >= 0 && next < end;
    next = text.indexOf('\n', lineStart)
  ) {
    line++
    lineStart = next + 1
  }
  return { line, column: end - lineStart + 1 }
}
