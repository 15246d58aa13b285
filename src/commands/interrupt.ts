/** Ctrl-C and SIGTERM, for commands that end in good order. */

/** Exit code of a command that was interrupted. */
export const INTERRUPTED = 130

/** Runs `work` with a signal that aborts on the first SIGINT or SIGTERM; the second one kills. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController()
  const interrupt = (): void => {
    stopListening()
    ending.abort()
  }
  const stopListening = (): void => {
    process.removeListener('SIGINT', interrupt)
    process.removeListener('SIGTERM', interrupt)
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    return await work(ending.signal)
  } finally {
    stopListening()
  }
}

/** What `awaitEnding` returns. */
export interface Ending {
  /** Resolves with the signal that asks for the end. */
  readonly asked: Promise<NodeJS.Signals>
  /** Aborted with it. */
  readonly signal: AbortSignal
}

/**
 * Listens for the first SIGINT or SIGTERM of a service from now on; a second one of the same kind
 * kills. To be called before anything is started: a signal that nobody listens for kills without
 * a drain.
 */
export function awaitEnding(): Ending {
  const ending = new AbortController()
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    const end = (signal: NodeJS.Signals): void => {
      resolve(signal)
      ending.abort()
    }
    process.once('SIGTERM', end)
    process.once('SIGINT', end)
  })
  return { asked, signal: ending.signal }
}
