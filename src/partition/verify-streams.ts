/** Whether an image and the streams go together: what a start would check before its claim. */

import type { OutputStream, Source } from '../model/ports.ts'
import type { EngineIdentity, ManifestHead } from './image.ts'
import { surveyStreams } from './recovery.ts'
import { type Check, reasonOf } from './verify.ts'

/**
 * The survey of a start, rulings included, as checks. `head`: null where there is no image, and IN
 * must be whole from genesis. Reads, and no more.
 */
export async function verifyStreams(
  head: ManifestHead | null,
  source: Source,
  output: OutputStream,
  engine: EngineIdentity,
): Promise<Check[]> {
  try {
    const { input, output: found, tail } = await surveyStreams({ source, output }, head, engine)
    const stand = head?.sequence ?? 0
    const messages = `${tail.digests.size} messages past the image`
    return [
      ok('input', `holds ${input.firstSequence} to ${input.lastSequence}, we stand at ${stand}`),
      ok('output', `holds ${found.firstSequence} to ${found.lastSequence}`),
      ok('chain', `decisions up to ${tail.lastNumber}, ${messages}`),
    ]
  } catch (error) {
    // The survey ends with the first thing that is wrong.
    const detail = reasonOf(error)
    const failed = NAMES.find((name) => detail.startsWith(name)) ?? 'chain'
    return NAMES.map((name) =>
      name === failed
        ? { name, outcome: 'failed', detail }
        : { name, outcome: 'skipped', detail: `after what is wrong with ${failed}` },
    )
  }
}

const NAMES = ['input', 'output', 'chain'] as const

function ok(name: (typeof NAMES)[number], detail: string): Check {
  return { name, outcome: 'ok', detail }
}
