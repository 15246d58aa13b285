/** Requests for selections on their way into the log of partition 0. */

import type { SelectionReceipt } from '../model/selection.ts'
import { type ControlPorts, storeControl } from './control-sending.ts'
import { encodeErrand } from './encode-errand.ts'

/**
 * Publishes a request to select a segment under a version.
 * @throws StreamFullError, BrokerUnavailableError
 */
export async function sendSelection(
  segment: string,
  version: number,
  ports: ControlPorts,
): Promise<SelectionReceipt> {
  const id = ports.newId('select')
  const data = encodeErrand({ kind: 'select', id, segment, version, atMs: null, order: null })
  return { id, segment, version, sequence: await storeControl(0, data, ports) }
}
