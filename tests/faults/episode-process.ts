/**
 * Runs one episode as a process group of its own, with a temporary folder of its own: whatever
 * becomes of it, its servers and files go with it.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EpisodeMessage } from './episode.ts'
import type { EpisodeResult } from './family.ts'

/** Nothing heard of an episode for this long: it hangs. */
const SILENCE_MAX_MS = 5 * 60_000
const OUTPUT_LENGTH_MAX = 4_000

/** Which episode, and who listens. */
export interface EpisodeOrder {
  readonly family: string
  readonly seed: number
  readonly runs: number
  readonly say: (text: string) => void
}

const running = new Set<ChildProcess>()

/**
 * Plays the episode; never rejects. What makes it fail (an error, silence, a death) is a failure of
 * its result, with the end of its output.
 */
export async function playEpisode(order: EpisodeOrder): Promise<EpisodeResult> {
  const folder = await mkdtemp(join(tmpdir(), 'highwater-faults-'))
  const { family, seed, runs } = order
  const args = [family, String(seed), String(runs)]
  const child = fork(join(import.meta.dirname, 'episode.ts'), args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, TMPDIR: folder },
  })
  running.add(child)
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_LENGTH_MAX)
    })
  }
  let result: EpisodeResult | null = null
  let isSilent = false
  const silence = setTimeout(() => {
    isSilent = true
    endGroup(child)
  }, SILENCE_MAX_MS)
  child.on('message', (message: EpisodeMessage) => {
    silence.refresh()
    if (message.kind === 'say') order.say(message.text)
    else result = message.result
  })
  await once(child, 'exit')
  clearTimeout(silence)
  endGroup(child)
  running.delete(child)
  await rm(folder, { recursive: true, force: true })
  if (result !== null) return result
  const why = isSilent
    ? 'nothing was heard of it for five minutes'
    : `it ended by itself: ${output}`
  return { ...NOTHING, failures: [why] }
}

/** Ends all episodes under way, for an interrupted run. */
export function endEpisodes(): void {
  for (const child of running) endGroup(child)
}

const NOTHING: EpisodeResult = {
  runs: 0,
  deliveriesCompared: 0,
  lost: 0,
  duplicated: 0,
  haltedCleanly: 0,
  recoverySeconds: [],
  failures: [],
}

/** The whole group: servers and workers that the episode started, if it could not stop them. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing is left of it.
  }
}
