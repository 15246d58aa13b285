/**
 * Limits and names of the wire format, version 1, shared by those who decode it and those who
 * encode it.
 */

/** `v` of every message. */
export const WIRE_VERSION = 1

/** Largest message, bytes: the default max_payload of a NATS server. */
export const MESSAGE_SIZE_MAX = 1_048_576

/** Rows of one profile or feedback message at most. */
export const UPSERT_ROWS_MAX = 10_000

/** Subscribers of one erasure at most: few enough to be no stall. */
export const ERASE_SUBSCRIBERS_MAX = 1_000

/** Offers shown that one control message tells of at most. */
export const SHOWN_ROWS_MAX = 500

/** Offers that one answer on an inbound channel has at most, and so the last place in it. */
export const OFFER_PLACES_MAX = 3

/** Longest text of a notice, UTF-16 units. */
export const NOTICE_LENGTH_MAX = 1_000

/** Words of the key that a selection orders its candidates by, and buckets of one digit of it. */
export const SELECTION_KEY_WORDS = 5
export const SELECTION_BUCKETS = 4_096

/** Quotas of one segment at most. */
export const SEGMENT_QUOTAS_MAX = 16

/** Partitions of one installation at most. */
export const PARTITION_COUNT_MAX = 4_096

/** Latest time that a Date can hold, ms since the Unix epoch; the earliest on the wire is 0. */
export const TIME_MAX_MS = 8.64e15

/** Radio type codes run from 0 (unknown) to this one; see RAT_CODES. */
export const RAT_CODE_MAX = 10

/** Usage kinds run from 0 (data) to this one; see KIND_CODES. */
export const KIND_CODE_MAX = 5

/** Highest config generation. */
export const GENERATION_MAX = 0x7fff_ffff

/** Highest version of a versioned tag. */
export const TAG_VERSION_MAX = 0x7fff_ffff

/** Names of probes, sources and writers: one token of a subject. */
export const PRODUCER_NAME = /^[A-Za-z0-9_-]{1,64}$/

/** The subject that carries a producer's messages of one kind for one partition. */
export function producerSubject(
  kind: 'usage' | 'profile' | 'feedback',
  partition: number,
  producer: string,
): string {
  return `${kind}.${partition}.${producer}`
}

/** The subject that carries a partition's control messages. */
export function controlSubject(partition: number): string {
  return `control.${partition}`
}

/** The partition of a subscriber: its number modulo the partition count, both whole. */
export function partitionOf(subscriber: number, partitionCount: number): number {
  return subscriber - Math.floor(subscriber / partitionCount) * partitionCount
}
