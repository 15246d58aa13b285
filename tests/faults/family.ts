/**
 * What `npm run faults` knows of one kind of fault. A family injects its fault again and again into
 * a fresh installation that works all the while (an episode), lets everything drain and compares
 * what came out with what must have come out.
 */

/** One kind of fault. Families are listed in `families.ts`. */
export interface FaultFamily {
  /** Kebab-case; the first column of the table and the name on the command line. */
  readonly name: string
  /** One line for people: what is done, and what must come of it. */
  readonly summary: string
  /** Faults of a full run. */
  readonly runs: number
  /** Faults that one episode injects; a run is cut into episodes, and resumes between them. */
  readonly runsPerEpisode: number
  /** Why this machine cannot do it, in one sentence; null: it can. Default: it can. */
  readonly findObstacle?: () => Promise<string | null>
  /**
   * Injects `runs` faults into a new installation. Everything random comes from `seed`. Lost and
   * doubled deliveries are results, not errors; it throws only when it could not do its work.
   */
  readonly play: (options: EpisodeOptions) => Promise<EpisodeResult>
}

/** What one episode is told. */
export interface EpisodeOptions {
  readonly seed: number
  readonly runs: number
  /** For progress: a short text, now and then. */
  readonly say: (text: string) => void
}

/** What came of one episode. */
export interface EpisodeResult {
  /** Faults that were injected. */
  readonly runs: number
  /** Deliveries of OUT that were compared, one by one, with those of the model. */
  readonly deliveriesCompared: number
  /** Deliveries of the model that OUT lacks. */
  readonly lost: number
  /** Deliveries that OUT holds more than once, or that the model does not know. */
  readonly duplicated: number
  /** Faults after which the partition must halt, and did so with the right reason. */
  readonly haltedCleanly: number
  /** From the end of each fault (or the start of the next life) until decisions flow again. */
  readonly recoverySeconds: readonly number[]
  /** What went wrong, in words; empty when all is well. */
  readonly failures: readonly string[]
}
