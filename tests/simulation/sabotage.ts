/**
 * Parts with one protection missing, each by a wrapped port: the simulation must find every one of
 * them within some seeds, or it could not find a defect of that kind in the engine either.
 */

import type { InputMessage, OutputStream, PublishOutcome } from '../../src/model/ports.ts'
import type { WorkerPorts } from '../../src/partition/worker.ts'
import { replacing } from '../support/port-wrappers.ts'
import type { Sabotage } from './life.ts'

/** By what is wrong. A new one is a new line. */
export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  'a broker that stores in spite of the expectation': { isBrokerDeaf: true },
  'a writer that repeats what was not answered without reading the tail': {
    wrap: (ports) => ({ ...ports, output: withOutput(ports, republishing) }),
  },
  'a writer that takes no answer for a yes': {
    wrap: (ports) => ({ ...ports, output: withOutput(ports, trusting) }),
  },
  'an output that answers before it has stored': {
    wrap: (ports) => ({ ...ports, output: withOutput(ports, hasty) }),
  },
  'a manifest that is there before its pages': { store: { isManifestFirst: true } },
  'a store with one slot for both versions of a page': { store: { isOneSlot: true } },
  'pages that are written to after they were handed over': {
    wrap: (ports) => ({ ...ports, store: withReusedPages(ports) }),
  },
  'a source that loses a message and counts on': {
    wrap: (ports) => ({ ...ports, source: withLostMessage(ports) }),
  },
  'a reject stream that answers and forgets': {
    wrap: (ports) => ({ ...ports, rejects: { publish: forget } }),
  },
  'an image that is loaded without its later pages': {
    wrap: (ports) => ({ ...ports, store: withStalePages(ports) }),
  },
}

type Publish = OutputStream['publish']

function withOutput({ output }: WorkerPorts, change: (publish: Publish) => Publish): OutputStream {
  const publish = change((data, expected) => output.publish(data, expected))
  return replacing<OutputStream>(output, { publish })
}

function republishing(publish: Publish): Publish {
  return async (data, expected) => {
    for (let last = expected; ; last = null) {
      const outcome = await publish(data, last)
      if (outcome.kind !== 'unknown' || expected === null) return outcome
    }
  }
}

function trusting(publish: Publish): Publish {
  return async (data, expected) => {
    const outcome = await publish(data, expected)
    if (outcome.kind !== 'unknown' || expected === null) return outcome
    return { kind: 'stored', sequence: expected + 1 }
  }
}

function hasty(publish: Publish): Publish {
  return async (data, expected) => {
    if (expected === null) return publish(data, expected)
    void publish(data, expected)
    return { kind: 'stored', sequence: expected + 1 }
  }
}

function forget(): Promise<PublishOutcome> {
  return Promise.resolve({ kind: 'stored', sequence: 1 })
}

function withReusedPages({ store }: WorkerPorts): WorkerPorts['store'] {
  return replacing<WorkerPorts['store']>(store, {
    writePage(address, bytes) {
      const written = store.writePage(address, bytes)
      bytes[bytes.byteLength - 1]! ^= 1
      return written
    },
  })
}

/** Reads the other slot of a page when that holds a version, too: an older one. */
function withStalePages({ store }: WorkerPorts): WorkerPorts['store'] {
  return replacing<WorkerPorts['store']>(store, {
    readPage(address) {
      const other = store.readPage({ ...address, slot: address.slot === 0 ? 1 : 0 })
      return other ?? store.readPage(address)
    },
  })
}

function withLostMessage({ source }: WorkerPorts): WorkerPorts['source'] {
  let shift = 0
  return replacing<WorkerPorts['source']>(source, {
    take(max) {
      const messages: InputMessage[] = []
      for (const message of source.take(max)) {
        if (shift === 0 && message.sequence === 20) shift = 1
        else messages.push({ ...message, sequence: message.sequence - shift })
      }
      return messages
    },
  })
}
