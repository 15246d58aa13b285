import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { ANN, MachineScript } from '../../support/machine-script.ts'

const NOON = '2026-11-20 12:00'
const NEXT_NOON = '2026-11-21 12:00'

/** `strong` goes out at once, `weak` at six; one of them fits into a day. */
const FILES: ConfigFiles = {
  'policy.yaml': `
tags: { vip: {}, weak: {} }
counters: { data: { sum: bytes, per: [day], keep: 1 } }
arbitration: { layers: [first, last], offersPerContact: 1, contact: day }
`,
  'triggers/strong.yaml': `
trigger: strong
when: data.day >= 10 && !tags.weak
once: day
layer: first
cancelWhen: tags.vip
audience: '!lists.sensitive'
deliver: { channel: sms, at: now, attempts: 3 }
message: x
`,
  'triggers/weak.yaml': `
trigger: weak
when: data.day >= 10 && tags.weak
once: day
layer: last
deliver: { channel: sms, at: same day 18:00 }
message: x
`,
}

/** `strong` was sent yesterday, `weak` waits for six of today. */
function waiting(): MachineScript {
  const script = new MachineScript(NOON, FILES)
  expect(script.usage(NOON, 10)).toHaveLength(1)
  script.tick(NEXT_NOON)
  script.profile({ tags: { weak: true } })
  expect(script.usage(NEXT_NOON, 10)).toEqual([])
  return script
}

const STRONG = `strong:${ANN}:2026-11-20:1`
const SENT_AT_SIX = ['weak 2026-11-21/1 2026-11-21T10:00Z..2026-11-22T10:00Z']

describe('a further attempt', () => {
  it('takes the place of what is weaker and still waits', () => {
    const script = waiting()
    expect(script.feedback('expired', STRONG)).toEqual([
      'weak 2026-11-21/1 outranked',
      'strong 2026-11-20/2 2026-11-21T04:00Z..2026-11-22T04:00Z',
    ])
  })

  it('that is cancelled at once takes nobody’s place', () => {
    const script = waiting()
    script.profile({ tags: { vip: true } })
    expect(script.feedback('expired', STRONG)).toEqual(['strong 2026-11-20/2 cancelled'])
    expect(script.tick('2026-11-21 18:00')).toEqual(SENT_AT_SIX)
  })

  it('to somebody who has left the audience takes nobody’s place', () => {
    const script = waiting()
    script.profile({ lists: { sensitive: true } })
    expect(script.feedback('expired', STRONG)).toEqual(['strong 2026-11-20/2 not-in-audience'])
    expect(script.tick('2026-11-21 18:00')).toEqual(SENT_AT_SIX)
  })
})
