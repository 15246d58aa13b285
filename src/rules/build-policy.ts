/**
 * The policy from its readings, and the table by which triggers find what they name in it:
 * channels, classes, layers, contact windows.
 */

import type { ListName } from '../model/expression.ts'
import {
  type ArbitrationSpec,
  BUILT_IN_CLASSES,
  type CapSpec,
  type ChannelSpec,
  CLASS_DEFAULT,
  type ClassSpec,
  NO_POLICY,
  type PolicySpec,
} from '../model/policy.ts'
import { buildCapacity } from './build-capacity.ts'
import { type DeclaredWindow, declareWindow, HolidayCalendar } from './build-contact-window.ts'
import { checkCaps } from './cap-checks.ts'
import type { CatalogFileReading } from './catalog-grammar.ts'
import { Experiments } from './control-groups.ts'
import {
  type ArbitrationReading,
  type ChannelReading,
  type ClassReading,
  GLOBAL_EXPERIMENT,
  LAYER_DEFAULT,
  type policyKeys,
} from './policy-grammar.ts'
import { type CapsReading, HOLIDAYS_MAX } from './policy-shapes.ts'
import type { YamlSource } from './yaml-source.ts'

/** A channel or class with the contact window that it brings along. */
export interface PolicyEntry<T> {
  readonly spec: T
  readonly contactWindow: DeclaredWindow | null
}

/** What triggers look up. null: declared, but broken and already reported. */
export interface PolicyTable {
  readonly spec: PolicySpec
  readonly channels: ReadonlyMap<string, PolicyEntry<ChannelSpec> | null>
  readonly classes: ReadonlyMap<string, PolicyEntry<ClassSpec> | null>
  readonly holidays: HolidayCalendar
  readonly experiments: Experiments
  /** False when the key stands somewhere but could not be read: it may declare anything. */
  isKnown(key: PolicyKey): boolean
}

/** A top-level key of the policy. */
export type PolicyKey = keyof typeof policyKeys

type ValueOf<K extends PolicyKey> = NonNullable<CatalogFileReading['values'][K]>

/** What stands under the policy's keys in all files. */
export interface PolicyReadings {
  only<K extends PolicyKey>(
    key: K,
  ): { readonly source: YamlSource; readonly value: ValueOf<K> } | undefined
  /** Whether the key stands anywhere, readable or not. */
  isGiven(key: PolicyKey): boolean
}

/** The policy of a configuration; whatever is wrong with it is reported. */
export function buildPolicy(readings: PolicyReadings, notes: string[]): PolicyTable {
  const isKnown = (key: PolicyKey) => !readings.isGiven(key) || readings.only(key) !== undefined
  const classes = buildClasses(readings)
  const channels = buildChannels(readings, isKnown('classes') ? [...classes.keys()] : null)
  const experiments = new Experiments()
  const control = readings.only('controlGroup')
  const arbitration = readings.only('arbitration')
  const caps = readings.only('caps')
  const spec = {
    channels: specsOf(channels),
    classes: specsOf(classes),
    caps: readCaps(caps?.value, caps?.source),
    globalControl:
      control === undefined
        ? null
        : experiments.add(control.value, GLOBAL_EXPERIMENT, control.source),
    arbitration:
      arbitration === undefined ? null : buildArbitration(arbitration.value, arbitration.source),
    rememberedMs: readings.only('explain')?.value.values.remember ?? NO_POLICY.rememberedMs,
  }
  const holidays = buildHolidays(readings)
  if (!readings.isGiven('holidays')) {
    for (const entry of [...channels.values(), ...classes.values()]) {
      noteHolidays(entry?.contactWindow, notes)
    }
  }
  return { spec: Object.freeze(spec), channels, classes, holidays, experiments, isKnown }
}

function buildChannels(
  readings: PolicyReadings,
  classNames: readonly string[] | null,
): PolicyTable['channels'] {
  const channels = new Map<string, PolicyEntry<ChannelSpec> | null>()
  const read = readings.only('channels')
  for (const [name, { value }] of read?.value ?? []) {
    channels.set(name, value ? buildChannel(name, value, classNames, read!.source) : null)
  }
  return channels
}

function buildChannel(
  name: string,
  reading: ChannelReading,
  classNames: readonly string[] | null,
  source: YamlSource,
): PolicyEntry<ChannelSpec> | null {
  const countBefore = source.problems.length
  const { values } = reading
  const contactWindow = readWindow(values.contactWindow, `channel ${name}`, source)
  const caps = readCaps(values.cap, source)
  const capacity =
    values.capacity === undefined ? null : buildCapacity(values.capacity, classNames, source)
  const isInbound = values.inbound ?? false
  if (isInbound) checkInbound(reading, source)
  if (source.problems.length > countBefore) return null
  return {
    spec: Object.freeze({ name, caps, capacity, isSms: values.sms ?? false, isInbound }),
    contactWindow,
  }
}

/** Who asks is answered at once: there is no time to wait for. */
function checkInbound(reading: ChannelReading, source: YamlSource): void {
  const { capacity } = reading.values
  if (reading.at('contactWindow') !== reading.node) {
    const message = 'an inbound channel has no contact window: the customer asks'
    const hint = 'leave contactWindow out, or inbound'
    source.report(reading.at('contactWindow'), 'contradiction', message, hint)
  }
  if (capacity?.values.perSecond !== undefined) {
    const message = 'on an inbound channel nobody waits for the next second'
    source.report(capacity.at('perSecond'), 'contradiction', message, 'give perHour or perDay')
  }
}

/** The built-in classes as they are or as they are declared anew, then the others. */
function buildClasses(readings: PolicyReadings): PolicyTable['classes'] {
  const classes = new Map<string, PolicyEntry<ClassSpec> | null>()
  for (const spec of BUILT_IN_CLASSES) classes.set(spec.name, { spec, contactWindow: null })
  const read = readings.only('classes')
  for (const [name, { value }] of read?.value ?? []) {
    const base = BUILT_IN_CLASSES.find((spec) => spec.name === name) ?? {
      ...BUILT_IN_CLASSES.find((spec) => spec.name === CLASS_DEFAULT)!,
      name,
    }
    classes.set(name, value ? buildClass(base, value, read!.source) : null)
  }
  return classes
}

function buildClass(
  base: ClassSpec,
  reading: ClassReading,
  source: YamlSource,
): PolicyEntry<ClassSpec> | null {
  const countBefore = source.problems.length
  const { values } = reading
  const isIgnoringCaps = values.ignoresCaps ?? base.isIgnoringCaps
  for (const key of ['cap', 'sensitiveCap'] as const) {
    if (!isIgnoringCaps || (values[key]?.caps.length ?? 0) === 0) continue
    const message = `the class ${base.name} ignores caps, so its own would never hold`
    const hint = `say ignoresCaps: false, or leave ${key} out`
    source.report(reading.at(key), 'contradiction', message, hint)
  }
  const refusingLists =
    values.refusedBy === undefined ? base.refusingLists : readRefusing(values.refusedBy, source)
  const sensitiveCaps = readCaps(values.sensitiveCap, source)
  if (sensitiveCaps.length > 0 && refusingLists.includes('sensitive')) {
    const message = 'subscribers on the list sensitive are refused anyway'
    const hint = 'leave sensitiveCap out, or sensitive out of refusedBy'
    source.report(reading.at('sensitiveCap'), 'contradiction', message, hint)
  }
  const contactWindow = readWindow(values.contactWindow, `class ${base.name}`, source)
  const spec: ClassSpec = Object.freeze({
    name: base.name,
    caps: readCaps(values.cap, source),
    sensitiveCaps,
    refusingLists,
    isIgnoringCaps,
    isCounted: values.countsTowardCaps ?? base.isCounted,
    isHeldOut: values.heldOut ?? base.isHeldOut,
  })
  return source.problems.length > countBefore ? null : { spec, contactWindow }
}

function readRefusing(
  lists: NonNullable<ClassReading['values']['refusedBy']>,
  source: YamlSource,
): readonly ListName[] {
  const refusing: ListName[] = ['black']
  const given = new Set<ListName>()
  for (const { value, node } of lists) {
    if (given.has(value)) source.report(node, 'duplicate', `"${value}" is given twice`)
    given.add(value)
    if (!refusing.includes(value)) refusing.push(value)
  }
  return Object.freeze(refusing)
}

function buildArbitration(reading: ArbitrationReading, source: YamlSource): ArbitrationSpec {
  const { values } = reading
  const layers: string[] = []
  for (const { value, node } of values.layers ?? []) {
    if (layers.includes(value)) {
      source.report(node, 'duplicate', `the layer "${value}" is given twice`)
    }
    layers.push(value)
  }
  if (layers.length === 0) layers.push(LAYER_DEFAULT)
  return Object.freeze({
    layers: Object.freeze(layers),
    offersPerContact: values.offersPerContact ?? 1,
    contact: values.contact ?? 'day',
  })
}

function buildHolidays(readings: PolicyReadings): HolidayCalendar {
  const days = new Set<number>()
  const read = readings.only('holidays')
  for (const { value, node } of read?.value ?? []) {
    const { fromDay, toDay } = value
    if (days.size + toDay - fromDay >= HOLIDAYS_MAX) {
      const message = `with these there are more than ${HOLIDAYS_MAX} holidays`
      read!.source.report(node, 'too-many', message, 'leave out those of past years')
      break
    }
    let isRepeated = false
    for (let day = fromDay; day <= toDay; day++) {
      isRepeated ||= days.has(day)
      days.add(day)
    }
    if (isRepeated) {
      const message = fromDay === toDay ? 'this day' : 'a day of this range'
      read!.source.report(node, 'duplicate', `${message} is already a holiday`, 'name it once')
    }
  }
  return new HolidayCalendar([...days])
}

/** Notes a window that tells holidays from other days where there are none. */
export function noteHolidays(window: DeclaredWindow | null | undefined, notes: string[]): void {
  if (!window || window.holidays === 'like-other-days') return
  notes.push(`the contact window of ${window.owner} speaks of holidays, but none are declared`)
}

function readCaps(
  reading: CapsReading | undefined,
  source: YamlSource | undefined,
): readonly CapSpec[] {
  return reading === undefined || source === undefined ? [] : checkCaps(reading, source)
}

function readWindow(
  reading: ChannelReading['values']['contactWindow'],
  owner: string,
  source: YamlSource,
): DeclaredWindow | null {
  return reading === undefined ? null : declareWindow(reading, owner, source)
}

function specsOf<T>(entries: ReadonlyMap<string, PolicyEntry<T> | null>): readonly T[] {
  return Object.freeze([...entries.values()].flatMap((entry) => (entry ? [entry.spec] : [])))
}
