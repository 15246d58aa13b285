/** Names of the places that a layout gives to what a catalog keeps of a subscriber. */

import type { CounterSpec, CounterWindowSpec } from '../model/catalog.ts'

/** Keys of places. */
export const placeKeys = {
  stamp: (table: number, unit: string) => `stamp/${table}/${unit}`,
  counter: (counter: CounterSpec, counterWindow: CounterWindowSpec) =>
    `counter/${counter.name}/${counterWindow.key}/${counter.identity}`,
  previous: (counter: CounterSpec, counterWindow: CounterWindowSpec, back: number) =>
    `previous${back}/${counter.name}/${counterWindow.key}/${counter.identity}`,
  ring: (counter: CounterSpec, counterWindow: CounterWindowSpec) =>
    `ring/${counter.name}/${counterWindow.key}/${counter.identity}`,
  /** Further chunks of a set of apps; the first stands where other counters have their value. */
  chunk: (counter: CounterSpec, counterWindow: CounterWindowSpec, back: number, chunk: number) =>
    `chunk${chunk}/${back}/${counter.name}/${counterWindow.key}/${counter.identity}`,
  stay: (counter: CounterSpec) => `stay/${counter.name}/${counter.identity}`,
  tag: (tag: string) => `tag/${tag}`,
  tagVersion: (tag: string) => `version/${tag}`,
  field: (field: string, type: string) => `field/${field}/${type}`,
  fieldSet: (field: string, type: string) => `set/${field}/${type}`,
  latch: (trigger: string, once: string) => `latch/${trigger}/${once}`,
  latchStamp: (table: number, once: string) => `latchStamp/${table}/${once}`,
  tagging: (trigger: string, tag: string) => `tagging/${trigger}/${tag}`,
}

/** Whether a key is that of a latch for this period, of a trigger that may be long gone. */
export function isLatchKey(key: string, once: string): boolean {
  return key.startsWith('latch/') && key.endsWith(`/${once}`)
}
