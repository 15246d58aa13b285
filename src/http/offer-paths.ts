/** Paths of offers on request: what customers do, with limits, log and audit of their own. */

/** What is offered. */
export const OFFERS_PATH = '/v1/subscribers/:id/offers'
/** What is taken. */
export const ACCEPT_PATH = '/v1/subscribers/:id/offers/:trigger/accept'
