/**
 * How far V8's heap may grow before old objects are collected. Of its own accord it begins a
 * marking once some 20 MB of socket buffers have passed, about once a second at half load: four
 * threads mark for a tenth of a second, on two processors that the loop and the broker need, and
 * inputs wait for up to 100 ms. Nearly all of it dies young, which the small collections find.
 */

import { setFlagsFromString } from 'node:v8'

/**
 * Growth in percent of what lived after the last marking, some 40 MB of objects and buffers: the
 * process may take some 200 MB more than it needs.
 */
const GROWTH_PERCENT = 500

/** Call once, as a worker's process starts. V8 reads it at each collection. */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
}
