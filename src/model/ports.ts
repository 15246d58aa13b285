/**
 * The ports of the partition's shell: what it needs from NATS and LMDB, in its own words. Real
 * adapters live in source/, sink/ and store/; the simulation brings its own.
 */

import type { ControlMessage } from './messages.ts'

/**
 * One message of IN_<p>, valid until the next `take`. `timestampMs` is JetStream's. Copy it field
 * by field: `data` may be a getter, which `{ ...message }` passes over.
 */
export interface InputMessage {
  readonly sequence: number
  readonly timestampMs: number
  readonly subject: string
  readonly data: Uint8Array
}

/**
 * What a stream says of itself. `created` names the incarnation (RFC 3339 text as the server gives
 * it).
 */
export interface StreamState {
  readonly created: string
  readonly firstSequence: number
  /** 0 while the stream never held a message. */
  readonly lastSequence: number
  /** Bytes that it holds; of IN only. */
  readonly size?: number
  /** Bytes that it may hold; -1: as many as the server has room for. Of IN only. */
  readonly sizeMax?: number
}

/** The input stream of one partition, read in order, from a sequence that we choose. */
export interface Source {
  state(): Promise<StreamState>
  /** Reads one stored message from the leader; null when it is gone or not there yet. */
  read(sequence: number): Promise<InputMessage | null>
  /**
   * Starts reading at `sequence`; reconnects and resumes by itself until closed. Sequences are not
   * checked here.
   */
  open(sequence: number): Promise<void>
  /**
   * Up to `max` messages that have arrived, in order, without waiting; empty when there is none.
   */
  take(max: number): readonly InputMessage[]
  /**
   * Resolves when `take` has something, or after `timeoutMs`; rejects when the source failed for
   * good.
   */
  wait(timeoutMs: number): Promise<void>
  /** Bytes buffered and not yet taken; bounded by the adapter. */
  bufferedSize(): number
  /**
   * Times the connection was lost and found again since `open`: the shell re-checks the streams on
   * a change.
   */
  reconnectCount(): number
  close(): Promise<void>
}

/** Answer to a publish with an expectation. `unknown`: it may be stored or not, read the tail. */
export type PublishOutcome =
  | { readonly kind: 'stored'; readonly sequence: number }
  | { readonly kind: 'refused' }
  | { readonly kind: 'full' }
  | { readonly kind: 'unknown'; readonly cause: unknown }

/** One message of OUT_<p>. */
export interface OutputMessage {
  readonly sequence: number
  readonly data: Uint8Array
}

/** The output stream of one partition (`out.<p>`), written by one owner at a time. */
export interface OutputStream {
  state(): Promise<StreamState>
  /**
   * Publishes with `Nats-Expected-Last-Sequence` (null: without, for a claim). Never retries by
   * itself.
   */
  publish(data: Uint8Array, expectedLastSequence: number | null): Promise<PublishOutcome>
  /** All messages from `firstSequence` to `lastSequence`, in order, from the leader. */
  read(firstSequence: number, lastSequence: number): AsyncIterable<OutputMessage>
  close(): Promise<void>
}

/** The reject stream of one partition (`reject.<p>`): at least once, keyed by `messageId`. */
export interface RejectStream {
  publish(data: Uint8Array, messageId: string): Promise<PublishOutcome>
}

/** Writes to `control.<p>`: ticks of the owner, configs, genesis. */
export interface ControlWriter {
  publish(data: Uint8Array, expectedLastSequence: number | null): Promise<PublishOutcome>
}

/** Writes control messages to the logs of any partitions; see partition/errands.ts. */
export interface ErrandWriter {
  publish(partition: number, message: ControlMessage): Promise<PublishOutcome>
}

/** Where a page of state lives: table, page number within it, and one of its two slots. */
export interface PageAddress {
  readonly table: number
  readonly page: number
  readonly slot: 0 | 1
}

/** LMDB, as pages and one manifest. One process at a time. */
export interface PageStore {
  /** Entries of the last committed manifest by key; empty when there is none. */
  readManifest(): ReadonlyMap<string, Uint8Array>
  /** The page's bytes, or null. The result is a view valid until the next call. */
  readPage(address: PageAddress): Uint8Array | null
  /**
   * Stores a page; takes ownership of `bytes` (never written again by the caller) until the
   * returned promise settles.
   */
  writePage(address: PageAddress, bytes: Uint8Array): Promise<unknown>
  /**
   * One small transaction that replaces all manifest entries; resolves once they and all pages
   * before are on disk.
   */
  commitManifest(entries: ReadonlyMap<string, Uint8Array>): Promise<void>
  /**
   * Replaces all that is stored by these pages, as they stand there, and this manifest, in a fresh
   * file: what was overwritten before is in no file any more. Nothing else may be written
   * meanwhile; `pace` is awaited now and then with the bytes copied so far. A failure leaves
   * everything as it was. Absent: there is no file that could keep anything.
   */
  compact?(
    pages: Iterable<PageAddress>,
    entries: ReadonlyMap<string, Uint8Array>,
    pace: (copiedSize: number) => Promise<void>,
  ): Promise<void>
  /** Size of the environment on disk, bytes. */
  diskSize(): number
  close(): Promise<void>
}

/** Tells the time; only the shell reads it (lag, alarms, pacing), never the machine. */
export interface Clock {
  nowMs(): number
}

/** The worker's own clock, and all waiting by it: whoever brings another brings all of time. */
export interface WaitingClock extends Clock {
  /**
   * Milliseconds since some moment, at one pace for ever: for durations. `nowMs` may be set back
   * or forward by an hour at any time, and nothing may wait an hour for it.
   */
  steadyMs(): number
  /** Resolves after `ms` milliseconds. */
  pause(ms: number): Promise<void>
  /** Resolves when whatever else is ready had its turn. */
  turn(): Promise<void>
}
