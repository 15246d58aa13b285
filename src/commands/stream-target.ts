/** Which installation a command of probes means, from its options. */

import { PARTITION_COUNT_MAX } from '../model/wire.ts'
import { type OptionValues, textOption, wholeOption } from './option-values.ts'
import type { StreamTarget } from './stream-writer.ts'

/** Reads `--servers`, `--config` and `--partitions`. @throws UsageError */
export function streamTarget(values: OptionValues): StreamTarget {
  const hasPartitions = values.partitions !== undefined
  return {
    servers: textOption(values, 'servers', '')
      .split(',')
      .filter((server) => server !== ''),
    configDirectory: textOption(values, 'config', null),
    partitionCount: hasPartitions
      ? wholeOption(values, 'partitions', 1, [1, PARTITION_COUNT_MAX])
      : null,
  }
}
