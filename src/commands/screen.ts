/** What the demo and the probes say while they run: lines, and one line that is written over. */

/** Where lines go; `progress` replaces itself on a terminal. */
export interface Screen {
  say(line: string): void
  progress(line: string): void
  /** Leaves the last progress line standing. */
  settle(): void
}

/** On anything but a terminal a progress line comes this often at most. */
const PLAIN_PROGRESS_MS = 2_000

/** A screen on standard output, or on standard error where the output belongs to machines. */
export function createScreen(stream: NodeJS.WriteStream): Screen {
  const isTerminal = stream.isTTY === true
  let isProgressing = false
  let saidMs = 0
  const settle = (): void => {
    if (isProgressing && isTerminal) stream.write('\n')
    isProgressing = false
  }
  return {
    settle,
    say(line: string): void {
      settle()
      stream.write(`${line}\n`)
    },
    progress(line: string): void {
      if (isTerminal) {
        stream.write(`\r\u001b[K${line.slice(0, (stream.columns ?? 120) - 1)}`)
        isProgressing = true
        return
      }
      if (Date.now() - saidMs < PLAIN_PROGRESS_MS) return
      saidMs = Date.now()
      stream.write(`${line}\n`)
    },
  }
}

/** `12.3 M`, `4.5 k`, `678`. */
export function shortCount(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(count >= 1e8 ? 0 : 2)} M`
  return count >= 1e4 ? `${(count / 1e3).toFixed(1)} k` : String(Math.round(count))
}

/** `1,234,567` */
export function fullCount(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}
