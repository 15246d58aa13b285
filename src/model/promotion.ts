/** What becomes of the wish that a standby take over. */

/** Outcome of a promotion. */
export type PromotionOutcome =
  | {
      readonly kind: 'promoted'
      /** Partitions that were followed and are owned now; `epoch`: sequence of the claim. */
      readonly partitions: readonly { readonly partition: number; readonly epoch: number }[]
    }
  | { readonly kind: 'not-standby' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** Promotes one standby, or with null all of this process. Never rejects. */
export type PromoteStandbys = (partition: number | null) => Promise<PromotionOutcome>
