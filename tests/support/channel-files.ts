/** Configurations for tests of a channel's capacity. */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { ANN, recordAt } from './machine-script.ts'
import type { NaiveRecord } from './naive/input.ts'

/** Classes and layers that the triggers below may use; `caps` and the like may follow. */
const POLICY = `arbitration: { layers: [strong, weak], offersPerContact: 3 }
tags:
  done: {}
counters:
  data: { sum: bytes, per: [day] }
`

/**
 * Channel `sms` with this capacity, and triggers by id that fire with the first kilobyte of a day,
 * on `sms` and at once unless their text says otherwise.
 */
export function channelFiles(
  capacity: string | null,
  triggers: Readonly<Record<string, string>>,
): ConfigFiles {
  const sms = capacity === null ? '{}' : `{ capacity: ${capacity} }`
  const files: Record<string, string> = {
    'channels.yaml': `channels:\n  sms: ${sms}\n  push: {}\n`,
    'policy.yaml': POLICY,
  }
  for (const [id, rest] of Object.entries(triggers)) {
    const deliver = rest.includes('deliver:') ? '' : 'deliver: { channel: sms, at: now }\n'
    const when = rest.includes('when:') ? '' : 'when: data.day >= 1 * KiB\n'
    files[`triggers/${id}.yaml`] =
      `trigger: ${id}\n${when}once: day\n${deliver}${rest}message: hello\n`
  }
  return files
}

/** A record of two kilobytes each of so many subscribers in a row, ANN first unless said. */
export function peopleAt(time: number | string, count: number, first = ANN): NaiveRecord[] {
  return Array.from({ length: count }, (_, i) => recordAt(time, 2048, { subscriber: first + i }))
}
