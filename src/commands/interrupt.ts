/** Ctrl-C and SIGTERM as an AbortSignal, for commands that end in good order. */

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
