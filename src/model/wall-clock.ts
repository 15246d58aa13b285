/** Wall-clock time of one zone, as stages see it; state/zone.ts implements it. */
export interface WallClock {
  /** Local day number (days since 1970-01-01) of an instant. */
  dayAt(instantMs: number): number
  /** Local minute of the day, with fraction. */
  minuteAt(instantMs: number): number
  /**
   * First instant at which the wall clock shows that minute of that day, or the end of the gap that
   * skips it.
   */
  instantOf(day: number, minuteOfDay: number): number
}
