/** How the watch says things: reports and alarms into REPORT, notices into the logs. */

import type { Logger } from 'pino'
import { BrokerUnavailableError, HighwaterError, StreamFullError } from '../errors.ts'
import type { ControlPorts } from '../probe/control-sending.ts'
import { sendNotice } from '../probe/direct-sends.ts'
import type { Saying } from '../report/watch-state.ts'
import type { ReportingStream } from '../sink/reporting-stream.ts'

/** A notice that could not be said for so long is not said any more. */
const NOTICE_AGE_MAX_MS = 6 * 3_600_000

type Notice = Extract<Saying, { kind: 'notice' }>

/** What the voice is made of. */
export interface WatchVoiceParts {
  readonly reports: ReportingStream
  readonly control: ControlPorts
  /** Numbers of people by role. */
  readonly recipients: Readonly<Record<string, readonly number[]>>
  readonly logger: Logger
  readonly isVirtual: boolean
}

/** Says each thing once, as far as the ids that it carries are remembered. */
export class WatchVoice {
  readonly #parts: WatchVoiceParts
  #isFirst = true
  noticesSent = 0
  published = 0

  constructor(parts: WatchVoiceParts) {
    this.#parts = parts
  }

  /**
   * Says things in order and returns the ids of those said; stops at the first that cannot be.
   * @throws {StreamFullError | BrokerUnavailableError} nothing could be said
   */
  async say(sayings: readonly Saying[]): Promise<ReadonlySet<string>> {
    const said = new Set<string>()
    const { reports, logger } = this.#parts
    if (this.#isFirst) {
      // Said before a crash, perhaps, and longer ago than the server remembers ids.
      const ids = sayings.flatMap(({ kind, id }) => (kind === 'publish' ? [id] : []))
      for (const id of await reports.findPublished(new Set(ids))) said.add(id)
      this.#isFirst = false
    }
    try {
      for (const saying of sayings) {
        if (said.has(saying.id)) continue
        if (saying.kind === 'publish') await this.#publish(saying)
        else await this.#notify(saying)
        said.add(saying.id)
      }
    } catch (error) {
      if (!(error instanceof HighwaterError) || !error.retryable || said.size === 0) throw error
      logger.warn({ code: error.code, error: error.message }, 'said later')
    }
    return said
  }

  async #publish({ subject, id, body }: Extract<Saying, { kind: 'publish' }>): Promise<void> {
    const data = new TextEncoder().encode(JSON.stringify(body))
    const outcome = await this.#parts.reports.publish(subject, id, data)
    if (outcome.kind === 'full') throw new StreamFullError('REPORT is full')
    if (outcome.kind !== 'stored') {
      const cause = outcome.kind === 'unknown' ? outcome.cause : null
      throw new BrokerUnavailableError('REPORT did not answer', { cause })
    }
    this.published++
    this.#parts.logger.info({ subject, id }, 'published')
  }

  async #notify({ id, to, channel, class: className, text, atMs }: Notice): Promise<void> {
    const { control, recipients, logger, isVirtual } = this.#parts
    if (!isVirtual && Date.now() - atMs > NOTICE_AGE_MAX_MS) {
      logger.warn({ id }, 'a notice came too late to be sent')
      return
    }
    for (const role of to) {
      const numbers = recipients[role] ?? []
      if (numbers.length === 0) {
        logger.warn({ id, role }, 'watch.recipients names nobody of this role')
      }
      for (const [index, number] of numbers.entries()) {
        const notice = { id: `${id}-${role}-${index}`, number, channel, class: className }
        await sendNotice({ ...notice, message: text }, control)
        this.noticesSent++
      }
      logger.info({ id, role, count: numbers.length }, 'notices sent')
    }
  }
}
