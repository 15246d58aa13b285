/**
 * Takes subscriber numbers out of free text. What Highwater writes itself never holds one; texts of
 * others (errors of libraries, stacks, what a caller sent) might.
 */

/** Replaces every run of five and more digits; shorter ones are lines, ports, codes. */
export function maskDigits(text: string): string {
  return text.replace(/\d{5,}/g, '#####')
}
