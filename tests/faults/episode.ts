/**
 * Plays one episode in a process of its own: `episode.ts FAMILY SEED RUNS`. Tells its parent what
 * it does and what came of it.
 */

import { FAMILIES } from './families.ts'
import type { EpisodeResult } from './family.ts'

/** What an episode's process sends to its parent. */
export type EpisodeMessage =
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'result'; readonly result: EpisodeResult }

const [name, seed, runs] = process.argv.slice(2)
const family = FAMILIES.find((each) => each.name === name)
if (family === undefined) throw new Error(`no family ${name}`)

const result = await family.play({
  seed: Number(seed),
  runs: Number(runs),
  say: (text) => send({ kind: 'say', text }),
})
await send({ kind: 'result', result })
process.disconnect()
// What an episode left behind goes with its process; its servers are stopped by their owners.
process.exit(0)

function send(message: EpisodeMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, {}, (error) => (error === null ? resolve() : reject(error)))
  })
}
