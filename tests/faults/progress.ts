/**
 * What a long run is doing, on standard error: one line rewritten on a terminal, else a line now
 * and then.
 */

const LINE_LENGTH_MAX = 110
/** Where lines stay, they come no more often than this. */
const SAY_EVERY_MS = 30_000

/** Runs of one family, for the estimate of the time left. */
export interface FamilyPace {
  runsLeft: number
  runsDone: number
  secondsSpent: number
}

/** Progress of all families of a run. */
export class Progress {
  readonly #paces = new Map<string, FamilyPace>()
  readonly #jobs: number
  readonly #isTerminal = process.stderr.isTTY === true
  #saidAtMs = 0
  readonly #doing = new Map<string, string>()

  constructor(jobs: number) {
    this.#jobs = jobs
  }

  /** Tells what is to be done and what earlier runs have taken. */
  plan(family: string, pace: FamilyPace): void {
    this.#paces.set(family, pace)
  }

  /** An episode says what it is doing. */
  say(family: string, seed: number, text: string): void {
    this.#doing.set(family, `seed ${seed}: ${text}`)
    const nowMs = performance.now()
    if (!this.#isTerminal && nowMs - this.#saidAtMs < SAY_EVERY_MS) return
    this.#saidAtMs = nowMs
    this.#write(family)
  }

  /** An episode is over. */
  finish(family: string, runs: number, seconds: number): void {
    const pace = this.#paces.get(family)!
    pace.runsLeft = Math.max(0, pace.runsLeft - runs)
    pace.runsDone += runs
    pace.secondsSpent += seconds
    this.#doing.delete(family)
    this.#write(family)
  }

  /** A whole line that stays. */
  note(text: string): void {
    process.stderr.write(this.#isTerminal ? `\r\u001b[K${text}\n` : `${text}\n`)
  }

  /** Leaves an empty line for what follows. */
  end(): void {
    if (this.#isTerminal) process.stderr.write('\r\u001b[K')
  }

  #write(family: string): void {
    const { runsLeft, runsDone } = this.#paces.get(family)!
    const doing = this.#doing.get(family) ?? 'done'
    const left = this.#minutesLeft()
    const time = left === null ? '' : `, about ${left} min left in all`
    const line = `${family} ${runsDone} of ${runsDone + runsLeft}${time}; ${doing}`
    const short = line.length > LINE_LENGTH_MAX ? `${line.slice(0, LINE_LENGTH_MAX)}…` : line
    process.stderr.write(this.#isTerminal ? `\r\u001b[K${short}` : `${short}\n`)
  }

  /** By each family's own pace; null as long as a family has none. */
  #minutesLeft(): number | null {
    let seconds = 0
    for (const { runsLeft, runsDone, secondsSpent } of this.#paces.values()) {
      if (runsLeft === 0) continue
      if (runsDone === 0) return null
      seconds += (runsLeft * secondsSpent) / runsDone
    }
    return Math.ceil(seconds / this.#jobs / 60)
  }
}
