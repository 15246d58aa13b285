/** Promotion of standbys, as asked for by a person or a machine. */

import { HighwaterError } from '../errors.ts'
import type { PromotionOutcome } from '../model/promotion.ts'
import type { PartitionWorker } from './worker.ts'

/** Claims one followed partition, or with null all of them, at once. Never rejects. */
export async function promoteStandbys(
  workers: ReadonlyMap<number, PartitionWorker>,
  partition: number | null,
): Promise<PromotionOutcome> {
  const chosen = [...workers].filter(
    ([number, worker]) => worker.isStandby && (partition === null || number === partition),
  )
  if (chosen.length === 0) return { kind: 'not-standby' }
  try {
    await Promise.all(chosen.map(([, worker]) => worker.promote()))
  } catch (error) {
    if (!(error instanceof HighwaterError)) throw error
    return { kind: 'failed', code: error.code, message: error.message }
  }
  const partitions = chosen.map(([number, worker]) => ({
    partition: number,
    epoch: worker.view().epoch,
  }))
  return { kind: 'promoted', partitions }
}
