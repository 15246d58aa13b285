/** A case through the real machine: YAML and bytes in, decisions from the bytes of OUT. */

import { decode } from '@msgpack/msgpack'
import { isHeldOut } from '../../src/decision/control-group.ts'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { InputMessage } from '../../src/model/ports.ts'
import { REJECT_REASONS } from '../../src/model/reject.ts'
import { inspectSubscriber } from '../../src/partition/inspect.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import {
  encodeConfig,
  encodeErase,
  encodeTick,
  encodeUsageColumns,
} from '../../src/probe/encode.ts'
import { columnsOf, startMachine } from '../support/machine-harness.ts'
import { ImageWriter, loadMachine } from '../support/machine-image.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { S1_PARAMETERS } from '../support/naive/input.ts'
import { message } from '../unit/decode/wire-cases.ts'
import type { HeldOut } from './model.ts'
import {
  type PlainAnswer,
  type PlainCase,
  type PlainConfig,
  type PlainDecision,
  type PlainInput,
  type PlainTrigger,
  REGIONS,
  SUBSCRIBERS,
} from './plain.ts'

const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 512 * 1024 }
/** What the model says nothing about. */
const UNSAID = [
  'n',
  'gen',
  'fired',
  'values',
  'message',
  'not_before',
  'not_after',
  'class',
  'experiment',
]
const LOOP_REASONS = ['unknown-delivery', 'unattributed', 'bad-time']

/** The engine's own draw, with the experiments of `filesOf`. */
export const engineHeldOut: HeldOut = (trigger, percent, sub) =>
  percent > 0 && isHeldOut(trigger, percent / 100, sub)

/** Runs a case; before input `imageAt` the machine goes through an image. */
export function runEngine(plainCase: PlainCase, imageAt = -1): PlainAnswer {
  const { startMs, config, inputs } = plainCase
  const zone = 'UTC'
  let machine = startMachine({ ...S1_PARAMETERS, startMs, zone }, filesOf(config))
  const decisions: PlainDecision[] = []
  const refused: Record<string, number> = {}
  let repeats = 0
  const count = (): void => {
    const { rejects, feedbackRepeats } = machine.core!.statistics
    repeats += feedbackRepeats
    for (const [code, reason] of REJECT_REASONS.entries()) {
      if (rejects[code] === 0) continue
      if (!LOOP_REASONS.includes(reason)) throw new Error(`the machine refused: ${reason}`)
      refused[reason] = (refused[reason] ?? 0) + rejects[code]!
    }
  }
  let generation = 1
  for (const [index, input] of inputs.entries()) {
    if (index === imageAt) {
      count()
      machine = throughImage(machine)
    }
    if (input.kind === 'config') generation += 1
    const sequence = machine.sequence + 1
    machine.apply({ sequence, timestampMs: 0, ...messageOf(input, sequence, generation) })
    decisions.push(...drain(machine))
  }
  count()
  const profiles = SUBSCRIBERS.flatMap((sub) => {
    const view = inspectSubscriber(machine.core!, sub)
    if (view === null) return []
    const tags = Object.keys(view.tags).filter((tag) => view.tags[tag] === true)
    return [{ sub, tags: tags.sort(), lists: [...view.lists].sort() }]
  })
  return { decisions, profiles, refused, repeats }
}

function throughImage(machine: PartitionMachine): PartitionMachine {
  const store = new MemoryStore()
  const writer = new ImageWriter(store)
  writer.begin(machine)
  while (!writer.write(64));
  writer.commit()
  return loadMachine(store)!.machine
}

function drain(machine: PartitionMachine): PlainDecision[] {
  const decisions: PlainDecision[] = []
  for (;;) {
    const batch = machine.outbox.take(1, LIMITS)
    if (batch === null) return decisions
    const envelope = decode(batch.bytes) as { decisions: Record<string, unknown>[] }
    for (const wire of envelope.decisions) {
      for (const key of UNSAID) delete wire[key]
      decisions.push(wire as unknown as PlainDecision)
    }
  }
}

function messageOf(
  input: PlainInput,
  seq: number,
  generation: number,
): Pick<InputMessage, 'subject' | 'data'> {
  const control = (data: Uint8Array) => ({ subject: 'control.0', data })
  const head = { v: 1, epoch: 1, seq }
  switch (input.kind) {
    case 'tick': {
      const writer = S1_PARAMETERS.tickWriter
      return control(encodeTick({ id: `t${seq}`, writer, timeMs: input.timeMs }))
    }
    case 'config':
      return control(encodeConfig({ id: `c${seq}`, generation, files: filesOf(input.config) }))
    case 'erase':
      return control(encodeErase({ id: `e${seq}`, subscribers: [input.sub] }))
    case 'usage': {
      const { sub: subscriber, timeMs } = input
      const record = { subscriber, usageBytes: 1, timeMs, rat: 6, app: 0, cell: 0, kind: 0 }
      const stamp = { probe: 'p', epoch: 1, seq }
      return { subject: 'usage.0.p', data: encodeUsageColumns(stamp, columnsOf([record]), 0, 1) }
    }
    case 'profile': {
      const { sub, tags = {}, lists = {}, region } = input
      const fields = region === undefined ? {} : { region }
      const rows = [{ sub, tags, lists, fields }]
      return { subject: 'profile.0.bi', data: message({ ...head, source: 'bi', rows }) }
    }
    case 'report':
      return {
        subject: 'feedback.0.crm',
        data: message({ ...head, source: 'crm', rows: input.rows }),
      }
  }
}

/** The configuration as it is written. */
export function filesOf({ triggers, isTellingAll, hasRegion }: PlainConfig): ConfigFiles {
  const files: Record<string, string> = {
    'a.yaml': [
      'tags: { bought: {}, left: {} }',
      `fields: { region: { type: enum, words: [${REGIONS.join(', ')}] } }`,
      'counters: { data: { sum: bytes, per: [day, lifetime] } }',
      ...(isTellingAll ? ['outcomes: all'] : []),
      ...(hasRegion ? ['region: fields.region'] : []),
    ].join('\n'),
    'triggers/z-thanks.yaml': [
      'trigger: thanks',
      'when: tags.bought',
      'once: ever',
      'class: service',
      'message: Thanks.',
      'deliver: { channel: push, onExpired: drop, attempts: 1 }',
    ].join('\n'),
  }
  for (const trigger of triggers) files[`triggers/${trigger.id}.yaml`] = textOf(trigger)
  return files
}

function textOf(trigger: PlainTrigger): string {
  const { id, channel, once, delayHours, onExpired, attempts, heldOut } = trigger
  const at = delayHours === 0 ? 'now' : `after ${delayHours}h`
  const replies = trigger.replies.map(({ word, means, confirm }) => {
    const steps =
      confirm === null
        ? means
        : `{ means: order, confirm: 'Sure?', word: '${confirm.word}', within: ${confirm.hours}h }`
    return `  '${word}': ${steps}`
  })
  return [
    `trigger: ${id}`,
    `when: data.${once === 'ever' ? 'lifetime' : 'day'} > 0`,
    `once: ${once}`,
    `class: ${trigger.class}`,
    'message: Hello.',
    `deliver: { channel: ${channel}, at: ${at}, onExpired: ${onExpired}, attempts: ${attempts} }`,
    ...(heldOut > 0 ? [`controlGroup: { share: ${heldOut} % }`] : []),
    ...(trigger.cancelTag === null ? [] : [`cancelWhen: tags.${trigger.cancelTag}`]),
    ...(trigger.orderTag === null ? [] : [`onOrder: { set: ${trigger.orderTag} }`]),
    ...(trigger.attributionHours === null ? [] : [`attribution: ${trigger.attributionHours}h`]),
    ...(replies.length === 0 ? [] : ['replies:', ...replies]),
  ].join('\n')
}
