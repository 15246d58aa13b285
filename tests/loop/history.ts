/** Random cases: configurations, and histories that react to what the model says was sent. */

import { Random } from '../support/workload/random.ts'
import { type HeldOut, LoopModel } from './model.ts'
import {
  HOUR_MS,
  type PlainCase,
  type PlainConfig,
  type PlainInput,
  type PlainReply,
  type PlainReport,
  type PlainTrigger,
  REGIONS,
  START_MS,
  SUBSCRIBERS,
  TAGS,
} from './plain.ts'
import { idOf } from './words.ts'

const IDS = ['a', 'b', 'c'] as const
const KEYWORDS = ['VIP', 'Gold 1', '好', 'td', 'INFO'] as const
const CONFIRMING = ['Y', 'yes', '好'] as const
const REACTIONS = [
  ...['replied', 'replied', 'replied', 'replied', 'replied', 'replied', 'clicked', 'clicked'],
  ...['ordered', 'ordered', 'opted-out', 'complained'],
]
const RECEIPTS = ['sent', 'delivered', 'failed', 'expired', 'expired'] as const

type Sent = LoopModel['sent'][number]

/** The case of a seed. */
export function generateCase(seed: number, isHeldOut: HeldOut): PlainCase {
  const random = new Random(seed)
  const config = randomConfig(random)
  const model = new LoopModel({ startMs: START_MS, config }, isHeldOut)
  const inputs: PlainInput[] = []
  const count = random.whole(20, 80)
  for (let step = 0; step < count; step++) {
    const input = randomInput(random, model)
    model.apply(input)
    inputs.push(input)
  }
  return { seed, startMs: START_MS, config, inputs }
}

function randomConfig(random: Random): PlainConfig {
  const ids = IDS.slice(0, random.whole(1, IDS.length))
  return {
    triggers: ids.map((id) => randomTrigger(random, id)),
    isTellingAll: random.chance(0.3),
    hasRegion: random.chance(0.4),
  }
}

/** Another generation with the same triggers: what makes them fire stays. */
function edited(random: Random, config: PlainConfig): PlainConfig {
  const fresh = randomConfig(random)
  const triggers = config.triggers.map((before) => ({
    ...randomTrigger(random, before.id),
    once: before.once,
    heldOut: before.heldOut,
    channel: before.channel,
    delayHours: before.delayHours,
  }))
  return { ...fresh, triggers }
}

function randomTrigger(random: Random, id: string): PlainTrigger {
  return {
    id,
    channel: random.pick(['sms', 'push']),
    once: random.pick(['day', 'day', 'ever']),
    class: random.pick(['marketing', 'marketing', 'service']),
    delayHours: random.pick([0, 0, 2]),
    replies: random.chance(0.8) ? randomReplies(random) : [],
    attributionHours: random.pick([null, 1, 24, 72]),
    orderTag: random.pick([null, ...TAGS]),
    cancelTag: random.pick([null, null, ...TAGS]),
    onExpired: random.pick(['reschedule', 'reschedule', 'drop']),
    attempts: random.whole(1, 3),
    heldOut: random.pick([0, 0, 50]),
  }
}

function randomReplies(random: Random): readonly PlainReply[] {
  return KEYWORDS.filter(() => random.chance(0.6)).map((word): PlainReply => {
    const means = random.pick(['order', 'order', 'order', 'opt-out', 'response'] as const)
    const isTwoSteps = means === 'order' && random.chance(0.7)
    const confirm = { word: random.pick(CONFIRMING), hours: random.pick([1, 24]) }
    return { word, means, confirm: isTwoSteps ? confirm : null }
  })
}

function randomInput(random: Random, model: LoopModel): PlainInput {
  const sub = random.pick(SUBSCRIBERS)
  const kind = random.whole(0, 99)
  if (kind < 18) {
    const steps = [0, 60_000, HOUR_MS, 3 * HOUR_MS, 3 * HOUR_MS, 13 * HOUR_MS, 30 * HOUR_MS]
    const step = random.pick(steps)
    return { kind: 'tick', timeMs: model.nowMs + step }
  }
  if (kind < 40) return { kind: 'usage', sub, timeMs: model.nowMs }
  if (kind < 50) return randomProfile(random, sub)
  if (kind < 52) return { kind: 'erase', sub }
  if (kind < 55) return { kind: 'config', config: edited(random, model.config) }
  const rows = Array.from({ length: random.whole(1, 3) }, () => randomReport(random, model))
  return { kind: 'report', rows }
}

function randomProfile(random: Random, sub: number): PlainInput {
  const what = random.whole(0, 4)
  if (what === 0) return { kind: 'profile', sub, tags: { [random.pick(TAGS)]: random.chance(0.4) } }
  if (what === 1) return { kind: 'profile', sub, region: random.pick([...REGIONS, null]) }
  const list = random.pick(['optOut', 'optOut', 'optOut', 'black', 'canary'])
  return { kind: 'profile', sub, lists: { [list]: random.chance(0.2) } }
}

function randomReport(random: Random, model: LoopModel): PlainReport {
  const now = model.nowMs
  const agoMs = random.pick([
    0,
    0,
    0,
    0,
    0,
    0,
    1,
    HOUR_MS,
    24 * HOUR_MS,
    26 * HOUR_MS,
    80 * HOUR_MS,
  ])
  const time = random.chance(0.1) ? now + random.pick([300_000, 300_001]) : now - agoMs
  const out = model.sent.filter(({ state }) => state !== 'gone')
  const each = out.length > 0 ? random.pick(out.slice(-5)) : null
  const isNamed = each !== null && random.chance(0.6)
  const sub = each?.sub ?? random.pick(SUBSCRIBERS)
  const id = isNamed ? reportedId(random, each) : undefined
  const isReceipt = id !== undefined && random.chance(0.5)
  const kind: string = isReceipt ? random.pick(RECEIPTS) : random.pick(REACTIONS)
  return {
    ...{ sub, kind, time: Math.max(0, time) },
    ...(id === undefined ? {} : { id }),
    ...(random.chance(0.1) ? { trigger: random.pick([...IDS, 'thanks', 'gone']) } : {}),
    ...(random.chance(0.1) ? { channel: random.pick(['sms', 'push', 'mail']) } : {}),
    ...(kind === 'replied' ? randomWords(random, each) : {}),
  }
}

function reportedId(random: Random, each: Sent): string {
  const attempt = random.chance(0.15) ? Math.max(1, each.attempt - 1) : each.attempt
  const isQuestion = random.chance(each.asked === null ? 0.03 : 0.4)
  const period = isQuestion ? `confirm.${each.period}` : each.period
  return idOf({ ...each, attempt }, period)
}

function randomWords(random: Random, each: Sent | null): { text?: string; word?: string } {
  const likely = wordsOf(each)
  const others = [...KEYWORDS, ...CONFIRMING, 'how much?', '']
  const word = random.pick(likely.length > 0 && random.chance(0.7) ? likely : others)
  const shape = random.whole(0, 6)
  if (shape === 0) return {}
  if (shape === 1) return { word }
  if (shape === 2) return { text: ` ${word.toLowerCase()}\n` }
  if (shape === 3) return { text: wide(word) }
  if (shape === 4) return { text: `\u200e${word.toUpperCase()}` }
  if (shape === 5) return { text: word.replaceAll(' ', '  ') }
  return { text: word }
}

/** The words that confirm an order that was asked back; else the trigger's keywords. */
function wordsOf(each: Sent | null): readonly string[] {
  const replies = each?.trigger.replies ?? []
  const asked = replies.find(({ word }) => word === each?.asked?.word)
  return asked ? [asked.confirm?.word ?? asked.word] : replies.map(({ word }) => word)
}

/** Full-width forms of what has them. */
function wide(word: string): string {
  const letters = [...word].map((letter) => {
    const code = letter.codePointAt(0)!
    if (letter === ' ') return '\u3000'
    return code > 0x20 && code < 0x7f ? String.fromCodePoint(code + 0xfee0) : letter
  })
  return letters.join('')
}
