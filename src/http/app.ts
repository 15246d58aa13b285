/** The Fastify application: what happens to every request before and after its route. */

import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { AuditLog } from '../model/audit.ts'
import type { CancelDeliveries } from '../model/cancellation.ts'
import type { EraseSubscribers } from '../model/erasure.ts'
import type { OfferDesk } from '../model/offer.ts'
import type { PromoteStandbys } from '../model/promotion.ts'
import type { SelectSegment } from '../model/selection.ts'
import type { SendTest } from '../model/test-send.ts'
import type { WorkerView } from '../model/view.ts'
import { addAudit } from './audit.ts'
import { addBackupRoute, type BackupHandler } from './backup-route.ts'
import { addMethodRefusals, createBaseApp, type MetricsText } from './base-app.ts'
import { addCancelRoute } from './cancel-route.ts'
import { addDataRoutes } from './data-routes.ts'
import { addErasureRoute } from './erasure-route.ts'
import { addExplainRoute } from './explain-route.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts'
import { addOperationRoutes } from './operation-routes.ts'
import { addOfferRoutes } from './offer-routes.ts'
import { addPromoteRoute } from './promote-route.ts'
import { addSegmentRoutes } from './segment-routes.ts'
import { addTestRoute } from './test-route.ts'

/** How the worker's HTTP server is set up. */
export interface HttpOptions {
  /**
   * Bearer tokens of what writes, one on a line, each after a name of its own if it has one; null:
   * none is configured, and only this machine may write.
   */
  readonly token: string | null
  /** Absent: those of the settings' defaults. */
  readonly limits?: HttpLimits
  /** Gets a line for every writing request. */
  readonly audit?: AuditLog
  /** Takes backups; absent: there is nothing to take them of. */
  readonly backup?: BackupHandler
  /** The way of erasures into the log; absent: they are answered with 503. */
  readonly erase?: EraseSubscribers
  /** The way of cancellations into the log; absent: they are answered with 503. */
  readonly cancel?: CancelDeliveries
  /** The way of test sends into the log; absent: they are answered with 503. */
  readonly sendTest?: SendTest
  /** Absent: nobody can ask for a selection over HTTP. */
  readonly select?: SelectSegment
  /** Offers on request; absent: they are answered with 503. */
  readonly offers?: OfferDesk
  /** The worker's logger; absent: nothing is logged. */
  readonly logger?: Logger | undefined
  /** Makes standbys owners; absent: nothing here follows anything. */
  readonly promote?: PromoteStandbys
}

/** Makes the application; it listens to nothing yet. */
export function createApp(
  view: WorkerView,
  metrics: MetricsText,
  options: HttpOptions,
): FastifyInstance {
  const { limits = DEFAULT_HTTP_LIMITS, audit, logger } = options
  const app = createBaseApp({ title: 'Highwater worker', version: view.version, limits, logger })
  if (audit !== undefined) addAudit(app, audit, view)
  app.register(async (routes) => {
    const urls = new Set<string>()
    routes.addHook('onRoute', ({ url }) => void urls.add(url))
    addOperationRoutes(routes, view, metrics, options.token)
    addBackupRoute(routes, options.backup, options.token)
    addPromoteRoute(routes, options.promote, options.token)
    addDataRoutes(routes, view, options.token)
    addExplainRoute(routes, view, options.token)
    addOfferRoutes(routes, options.offers ?? null, options.token)
    addErasureRoute(routes, options.erase ?? null, options.token)
    addCancelRoute(routes, options.cancel ?? null, options.token)
    addTestRoute(routes, view, options.sendTest ?? null, options.token)
    addSegmentRoutes(routes, view, options.select ?? null, options.token)
    addMethodRefusals(routes, [...urls])
  })
  return app
}
