/** The benched configuration with an inbound channel and its offers on request. */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { BENCH_FILES } from './traffic.ts'

/** Offers of the channel, on top of the triggers that usage fires. */
export const OFFER_COUNT = 24
const LAYERS = ['model', 'experience', 'segment', 'default'] as const

/** The files: lists, audience, caps, a control group and arbitration have their say in each. */
export const OFFER_FILES: ConfigFiles = {
  ...BENCH_FILES,
  'policy.yaml': `
channels: { sms: {}, hotline: { inbound: true, cap: 20 per month } }
caps: 30 per month
controlGroup: { share: 2 % }
arbitration: { layers: [${LAYERS.join(', ')}], offersPerContact: 3, contact: day }
`,
  'triggers/offers.yaml': Array.from({ length: OFFER_COUNT }, (_, at) => offerText(at)).join(
    '---\n',
  ),
}

function offerText(at: number): string {
  return `
trigger: offer-${at}
when: data_4g.month >= ${10 * (at + 1)} * KiB && !tags.has_pack${at % 3 === 0 ? ' && tags.seed' : ''}
once: month
layer: ${LAYERS[at % LAYERS.length]}
priority: ${100 + at}
value: data_4g.day * ${at + 1}.0 + ott.month
audience: '!lists.sensitive'
controlGroup: { share: 5 % }
deliver: { channel: hotline }
cap: 2 per month
message: 'Offer number ${at}: a pack that suits what was used this month.'
`
}
