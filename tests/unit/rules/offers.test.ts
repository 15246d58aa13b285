import { describe, expect, test } from 'vitest'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { DECLARATIONS, problemsOf } from './config-texts.ts'

const CHANNELS = 'channels:\n  hotline: { inbound: true }\n  sms: {}\n'

function files(trigger: string, channels = CHANNELS): Record<string, string> {
  return {
    'catalog.yaml': DECLARATIONS,
    'channels.yaml': channels,
    'triggers/offer.yaml': `trigger: offer\nwhen: tags.seed\nonce: month\nmessage: Hello\n${trigger}`,
  }
}

const offerWith = (trigger: string, channels?: string) =>
  parseCatalog(files(trigger, channels)).catalog.triggers[0]

describe('an offer on request', () => {
  test('is what a trigger on an inbound channel is: at once, one attempt, no window', () => {
    const windowed =
      "classes:\n  marketing: { contactWindow: { from: '09:00', to: '21:00', outside: drop } }\n"
    expect(offerWith('deliver: { channel: hotline }', CHANNELS + windowed)).toMatchObject({
      firedBy: 'request',
      channel: 'hotline',
      schedule: { kind: 'now' },
      contactWindow: null,
      overCapacity: 'drop',
      onExpired: 'drop',
      attemptsMax: 1,
    })
    expect(offerWith('deliver: { channel: sms }')).toMatchObject({ firedBy: 'condition' })
  })

  test('may say what it is anyway', () => {
    const deliver =
      '{ channel: hotline, at: now, overCapacity: drop, onExpired: drop, attempts: 1 }'
    const { places } = problemsOf(files(`deliver: ${deliver}\nlate: ignore\nretry: false`))
    expect(places).toEqual([])
  })

  test('is another trigger than one of that name that its condition fires', () => {
    const [asked, fired] = ['hotline', 'sms'].map(
      (channel) => offerWith(`deliver: { channel: ${channel} }`)!.identity,
    )
    expect(asked).not.toBe(fired)
  })

  test.each([
    ['at: next day 12:00', 'an offer goes out the moment it is accepted', 'or say at: now'],
    ['at: after 2h', 'an offer goes out the moment it is accepted', 'leave at out'],
    [
      "contactWindow: { from: '09:00', to: '21:00', outside: drop }",
      'who asks may be answered at any hour',
      'leave contactWindow out',
    ],
    ['overCapacity: defer', 'cannot wait for the next hour', 'leave overCapacity out'],
    ['onExpired: reschedule', 'does not accept it again', 'leave onExpired out'],
    ['attempts: 2', 'does not accept it again', 'leave attempts out'],
  ])('cannot be delivered with %s', (key, message, hint) => {
    const { places, texts } = problemsOf(files(`deliver: { channel: hotline, ${key} }`))
    expect(places).toEqual([expect.stringMatching(/^triggers\/offer\.yaml:5:\d+ contradiction$/)])
    expect(texts[0]).toContain(message)
    expect(texts[0]).toContain(hint)
  })

  test.each([
    ['late: fire', 'no record fires anything'],
    ['reload: fire-existing', 'no reload fires anything'],
    ['retry: true', 'nothing is dropped'],
  ])('has no %s', (key, message) => {
    const { places, texts } = problemsOf(files(`deliver: { channel: hotline }\n${key}`))
    expect(places).toEqual([expect.stringMatching(/^triggers\/offer\.yaml:6:\d+ contradiction$/)])
    expect(texts[0]).toContain(message)
    expect(texts[0]).toContain(`leave ${key.split(':')[0]} out`)
  })

  test('is no step of a journey, which would wait for somebody to ask', () => {
    const journey =
      'journey: newcomer\nenter: tags.seed\nonce: ever\nsteps:\n' +
      '  - { step: welcome, wait: 0s, deliver: { channel: hotline }, message: Hello }\n'
    const { places, texts } = problemsOf({
      ...files('deliver: { channel: sms }'),
      'j.yaml': journey,
    })
    expect(places).toEqual(['j.yaml:5:52 contradiction'])
    expect(texts[0]).toContain('nothing is sent there unasked')
  })

  test.each([
    ["contactWindow: { from: '09:00', to: '21:00', outside: drop }", 'has no contact window'],
    ['capacity: { perSecond: 5 }', 'nobody waits for the next second'],
  ])('makes a contradiction of an inbound channel with %s', (key, message) => {
    const channels = `channels:\n  hotline: { inbound: true, ${key} }\n`
    const { places, texts } = problemsOf(files('deliver: { channel: hotline }', channels))
    expect(places).toEqual([expect.stringMatching(/^channels\.yaml:2:\d+ contradiction$/)])
    expect(texts[0]).toContain(message)
  })
})
