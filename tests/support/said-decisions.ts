/** Decisions as a reader of OUT gets them, made for tests of what is folded from them. */

import type {
  SaidDecision,
  SaidDelivery,
  SaidHoldout,
  SaidOutcome,
  SaidSuppression,
} from '../../src/model/said.ts'
import type { Random } from '../../src/probe/random.ts'

const HOUR_MS = 3_600_000

const HEAD = {
  inputSequence: 1,
  trigger: 'data-pack',
  period: '2026-11',
  attempt: 1,
  generation: 1,
  firedAtMs: 0,
  values: {},
}

/** A delivery; what is not given is ordinary. */
export function saidDelivery(
  parts: Partial<SaidDelivery> & Pick<SaidDelivery, 'number' | 'subscriber' | 'decidedAtMs'>,
): SaidDelivery {
  const { trigger = HEAD.trigger, period = HEAD.period, attempt = 1, subscriber } = parts
  return {
    ...HEAD,
    kind: 'delivery',
    id: `${trigger}:${subscriber}:${period}:${attempt}`,
    channel: 'sms',
    class: 'marketing',
    isCanary: false,
    message: 'Hello',
    action: null,
    notBeforeMs: parts.decidedAtMs,
    notAfterMs: parts.decidedAtMs + HOUR_MS,
    segments: null,
    lang: null,
    region: null,
    purpose: null,
    ...parts,
  }
}

/** A holdout. */
export function saidHoldout(
  parts: Partial<SaidHoldout> & Pick<SaidHoldout, 'number' | 'subscriber' | 'decidedAtMs'>,
): SaidHoldout {
  const { trigger = HEAD.trigger, period = HEAD.period, subscriber } = parts
  return {
    ...HEAD,
    kind: 'holdout',
    id: `${trigger}:${subscriber}:${period}:1`,
    channel: 'sms',
    experiment: 'pack',
    region: null,
    notBeforeMs: parts.decidedAtMs,
    notAfterMs: parts.decidedAtMs + HOUR_MS,
    ...parts,
  }
}

/** A suppression. */
export function saidSuppression(
  parts: Partial<SaidSuppression> & Pick<SaidSuppression, 'number' | 'subscriber' | 'decidedAtMs'>,
): SaidSuppression {
  return {
    ...HEAD,
    kind: 'suppressed',
    reason: 'cap-trigger',
    winner: null,
    detail: null,
    ...parts,
  }
}

/** An outcome; its time is that of its decision unless given. */
export function saidOutcome(
  parts: Partial<SaidOutcome> & Pick<SaidOutcome, 'number' | 'subscriber' | 'decidedAtMs' | 'what'>,
): SaidOutcome {
  const { trigger = HEAD.trigger, period = HEAD.period, subscriber } = parts
  return {
    ...HEAD,
    kind: 'outcome',
    id: `${trigger}:${subscriber}:${period}:1`,
    channel: 'sms',
    timeMs: parts.decidedAtMs,
    by: 'id',
    word: null,
    isFirst: true,
    arm: null,
    isCanary: false,
    purpose: null,
    region: null,
    ...parts,
  }
}

const WHATS = [
  ...['sent', 'delivered', 'failed', 'expired', 'replied'],
  ...['clicked', 'ordered', 'opted-out', 'complained', 'something-new'],
]

/** The random life of one partition: its decisions in the order of their numbers. */
export function randomDecisions(
  random: Random,
  partition: number,
  startMs: number,
  count: number,
): SaidDecision[] {
  const decisions: SaidDecision[] = []
  const sent: (SaidDelivery | SaidHoldout)[] = []
  const said = new Set<string>()
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!
  let decidedAtMs = startMs
  while (decisions.length < count) {
    const number = decisions.length + 1
    decidedAtMs += random.below(20 * 60_000)
    const subscriber = 1 + partition + 4 * random.below(40)
    const trigger = pick(['data-pack', 'others', 'news'])
    const region = pick([null, 'north', 'south'])
    const day = new Date(decidedAtMs + 8 * HOUR_MS).toISOString().slice(0, 10)
    const period = pick([day, day.slice(0, 7)])
    const head = { number, subscriber, trigger, decidedAtMs, period, region }
    const draw = random.below(10)
    if (draw < 3) {
      const purpose = pick([null, null, null, null, 'test', 'notice', 'confirm', 'offer'])
      const delivery = saidDelivery({
        ...head,
        attempt: 1 + random.below(2),
        channel: pick(['sms', 'push']),
        isCanary: random.below(8) === 0,
        segments: pick([null, 1, 2]),
        purpose,
      })
      sent.push(delivery)
      decisions.push(delivery)
    } else if (draw === 3) {
      const holdout = saidHoldout(head)
      sent.push(holdout)
      decisions.push(holdout)
    } else if (draw === 4) {
      decisions.push(saidSuppression({ ...head, reason: pick(['cap-trigger', 'expired']) }))
    } else if (draw === 5 && random.below(5) === 0) {
      decisions.push({ kind: 'unknown', number })
    } else if (sent.length > 0) {
      const target = pick(sent.slice(-25))
      const what = pick(WHATS)
      const key = `${target.trigger} ${target.subscriber} ${target.period} ${what}`
      decisions.push(
        saidOutcome({
          number,
          decidedAtMs,
          what,
          subscriber: target.subscriber,
          trigger: target.trigger,
          period: target.period,
          id: target.id,
          channel: target.channel,
          region: target.region,
          timeMs: Math.max(target.decidedAtMs, decidedAtMs - random.below(3 * HOUR_MS)),
          by: pick(['id', 'reply', 'subscriber']),
          isFirst: !said.has(key),
          arm: target.kind === 'holdout' ? 'control' : null,
          isCanary: target.kind === 'delivery' && target.isCanary,
          purpose: target.kind === 'delivery' ? target.purpose : null,
        }),
      )
      said.add(key)
    } else {
      decisions.push(saidSuppression(head))
    }
  }
  return decisions
}
