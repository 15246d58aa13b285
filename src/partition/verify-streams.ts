/** Whether an image and the streams go together: what a start would check before its claim. */

import type { OutputStream, Source } from '../model/ports.ts'
import type { ManifestHead } from './image.ts'
import { chainStartOf, readTail } from './output-tail.ts'
import { checkInput, checkOutput } from './recovery.ts'
import { type Check, reasonOf } from './verify.ts'

/** `head`: null where there is no image, and IN must be whole from genesis. Reads, and no more. */
export async function verifyStreams(
  head: ManifestHead | null,
  source: Source,
  output: OutputStream,
): Promise<Check[]> {
  const checks: Check[] = []
  const run = async (name: string, check: () => Promise<string>): Promise<void> => {
    try {
      checks.push({ name, outcome: 'ok', detail: await check() })
    } catch (error) {
      checks.push({ name, outcome: 'failed', detail: reasonOf(error) })
    }
  }
  await run('input', async () => {
    const state = await source.state()
    await checkInput(source, state, head)
    return `holds ${state.firstSequence} to ${state.lastSequence}, we stand at ${head?.sequence ?? 0}`
  })
  await run('output', async () => {
    const state = await output.state()
    await checkOutput(output, state, head)
    const end = head?.outputEndSequence ?? 0
    if (state.lastSequence < end) {
      throw new Error(`output-truncated: it ends at ${state.lastSequence}, the image saw ${end}`)
    }
    return `holds ${state.firstSequence} to ${state.lastSequence}`
  })
  await run('chain', async () => {
    const { lastSequence } = await output.state()
    const start = chainStartOf(head)
    const { lastNumber, digests } = await readTail(output, start, lastSequence)
    return `decisions up to ${lastNumber}, ${digests.size} messages past the image`
  })
  return checks
}
