/**
 * What `npm audit --json` said: nothing found, something found, or that nobody answered. The three
 * are never mixed up: a registry that does not answer has not said that all is well.
 */

/** Outcome in a word, the exit code for it, and lines for people. */
export interface AuditVerdict {
  readonly kind: 'clean' | 'found' | 'no-answer'
  readonly exitCode: 0 | 1 | 3
  readonly lines: readonly string[]
}

interface AuditReport {
  readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> }
  readonly vulnerabilities?: Readonly<
    Record<string, { readonly severity?: string; readonly range?: string }>
  >
  readonly statusCode?: number
  readonly error?: { readonly code?: string }
}

/** Reads what npm wrote to standard output. */
export function judgeAudit(output: string): AuditVerdict {
  const report = parse(output)
  const total = report?.metadata?.vulnerabilities?.total
  if (report === null || total === undefined) {
    const why = report?.statusCode ?? report?.error?.code
    const reason = why === undefined ? '' : ` (${why})`
    return {
      kind: 'no-answer',
      exitCode: 3,
      lines: [`npm audit: no answer from the registry${reason}; nothing was checked`],
    }
  }
  const found = Object.entries(report.vulnerabilities ?? {})
  if (total === 0 && found.length === 0) {
    return { kind: 'clean', exitCode: 0, lines: ['npm audit: no known vulnerability'] }
  }
  const rows = found.map(
    ([name, { severity = 'unknown', range = '' }]) => `  ${severity} ${name} ${range}`,
  )
  return { kind: 'found', exitCode: 1, lines: [`npm audit: ${total} vulnerabilities`, ...rows] }
}

function parse(output: string): AuditReport | null {
  try {
    const value: unknown = JSON.parse(output)
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null
  }
}
