import { describe, expect, it } from 'vitest'
import { ANN, BOB, CAT, ScenarioScript, TESTER } from '../support/scenario-script.ts'

/*
 * Ann: the model is sure of video (0.9), travels, a GoTone on a smart phone. Bob: a student, video
 * 0.7. Cat: EasyOwn, a plain phone, family 0.8. The segments of the month are selected on the 1st,
 * from 6:00 to 7:00.
 */

const open = async (): Promise<ScenarioScript> => {
  const script = await ScenarioScript.open('S5-next-best-offer', '2026-11-30 12:00')
  for (const who of [ANN, BOB, CAT]) script.usage(who, '2026-11-30 13:00', 1_000_000)
  return script
}

describe('S5: the next best offer', () => {
  it('outbound: the chosen of the month, the stronger layer first, three a day', async () => {
    const script = await open()
    script.until('2026-12-02 00:00')
    expect(script.lines.filter((line) => !line.includes('TESTER'))).toEqual([
      '11-30 12:00 CAT weather-ussd ussd',
      '12-01 06:40 ANN family-plan-outbound-call: cap-channel (channel outbound-call: 1 per month)',
      '12-01 07:00 ANN roaming-pack-sms: cap-channel (channel sms: 1 per day)',
      '12-01 10:00 ANN video-pack-outbound-call outbound-call',
      '12-01 10:00 ANN video-pack-sms sms',
      '12-01 10:00 BOB video-pack-outbound-call outbound-call',
      '12-01 10:00 BOB video-pack-sms sms',
      '12-01 10:00 CAT family-plan-outbound-call outbound-call',
      '12-01 10:00 BOB music-club-wap-push wap-push',
    ])
  })

  it('inbound: nothing is sent; who asks gets the best three, by layer', async () => {
    const script = await open()
    expect(script.offers(ANN, 'hotline')).toEqual(['1 cloud-disk-hotline', '2 ring-tone-hotline'])
    script.until('2026-12-04 08:00')
    expect(script.offers(ANN, 'hotline')).toEqual([
      '1 video-pack-hotline',
      '2 family-plan-hotline',
      '3 roaming-pack-hotline',
    ])
    expect(script.offers(BOB, 'website')).toEqual([
      '1 video-pack-website',
      '2 music-club-website',
      '3 cloud-disk-website',
    ])
    expect(script.offers(CAT, 'hall')).toEqual(['1 family-plan-hall', '2 weather-hall'])
    expect(script.offers(CAT, 'queue-machine')).toEqual([
      '1 ring-tone-queue-machine',
      '2 weather-queue-machine',
    ])
  })

  it('who takes an offer gets it once a month, and it is ordered', async () => {
    const script = await open()
    script.until('2026-12-04 08:00')
    expect(script.accept(ANN, '2026-12-04 09:00', 'video-pack-hotline', 'hotline')).toEqual([
      '12-04 09:00 ANN video-pack-hotline hotline (offer)',
    ])
    const { id } = script.said.at(-1) as { id: string }
    script.report(ANN, '2026-12-04 09:01', { kind: 'ordered', deliveryId: id })
    expect(script.view(ANN).tags.has_video).toBe(true)
    expect(script.offers(ANN, 'hotline')).toEqual([
      '1 family-plan-hotline',
      '2 roaming-pack-hotline',
    ])
    expect(script.offers(ANN, 'website')).toEqual(['1 cloud-disk-website', '2 ring-tone-website'])
  })

  it('a monthly quota is filled in the order of preference', async () => {
    const script = await ScenarioScript.open('S5-next-best-offer', '2026-11-30 12:00', (files) => ({
      ...files,
      'catalog.yaml': files['catalog.yaml']!.replaceAll('top: 100 }', 'top: 1 }'),
    }))
    // Bob uses much video: the first quota is for such as he, though the model is surer of Ann.
    script.usage(BOB, '2026-11-30 13:00', 300 * 1_048_576, { app: 'video' })
    script.usage(ANN, '2026-11-30 13:00', 1_048_576, { app: 'video' })
    script.until('2026-12-01 06:00')
    const chosen = [ANN, BOB, CAT, TESTER].filter((who) => script.view(who).tags.for_video)
    expect(chosen).toHaveLength(2)
    expect(chosen).toContain(BOB)
  })

  it('why not: not chosen, has it already, the contact of the day is full', async () => {
    const script = await open()
    script.until('2026-12-04 08:00')
    script.profile(ANN, { tags: { has_video: true } })
    expect(script.why(ANN, 'video-pack-hotline').stops).toEqual(['audience: !tags.has_video'])
    expect(script.why(CAT, 'video-pack-hotline').stops).toEqual(['condition: tags.for_video'])
    for (const offer of script.offers(CAT, 'hotline')) {
      script.accept(CAT, '2026-12-04 09:00', offer.split(' ')[1]!, 'hotline')
    }
    expect(script.lines.slice(-2)).toEqual([
      '12-04 09:00 CAT ring-tone-hotline hotline (offer)',
      '12-04 09:00 CAT weather-hotline hotline (offer)',
    ])
    expect(script.offers(CAT, 'self-service')).toEqual([])
  })
})
