/** Owners and standbys of an installation, for tests of both. */

import type { OutputStream, StreamState } from '../../src/model/ports.ts'
import { type Gate, gatedOutput, replacing } from './port-wrappers.ts'
import type { Installation, TestWorker, WorkerChoice } from './worker-harness.ts'

/** Starts a standby, promoted only when told, and waits until it follows. */
export function startStandby(
  installation: Installation,
  name: string,
  choice: WorkerChoice = {},
): Promise<TestWorker> {
  const settings = { standby: { promoteAfterMs: null }, ...choice.settings }
  return installation.startLive({ ...choice, name, settings })
}

/** An owner whose decisions wait at the gate while it is closed. */
export function startGatedOwner(installation: Installation, gate: Gate): Promise<TestWorker> {
  const wrap: WorkerChoice['wrap'] = (ports) => ({
    ...ports,
    output: gatedOutput(ports.output, gate),
  })
  return installation.startLive({ name: 'owner', wrap })
}

/** Subscribers of all decisions in OUT; throws when the chain is broken. */
export async function subscribersSaid(installation: Installation): Promise<number[]> {
  return (await installation.decisions()).map(({ sub }) => sub)
}

/** How often OUT was claimed. */
export async function claimCount(installation: Installation): Promise<number> {
  return (await installation.readOut()).filter(({ kind }) => kind === 'claim').length
}

/** An output whose state stays what it was while `isDeaf`: who asks it hears nothing new. */
export function deafOutput(output: OutputStream, isDeaf: () => boolean): OutputStream {
  let known: StreamState | null = null
  return replacing<OutputStream>(output, {
    async state() {
      if (known === null || !isDeaf()) known = await output.state()
      return known
    },
  })
}
