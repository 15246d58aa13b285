/** Suggestions for misspelt words. */

/**
 * The candidate nearest to `word` by edits (swaps count once), or null when none is near enough to
 * mean it.
 */
export function nearestWord(word: string, candidates: Iterable<string>): string | null {
  if (word.length > WORD_LENGTH_MAX) return null
  let best: string | null = null
  // One edit in three letters, at least one and at most three.
  let bestDistance = Math.min(3, Math.max(1, Math.floor(word.length / 3))) + 1
  const folded = word.toLowerCase()
  for (const candidate of candidates) {
    if (candidate.length > WORD_LENGTH_MAX) continue
    const distance = editDistance(folded, candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `did you mean "x"?`, or undefined when nothing is near. */
export function suggestWord(word: string, candidates: Iterable<string>): string | undefined {
  const nearest = nearestWord(word, candidates)
  return nearest === null ? undefined : `did you mean "${nearest}"?`
}

/** Longer words are not worth a suggestion: the cost grows with the product of the lengths. */
const WORD_LENGTH_MAX = 64

/** Optimal string alignment distance: insert, delete, replace, swap neighbours. */
function editDistance(source: string, target: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: target.length + 1 }, (_, index) => index)
  for (let i = 1; i <= source.length; i++) {
    const current = [i]
    for (let j = 1; j <= target.length; j++) {
      const isSame = source[i - 1] === target[j - 1]
      let distance = Math.min(
        previous[j]! + 1,
        current[j - 1]! + 1,
        previous[j - 1]! + (isSame ? 0 : 1),
      )
      const isSwap =
        i > 1 && j > 1 && source[i - 1] === target[j - 2] && source[i - 2] === target[j - 1]
      if (isSwap) distance = Math.min(distance, beforePrevious[j - 2]! + 1)
      current.push(distance)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[target.length]!
}
