import { describe, expect, test } from 'vitest'
import type { Expression, ListName } from '../../../src/model/expression.ts'
import { BUILT_IN_CLASSES, NO_POLICY, type PolicySpec } from '../../../src/model/policy.ts'
import { evaluateNumber, type ExpressionReader } from '../../../src/rules/evaluate.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { DECLARATIONS, triggerText } from './config-texts.ts'

type Parts = Readonly<Record<string, string | null>>

const parse = (policy: string, ...triggers: Parts[]) =>
  parseCatalog({
    'a.yaml': DECLARATIONS,
    'policy.yaml': policy,
    ...Object.fromEntries(triggers.map((parts, i) => [`t${i}.yaml`, triggerText(parts)])),
  })

const policyOf = (text: string): PolicySpec => parse(text).catalog.policy
const triggerOf = (text: string, parts: Parts) => parse(text, parts).catalog.triggers[0]!

const DAY_MS = 86_400_000

describe('a policy', () => {
  test('that is not declared limits nothing', () => {
    expect(policyOf('')).toEqual(NO_POLICY)
  })

  test('that says everything is what it says', () => {
    const policy = policyOf(`
channels:
  sms:
    contactWindow: { from: '09:00', to: '21:00' }
    cap: [1 per day, 8 per 30 days, 3 per 12 hours]
    capacity:
      perSecond: 500
      perHour: 1000000
      perDay: 5000000
      alarmAt: 75.5 %
      reserved: { service: 5 %, legal: 1% }
  wap-push: {}
classes:
  service: { ignoresCaps: false, countsTowardCaps: true, heldOut: true, cap: 5 per day, refusedBy: [optOut] }
  campus: { cap: null, sensitiveCap: 1 per month, refusedBy: [] }
caps: 3 per day
controlGroup: { experiment: global-2026, share: 5 % }
arbitration: { layers: [model, experience, default], offersPerContact: 3, contact: hour }
explain: { remember: 2d }
`)
    const [marketing, , legal] = BUILT_IN_CLASSES
    const perDay = (count: number) => ({ count, per: 'day', lengthMs: 0 })
    expect(policy).toEqual({
      channels: [
        {
          name: 'sms',
          caps: [
            perDay(1),
            { count: 8, per: 'sliding', lengthMs: 30 * DAY_MS },
            { count: 3, per: 'sliding', lengthMs: DAY_MS / 2 },
          ],
          capacity: {
            perSecond: 500,
            perHour: 1_000_000,
            perDay: 5_000_000,
            alarmAt: 0.755,
            reserved: [
              { class: 'service', share: 0.05 },
              { class: 'legal', share: 0.01 },
            ],
          },
          isSms: false,
          isInbound: false,
        },
        { name: 'wap-push', caps: [], capacity: null, isSms: false, isInbound: false },
      ],
      classes: [
        marketing,
        {
          name: 'service',
          caps: [perDay(5)],
          sensitiveCaps: [],
          refusingLists: ['black', 'optOut'],
          isIgnoringCaps: false,
          isCounted: true,
          isHeldOut: true,
        },
        legal,
        {
          ...marketing,
          name: 'campus',
          sensitiveCaps: [{ count: 1, per: 'month', lengthMs: 0 }],
          refusingLists: ['black'],
        },
      ],
      caps: [perDay(3)],
      globalControl: { experiment: 'global-2026', share: 0.05 },
      arbitration: {
        layers: ['model', 'experience', 'default'],
        offersPerContact: 3,
        contact: 'hour',
      },
      rememberedMs: 2 * DAY_MS,
    })
  })

  test('that names a key only has its defaults', () => {
    const text =
      'channels: { sms: { capacity: { perDay: 9 } } }\narbitration: {}\nexplain: {}\ncontrolGroup: { share: 0.5 % }'
    expect(policyOf(text)).toMatchObject({
      channels: [{ capacity: { perSecond: null, perHour: null, alarmAt: 0.8, reserved: [] } }],
      globalControl: { experiment: 'global', share: 0.005 },
      arbitration: { layers: ['default'], offersPerContact: 1, contact: 'day' },
      rememberedMs: 7 * DAY_MS,
    })
    expect(policyOf('explain: { remember: 0s }').rememberedMs).toBe(0)
  })

  test('is frozen', () => {
    const policy = policyOf(
      'channels: { sms: { cap: 1 per day, capacity: { perDay: 9, reserved: { legal: 1 % } } } }\n' +
        'arbitration: { layers: [a] }\ncontrolGroup: { share: 1 % }\ncaps: [2 per day, 3 per week]',
    )
    const [sms] = policy.channels
    const parts: unknown[] = [policy, policy.channels, sms, sms!.caps, sms!.caps[0], sms!.capacity]
    parts.push(sms!.capacity!.reserved, sms!.capacity!.reserved[0], policy.caps, policy.classes)
    parts.push(policy.arbitration, policy.arbitration!.layers, policy.globalControl)
    expect(parts.filter((part) => !Object.isFrozen(part))).toEqual([])
  })
})

describe('a trigger under a policy', () => {
  const policy = 'arbitration: { layers: [model, segment, default] }\nclasses: { campus: {} }'

  test('has the weakest layer and what its class says', () => {
    const expected = { class: 'marketing', layer: 2, value: null, audience: null }
    expect(triggerOf(policy, {})).toMatchObject({
      ...expected,
      controlGroup: null,
      isIgnoringCaps: false,
      isCounted: true,
      overCapacity: 'defer',
    })
    const service = triggerOf(policy, { class: 'service' })
    expect([service.class, service.isIgnoringCaps, service.isCounted]).toEqual([
      'service',
      true,
      false,
    ])
  })

  test('may say otherwise', () => {
    const trigger = triggerOf(policy, {
      class: 'campus',
      layer: 'segment',
      value: '3.5',
      audience: tagged,
      controlGroup: '{ share: 10 % }',
      ignoresCaps: 'true',
      countsTowardCaps: 'false',
      deliver: '{ channel: sms, overCapacity: drop }',
    })
    expect(trigger).toMatchObject({
      class: 'campus',
      layer: 1,
      value: { kind: 'number', value: 3.5 },
      audience: { kind: 'tag', tag: 'seed' },
      controlGroup: { experiment: 'data-pack', share: 0.1 },
      isIgnoringCaps: true,
      isCounted: false,
      overCapacity: 'drop',
    })
    const named = triggerOf('', { controlGroup: '{ share: 10 %, experiment: pack }' })
    expect(named.controlGroup!.experiment).toBe('pack')
  })

  test('keeps its identity whatever the policy says', () => {
    const plain = triggerOf('', {}).identity
    const parts = { class: 'campus', layer: 'model', value: 'data.day', audience: tagged }
    expect(triggerOf(policy, { ...parts, controlGroup: '{ share: 1 % }' }).identity).toBe(plain)
  })

  test('shares an experiment with others of the same share', () => {
    const group = { controlGroup: '{ share: 5 %, experiment: both }' }
    const { catalog } = parse('', group, { ...group, trigger: 'other' })
    expect(catalog.triggers.map(({ controlGroup }) => controlGroup!.experiment)).toEqual([
      'both',
      'both',
    ])
  })

  const tagged = 'tags.seed'
})

describe('a value', () => {
  const worthOf = (text: string): Expression =>
    triggerOf('', { value: JSON.stringify(text) }).value!

  const reader = (fields: Readonly<Record<string, number>> = {}): ExpressionReader => ({
    counter: () => 2048,
    tag: (tag) => tag === 'seed',
    list: (list: ListName) => list === 'red',
    field: (field) => fields[field] ?? 0,
    has: (field) => field in fields,
    column: () => 0,
  })

  test.each([
    ['data.day / 1024 + previous(ott.month)', 2050],
    ['tags.seed ? 10 : 1', 10],
    ['lists.black ? 10 : params.share', 0.8],
    ['-fields.allowance * 2', -6],
    ['fields.plan == "gold" ? 7 : 8', 7],
    ['has(fields.allowance) ? 1 : 2', 1],
    ['params.line', 512_000],
    ['data.day / (fields.allowance - 3)', Number.POSITIVE_INFINITY],
    ['fields.trial_ends - date("2026-11-30")', Number.NaN],
    ['has(fields.trial_ends) ? fields.trial_ends - date("2026-11-30") : 0', Number.NaN],
  ])('of %s is a number', (text, expected) => {
    expect(evaluateNumber(worthOf(text), reader({ plan: 0, allowance: 3 }))).toBe(expected)
  })

  test('may be a plain number', () => {
    expect(triggerOf('', { value: '-20' }).value).toEqual({ kind: 'number', value: -20 })
  })
})
