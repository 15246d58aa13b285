/** Short configurations of several triggers that want the same subscriber. */

import type { ConfigFiles } from '../../src/model/catalog.ts'

/** What differs from a trigger that sends an SMS at once when the day's data reach 10 bytes. */
export interface PolicyTrigger {
  readonly when?: string
  readonly once?: string
  readonly at?: string
  readonly channel?: string
  /** The id unless said. */
  readonly message?: string
  /** Further lines of the trigger, and of `deliver`. */
  readonly more?: readonly string[]
  readonly deliver?: readonly string[]
}

/** The triggers by id, and lines of the policy. Tags, fields and counters are always the same. */
export function policyFiles(
  triggers: Readonly<Record<string, PolicyTrigger>>,
  policy: readonly string[] = [],
): ConfigFiles {
  const files: Record<string, string> = {
    'counters.yaml': [
      'tags: { vip: {}, gone: {}, seed: { versioned: true } }',
      'fields: { worth: { type: number } }',
      'counters: { data: { sum: bytes, per: [hour, day, month] } }',
      ...policy,
    ].join('\n'),
  }
  for (const [id, trigger] of Object.entries(triggers)) {
    files[`triggers/${id}.yaml`] = [
      `trigger: ${id}`,
      `when: '${trigger.when ?? 'data.day >= 10'}'`,
      `once: ${trigger.once ?? 'day'}`,
      ...(trigger.more ?? []),
      'deliver:',
      `  channel: ${trigger.channel ?? 'sms'}`,
      `  at: ${trigger.at ?? 'now'}`,
      ...(trigger.deliver ?? []).map((line) => `  ${line}`),
      `message: ${trigger.message ?? id}`,
    ].join('\n')
  }
  return files
}
