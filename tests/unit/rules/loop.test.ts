import { describe, expect, test } from 'vitest'
import { NO_LOOP, normaliseReply } from '../../../src/model/reply.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { describeChange } from '../../../src/rules/describe-change.ts'
import { DECLARATIONS, problemsOf } from './config-texts.ts'

const TRIGGER =
  'trigger: pack\nwhen: tags.seed\nonce: month\nmessage: Hello\ndeliver: { channel: sms }\n'

function files(trigger: string, catalog = ''): Record<string, string> {
  return {
    'catalog.yaml': DECLARATIONS,
    'more.yaml': catalog,
    'triggers/pack.yaml': `${TRIGGER}${trigger}`,
  }
}

const catalogOf = (trigger: string, catalog?: string) =>
  parseCatalog(files(trigger, catalog)).catalog
const loopOf = (trigger: string, catalog?: string) => catalogOf(trigger, catalog).triggers[0]!.loop

describe('what comes back of a delivery', () => {
  test('is nothing in particular unless the trigger says so', () => {
    expect(loopOf('')).toEqual(NO_LOOP)
  })

  test('are replies by keyword, an order in one step or two', () => {
    const replies =
      "replies:\n  VIP: order\n  ＧＯＬＤ: { means: order, confirm: 'Reply y to order.', word: Y, within: 2h }\n  TD: opt-out\n  更多: response\n"
    expect(loopOf(replies).replies).toEqual([
      { word: 'VIP', normalised: 'vip', means: 'order', confirm: null },
      {
        word: 'ＧＯＬＤ',
        normalised: 'gold',
        means: 'order',
        confirm: {
          message: 'Reply y to order.',
          word: 'Y',
          normalised: 'y',
          withinMs: 7_200_000,
        },
      },
      { word: 'TD', normalised: 'td', means: 'opt-out', confirm: null },
      { word: '更多', normalised: '更多', means: 'response', confirm: null },
    ])
  })

  test('may be confirmed for a day unless said otherwise', () => {
    const loop = loopOf("replies: { V: { means: order, confirm: 'Sure?', word: Y } }\n")
    expect(loop.replies[0]!.confirm!.withinMs).toBe(86_400_000)
  })

  test('is put down to a delivery for a week, or as long as said; an order may set a tag', () => {
    expect(loopOf('onOrder: { set: has_pack }\n')).toMatchObject({
      attributionMs: 7 * 86_400_000,
      orderTag: 'has_pack',
    })
    expect(loopOf('attribution: 92d\n').attributionMs).toBe(92 * 86_400_000)
  })

  test('includes receipts where a trigger has replies or attribution, or all are asked for', () => {
    expect(loopOf('replies: { VIP: order }\n').isTellingReceipts).toBe(true)
    expect(loopOf('attribution: 7d\n').isTellingReceipts).toBe(true)
    expect(loopOf('', 'outcomes: all\n').isTellingReceipts).toBe(true)
    expect(loopOf('', 'outcomes: reactions\n').isTellingReceipts).toBe(false)
  })

  test('is told of a reload by name', () => {
    const before = catalogOf('replies: { VIP: order }\n', '')
    const after = catalogOf('replies: { VIP: response }\n', '')
    expect(describeChange(before, after)).toEqual(['trigger pack is edited: what comes back'])
  })

  test.each([
    ['replies: { VIP: buy }\n', 'order, opt-out, response'],
    ['replies: { VIP: order, ｖｉｐ: response }\n', 'customers cannot tell "ｖｉｐ" from "VIP"'],
    ['replies: { "!!": order }\n', 'a keyword has a letter or a digit'],
    [`replies: { ${'x'.repeat(33)}: order }\n`, 'at most 32 characters'],
    ['replies: { V: { means: order, word: Y } }\n', 'needs the key "confirm"'],
    ["replies: { V: { means: order, confirm: 'Y?' } }\n", 'needs the key "word"'],
    ['replies: { V: { confirm: Sure, word: Y } }\n', 'needs the key "means"'],
    ["replies: { V: { means: opt-out, confirm: 'Y?', word: Y } }\n", 'only an order is confirmed'],
    ["replies: { V: { means: order, confirm: 'Y?', word: Y, within: 8d } }\n", 'not within'],
    ['attribution: 93d\n', 'not within'],
    ['onOrder: { set: has_pak }\n', 'has_pack'],
    ['onOrder: { set: seed }\n', 'has versions'],
    ['onOrder: {}\n', 'needs the key "set"'],
  ])('is refused: %s', (text, message) => {
    const { texts } = problemsOf(files(text))
    expect(texts.join('\n')).toContain(message)
  })
})

test('a question may take as many SMS as the message', () => {
  const question = (length: number, more = '') =>
    files(
      `${more}replies: { V: { means: order, confirm: '${'x'.repeat(length)}', word: Y } }\n`,
      'channels: { sms: { sms: true } }\n',
    )
  expect(problemsOf(question(160, 'maxSegments: 1\n')).texts).toEqual([])
  expect(problemsOf(question(161, 'maxSegments: 1\n')).texts).toEqual([
    'the question of "V" takes 2 SMS, and may take 1 | shorten it, or say maxSegments: 2',
  ])
})

describe('the region', () => {
  test('is an enum field', () => {
    expect(catalogOf('', 'region: fields.plan\n').regionField).toBe('plan')
    expect(catalogOf('').regionField).toBeNull()
  })

  test.each([
    ['region: fields.allowance\n', 'allowance is of type number'],
    ['region: fields.plann\n', 'plan'],
    ['region: province\n', 'like fields.province'],
  ])('cannot be %s', (text, message) => {
    const { texts } = problemsOf(files('', text))
    expect(texts.join('\n')).toContain(message)
  })
})

describe('a reply as it is compared', () => {
  test.each([
    ['  vip ', 'VIP'],
    ['ＶＩＰ', 'vip'],
    ['v\u00a0i\u3000\t p', 'V I P'],
    ['\u200eVI\u200bP\ufeff', 'vip'],
    ['STRASSE', 'straße'],
    ['ΟΔΟΣ', 'οδος'],
    ['ﬁn', 'FIN'],
    ['cafe\u0301', 'CAFÉ'],
    ['１２', '12'],
    ['ｶﾞ', 'ガ'],
  ])('%j is %j', (reply, keyword) => {
    expect(normaliseReply(reply)).toBe(normaliseReply(keyword))
  })

  test.each([
    ['VIP1', 'VIP'],
    ['V I P', 'VIP'],
    ['cafe', 'café'],
    ['', 'VIP'],
  ])('%j is not %j', (reply, keyword) => {
    expect(normaliseReply(reply)).not.toBe(normaliseReply(keyword))
  })

  test('compares the same when it is done twice', () => {
    for (const text of ['ΟΔΟΣ', 'İstanbul', 'Straße', '㎏', 'ǅ', ' a  b ']) {
      expect(normaliseReply(normaliseReply(text))).toBe(normaliseReply(text))
    }
  })
})
