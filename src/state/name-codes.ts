/** Numbers for names: a list of them, and beside it the way back, which is in no image. */

const known = new WeakMap<readonly string[], Map<string, number>>()

/** Position of a name in the list, from 1. One that is new is added at the end. */
export function codeOfName(names: string[], name: string): number {
  let codes = known.get(names)
  // A list that was loaded, or that somebody else has added to.
  if (codes === undefined || codes.size !== names.length) {
    codes = new Map(names.map((each, index) => [each, index + 1]))
    known.set(names, codes)
  }
  let code = codes.get(name)
  if (code === undefined) {
    code = names.push(name)
    codes.set(name, code)
  }
  return code
}
