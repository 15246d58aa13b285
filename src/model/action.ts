/** Actions: what a delivery does instead of saying something. Made by rules/build-action.ts. */

/**
 * `credit`: the channel's system grants an amount, once per delivery id. `tag`: the partition
 * itself sets or clears a tag where the delivery is emitted; nobody else has anything to do.
 */
export type ActionSpec =
  | { readonly kind: 'credit'; readonly amount: number; readonly unit: string }
  | { readonly kind: 'tag'; readonly tag: string; readonly value: boolean }

/** Largest amount of one credit, in its unit. */
export const CREDIT_AMOUNT_MAX = 1_000_000

/** An action in a few words: `credit 2 yuan`, `set tag rewarded`. */
export function actionText(action: ActionSpec): string {
  if (action.kind === 'credit') return `credit ${action.amount} ${action.unit}`
  return `${action.value ? 'set' : 'clear'} tag ${action.tag}`
}
