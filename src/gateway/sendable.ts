/** Which deliveries a gateway has to do with. */

import type { SaidDelivery } from '../model/said.ts'

/**
 * Offers are answers to a question, tags are the engine's own; what a credit is, its target knows.
 * An action that came later than this gateway is left to a later one.
 */
export function isSendable({ purpose, action }: SaidDelivery): boolean {
  return purpose !== 'offer' && (action === null || action.kind === 'credit')
}
