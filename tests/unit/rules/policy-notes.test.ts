import { describe, expect, test } from 'vitest'
import { describeChange } from '../../../src/rules/describe-change.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { DECLARATIONS, triggerText } from './config-texts.ts'

type Parts = Readonly<Record<string, string | null>>

const WINDOW = "contactWindow: { from: '09:00', to: '21:00', outside: defer }"

const parse = (policy: string, ...triggers: Parts[]) => {
  const deliver = `{ channel: sms, ${WINDOW} }`
  return parseCatalog({
    'a.yaml': DECLARATIONS,
    'p.yaml': policy,
    ...Object.fromEntries(
      triggers.map((parts, i) => {
        const text = triggerText({ trigger: `t${i}`, deliver, ...parts })
        return [`t${String(i).padStart(2, '0')}.yaml`, text]
      }),
    ),
  })
}

/** Notes on the policy, without those on names that nothing reads. */
const notesOf = (policy: string, ...triggers: Parts[]) =>
  parse(policy, ...triggers).notes.filter((note) => !note.includes('no trigger reads it'))

describe('a note says', () => {
  test.each([
    [
      'what no trigger uses',
      'channels: { sms: {}, wap: {} }\nclasses: { promo: {}, service: {} }',
      [{}],
      [
        'channel wap is declared, but no trigger uses it',
        'class promo is declared, but no trigger uses it',
      ],
    ],
    [
      'which class goes to those who opted out',
      'classes: { marketing: { refusedBy: [red] }, legal: { refusedBy: [] } }',
      [{}],
      ['class marketing also goes to those who opted out'],
    ],
    [
      'which cap is never reached',
      'channels: { sms: { cap: 1 per day } }\nclasses: { marketing: { cap: 4 per month } }\ncaps: 3 per month',
      [{ cap: '[2 per day, 5 ever]' }, { cap: '4 per week', class: 'service' }],
      [
        'class marketing: its cap 4 per month can never be reached, since the cap over all allows 3 per month',
        'trigger t0: its cap 2 per day can never be reached, since channel sms allows 1 per day',
      ],
    ],
    [
      'between which triggers only the id decides',
      'arbitration: { layers: [a, b] }',
      [
        {},
        {},
        { layer: 'a' },
        { priority: '1' },
        { value: 'data.day' },
        { class: 'legal' },
        { layer: 'b' },
        {},
        {},
      ],
      [
        'triggers t0, t1, t6, t7 and 1 more share layer b and priority 100, without value: their ids decide',
      ],
    ],
    [
      'which value decides nothing',
      '',
      [{ value: '3' }],
      ['trigger t0: its value decides nothing without arbitration'],
    ],
    [
      'whose capacity is not limited',
      'channels: { sms: { capacity: { perSecond: 3 } } }',
      [{ deliver: `{ channel: sms, overCapacity: drop, ${WINDOW} }` }],
      ['trigger t0: overCapacity never matters: channel sms has no limit per hour or day'],
    ],
    [
      'which window is closed for longer than deliveries last',
      `channels: { sms: { contactWindow: { from: '09:00', to: '21:00', on: [mon, fri] } } }`,
      [
        {},
        { deliver: "{ channel: sms, contactWindow: { from: '08:00', to: '22:00', expires: 4d } }" },
      ],
      ['trigger t0: its contact window can be closed for 84h, and deliveries expire after 24h'],
    ],
    [
      'where holidays are spoken of that nobody declared',
      `channels: { sms: { ${WINDOW.replace('defer', 'defer, holidays: closed')} } }`,
      [{}],
      ['the contact window of channel sms speaks of holidays, but none are declared'],
    ],
    [
      'whose audience is nobody',
      '',
      [{ audience: 'params.with_nr && tags.seed' }],
      ['trigger t0: with these parameters nobody is in its audience'],
    ],
  ] as [string, string, Parts[], string[]][])('%s', (_, policy, triggers, notes) => {
    expect(notesOf(policy, ...triggers)).toEqual(notes)
  })

  test('nothing of a policy that holds together', () => {
    const policy =
      'channels: { sms: { cap: 2 per day, capacity: { perDay: 10 } } }\ncaps: 3 per day\n' +
      'arbitration: { layers: [a, b] }\nholidays: [2026-10-01]'
    const deliver = `{ channel: sms, overCapacity: drop, ${WINDOW.replace('}', ', holidays: closed }')} }`
    const one = { cap: '1 per day', layer: 'a', value: 'data.day', audience: 'tags.seed', deliver }
    expect(notesOf(policy, one, { priority: '5' })).toEqual([])
  })
})

describe('a reload says of the policy', () => {
  const changeOf = (before: string, after: string, ...triggers: Parts[]) =>
    describeChange(parse(before, ...triggers).catalog, parse(after, ...triggers).catalog)

  test('nothing where it means the same', () => {
    const capacity = 'capacity: { perDay: 9 }'
    const after = `channels: { sms: { ${capacity.replace('9', '9, alarmAt: 80 %')} } }\nexplain: { remember: 7d }`
    expect(changeOf(`channels: { sms: { ${capacity} } }`, after)).toEqual([])
  })

  test('which channels and classes come, go and change', () => {
    const before = 'channels: { sms: { cap: 1 per day }, wap: {} }\nclasses: { promo: {} }'
    const after = `
channels:
  sms: { cap: [2 per day, 8 per 30 days], capacity: { perSecond: 5, perHour: 100, reserved: { legal: 5 % } } }
  ivr: {}
classes: { service: { cap: 1 per week, ignoresCaps: false } }
`
    expect(changeOf(before, after)).toEqual([
      'channel sms is edited: cap 2 per day and 8 per 30 days instead of 1 per day, ' +
        'capacity (5 per second, 100 per hour, alarm at 80 %, 5 % reserved for legal) instead of unlimited',
      'channel ivr is new',
      'channel wap is no longer declared',
      'class service is edited: cap 1 per week instead of none, ignores caps no instead of yes',
      'class promo is no longer declared',
    ])
  })

  test('what changes over all', () => {
    const before = 'caps: 3 per day\narbitration: {}'
    const after =
      'controlGroup: { share: 2.5 % }\narbitration: { layers: [a, b], contact: hour }\nexplain: { remember: 0s }'
    expect(changeOf(before, after)).toEqual([
      'the policy is edited: cap over all none instead of 3 per day, ' +
        'control group global of 2.5 % instead of none, ' +
        'arbitration (1 per hour; a, b) instead of (1 per day; default), ' +
        'refusals remembered not instead of 7d',
    ])
  })

  test('which triggers a new holiday touches, in one sentence when they are many', () => {
    const policy = (day: string) =>
      `channels: { sms: { ${WINDOW.replace('defer', 'defer, holidays: closed')} } }\nholidays: [${day}]`
    const change = (count: number) =>
      changeOf(
        policy('2026-10-01'),
        policy('2026-10-02'),
        ...Array.from({ length: count }, () => ({})),
      )
    expect(change(2)).toEqual([
      'trigger t0 is edited: contact window',
      'trigger t1 is edited: contact window',
    ])
    expect(change(6)).toEqual(['6 triggers are edited: contact window (t0, t1, t2, t3, t4, …)'])
  })

  test('what a trigger says of itself under it', () => {
    const policy = 'arbitration: { layers: [a, b] }'
    const parts = {
      class: 'service',
      layer: 'a',
      value: 'data.day',
      audience: 'tags.seed',
      controlGroup: '{ share: 1 % }',
      deliver: `{ channel: sms, overCapacity: drop, ${WINDOW} }`,
    }
    expect(describeChange(parse(policy, {}).catalog, parse(policy, parts).catalog)).toEqual([
      'trigger t0 is edited: class, layer, value, audience, control group, whether it ignores caps, ' +
        'whether it counts toward caps, what happens over capacity',
    ])
  })
})
