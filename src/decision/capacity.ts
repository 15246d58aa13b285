/**
 * How a channel's capacity is split over partitions that share no memory, so that their sum never
 * exceeds the limit: by the second, every partition has its turn; of an hour's or a day's limit
 * each has a free base, and the rest is a pool that partition 0 hands out on demand.
 */

/** Periods whose limits are split into base and pool. */
export type CapacityPeriod = 'hour' | 'day'

/** Which of how many partitions. */
export interface PartitionPlace {
  readonly partition: number
  readonly partitionCount: number
}

/** The purse that every class may use; the others bear the name of their class. */
export const GENERAL_PURSE = ''

/** A share of the hour and the day that only one class may use. */
export interface ReservedShare {
  readonly class: string
  readonly share: number
}

/**
 * What a partition may send in a second (whole seconds since the epoch). Partitions round at
 * different moments: over all of them it is `perSecond` in every single second.
 */
export function secondShare(
  perSecond: number,
  { partition, partitionCount }: PartitionPlace,
  second: number,
): number {
  // Whole rounds of partitionCount seconds give the same to everybody.
  const turn = (second % partitionCount) * perSecond + partition
  return Math.floor((turn + perSecond) / partitionCount) - Math.floor(turn / partitionCount)
}

/** What each partition may send of a limit without asking. */
export function baseShare(limit: number, partitionCount: number): number {
  return partitionCount === 1 ? limit : Math.floor(limit / (4 * partitionCount))
}

/** What is handed out on demand. */
export function poolSize(limit: number, partitionCount: number): number {
  return limit - partitionCount * baseShare(limit, partitionCount)
}

/** One purse's part of an amount: reserved shares are rounded down, the rest is everybody's. */
export function purseShare(
  amount: number,
  reserved: readonly ReservedShare[],
  purse: string,
): number {
  let rest = amount
  for (const { class: name, share } of reserved) {
    const part = Math.floor(amount * share)
    if (name === purse) return part
    rest -= part
  }
  return purse === GENERAL_PURSE ? rest : 0
}

/**
 * How much more a partition asks for at a time when so many wait: no more than these, and about its
 * base again at most, so that some partitions do not empty the pool before the others have asked.
 * Before anybody waits it asks for little: what it then does not need is lost to the others.
 */
export function askSize(pool: number, partitionCount: number, waiting: number): number {
  const divisor = waiting > 0 ? 4 : 16
  const size = Math.max(1, Math.floor(pool / (divisor * partitionCount)))
  return waiting > 0 ? Math.min(size, waiting) : size
}

/** What the authority gives of what is left: less and less, so that the last bits reach many. */
export function grantSize(wanted: number, left: number, partitionCount: number): number {
  if (left <= 0) return 0
  return Math.min(wanted, Math.max(1, Math.floor(left / (2 * partitionCount))))
}
