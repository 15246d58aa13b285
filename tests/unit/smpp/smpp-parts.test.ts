import { describe, expect, test } from 'vitest'
import { smsLength } from '../../../src/model/sms.ts'
import { Random } from '../../../src/probe/random.ts'
import { readDelivered, replyText, subscriberFrom } from '../../../src/smpp/incoming.ts'
import { isReceipt, normaliseId, readReceipt } from '../../../src/smpp/receipts.ts'
import { encodeText, encodeWhole, partOf } from '../../../src/smpp/short-message.ts'
import { validityOf } from '../../../src/smpp/smpp-channel.ts'

describe('a text as short messages', () => {
  test('has the codes of the GSM alphabet and its extension', () => {
    const { dataCoding, parts } = encodeText('@£ÆÉ ¡AÄ¿aà€[', 1)
    expect(dataCoding).toBe(0)
    const codes = [0, 1, 28, 31, 32, 64, 65, 91, 96, 97, 127, 27, 0x65, 27, 0x3c]
    expect([...parts[0]!.body]).toEqual(codes)
  })

  test('is UCS-2 where one character is in neither', () => {
    const { dataCoding, parts } = encodeText('A回😀', 1)
    expect(dataCoding).toBe(8)
    expect(parts[0]!.body.toString('hex')).toBe('004156ded83dde00')
  })

  test('goes in the parts that are counted, none of them too long or torn', () => {
    const seed = Number(process.env.HIGHWATER_SEED ?? 7)
    const random = new Random(seed)
    const alphabets = ['abc €[', 'ab回', 'a😀']
    for (let round = 0; round < 300; round++) {
      const alphabet = [...alphabets[random.below(3)]!]
      const length = 1 + random.below(400)
      const text = Array.from({ length }, () => alphabet[random.below(alphabet.length)]!).join('')
      const { dataCoding, parts } = encodeText(text, round)
      const { encoding, segments } = smsLength(text)
      expect([dataCoding === 0, parts.length], `seed ${seed}`).toEqual([
        encoding === 'GSM-7',
        segments,
      ])
      const sizeMax =
        parts.length === 1 ? (dataCoding === 0 ? 160 : 140) : dataCoding === 0 ? 153 : 134
      for (const [index, { udh, body }] of parts.entries()) {
        expect(body.byteLength).toBeLessThanOrEqual(sizeMax)
        if (dataCoding === 0) expect(body.at(-1)).not.toBe(27)
        else expect((body.readUInt16BE(0) & 0xfc00) === 0xdc00).toBe(false)
        if (parts.length === 1) expect(udh).toBeNull()
        else expect(partOf([udh!.subarray(1)])).toEqual({ number: index + 1, count: parts.length })
      }
      const whole = Buffer.concat(parts.map(({ body }) => body))
      expect(whole.equals(encodeWhole(text).parts[0]!.body)).toBe(true)
    }
  })
})

describe('a receipt', () => {
  const plain = { esmClass: 4, receiptedId: undefined, messageState: undefined, text: '' }

  test('is told from what a customer writes', () => {
    expect(
      [0, 4, 8, 0x20, 0x40, 0x44].map((esmClass) => isReceipt({ ...plain, esmClass })),
    ).toEqual([false, true, false, true, false, true])
  })

  test('is read from the parameters, or from the text however it is written', () => {
    const read = (over: object) => readReceipt({ ...plain, ...over })
    expect(read({ receiptedId: 'a\0', messageState: 2 })).toEqual({ id: 'a', state: 'delivered' })
    expect(read({ receiptedId: 'a', messageState: 5 })).toEqual({ id: 'a', state: 'failed' })
    expect(read({ receiptedId: 'a', messageState: 1 })).toEqual({ id: 'a', state: null })
    const text =
      'id:0123 sub:001 dlvrd:001 submit date:2611 done date:2611 stat:DELIVRD err:000 text:x'
    expect(read({ text })).toEqual({ id: '0123', state: 'delivered' })
    expect(read({ text: 'ID: 9\nStat: undeliv' })).toEqual({ id: '9', state: 'failed' })
    expect(read({ text: 'id:9 stat:ACCEPTD' })).toEqual({ id: '9', state: null })
    for (const rubbish of ['', 'id:', 'stat:DELIVRD', 'VIP'])
      expect(read({ text: rubbish })).toBeNull()
  })

  test('names the same id whichever way it is written', () => {
    expect(normaliseId('00FF', 'answer', 'answer-hex')).toBe('255')
    expect(normaliseId('0255', 'receipt', 'answer-hex')).toBe('255')
    expect(normaliseId('ff', 'receipt', 'receipt-hex')).toBe('255')
    expect(normaliseId('00FF', 'answer', 'same')).toBe('00FF')
    expect(normaliseId('no-hex', 'answer', 'answer-hex')).toBe('no-hex')
  })
})

describe('what an SMSC hands over', () => {
  test('is read whatever is missing or of another type', () => {
    const nothing = { esmClass: 0, text: '', from: '', to: '', part: null }
    expect(readDelivered({})).toMatchObject(nothing)
    const odd = { short_message: 5, source_addr: null, destination_addr: {}, esm_class: 'x' }
    expect(readDelivered(odd)).toMatchObject(nothing)
    const message = { message: 'VIP', udh: [Buffer.from([0, 3, 1, 2, 2])] }
    expect(readDelivered({ short_message: message })).toMatchObject({
      text: 'VIP',
      part: { number: 2, count: 2 },
    })
    const payload = { short_message: { message: '' }, message_payload: { message: 'long' } }
    expect(readDelivered(payload).text).toBe('long')
  })

  test('names a subscriber, with or without prefix, or none', () => {
    expect(subscriberFrom('+8613800000001', '86')).toBe(13_800_000_001)
    expect(subscriberFrom('13800000001', '+86')).toBe(13_800_000_001)
    expect(subscriberFrom('8613800000001', '')).toBe(8_613_800_000_001)
    for (const address of ['', 'Bank', '0', '86', '86x', '1234567890123456']) {
      expect(subscriberFrom(address, '86')).toBeNull()
    }
  })

  test('is cut to what feedback carries, and no character is torn', () => {
    expect(replyText('x'.repeat(500))).toHaveLength(160)
    expect(replyText(`${'x'.repeat(159)}😀`).isWellFormed()).toBe(true)
  })
})

test.each([
  [1, '000000000001000R'],
  [90_061_000, '000001010101000R'],
  [45 * 86_400_000, '000115000000000R'],
  [1e15, '000309000000000R'],
])('%i ms are valid for %s', (leftMs, text) => {
  expect(validityOf(leftMs)).toBe(text)
})
