import { PARTITION_COUNT_MAX, PRODUCER_NAME } from '../model/wire.ts'

/** What a subject of IN_<p> says. `producer` is the probe or source that may write there. */
export type InputSubject =
  | {
      readonly kind: 'usage' | 'profile' | 'feedback'
      readonly partition: number
      readonly producer: string
    }
  | { readonly kind: 'control'; readonly partition: number }

/** Subjects remembered at most; beyond that the cache starts anew. */
const SUBJECTS_CACHED_MAX = 4_096

const subjectsCached = new Map<string, InputSubject>()

/**
 * Parses `usage.<p>.<probe>`, `profile.<p>.<source>`, `feedback.<p>.<source>` and `control.<p>`;
 * null for anything else. The same subject gives the same object while it is cached; nothing
 * depends on whether it is.
 */
export function parseSubject(subject: string): InputSubject | null {
  const cached = subjectsCached.get(subject)
  if (cached !== undefined) return cached
  const parsed = parse(subject)
  if (parsed === null) return null
  if (subjectsCached.size >= SUBJECTS_CACHED_MAX) subjectsCached.clear()
  subjectsCached.set(subject, parsed)
  return parsed
}

function parse(subject: string): InputSubject | null {
  const tokens = subject.split('.', 4)
  const kind = tokens[0]
  const partition = parsePartition(tokens[1])
  if (partition === null) return null
  if (kind === 'control') return tokens.length === 2 ? Object.freeze({ kind, partition }) : null
  if (kind !== 'usage' && kind !== 'profile' && kind !== 'feedback') return null
  const producer = tokens[2]
  if (tokens.length !== 3 || producer === undefined || !PRODUCER_NAME.test(producer)) return null
  return Object.freeze({ kind, partition, producer })
}

/** Canonical decimal only: `07` would be a second name of partition 7. */
function parsePartition(token: string | undefined): number | null {
  if (token === undefined || !/^(0|[1-9][0-9]{0,3})$/.test(token)) return null
  const partition = Number(token)
  return partition < PARTITION_COUNT_MAX ? partition : null
}
