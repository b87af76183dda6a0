import type { IncomingMessage } from 'node:http'
import type { Scope } from '../context'
import { type Getter, propertyOf } from '../propagation'
import { withBusinessId } from './business-id'
import type { ResolvedServerOptions } from './server-options'
import { openServerScope } from './server-span'

/* The headers are taken from the request once: they are made on the first look, and found through its prototypes on each. */
interface ReadRequest {
  readonly req: IncomingMessage
  readonly headers: IncomingMessage['headers']
}

/*
 * Node joins the values of a repeated header with ", ". A `traceparent` of a later version may contain that text, so only
 * `headersDistinct` tells whether it was sent twice; it is slow, so it is asked only if there is a comma at all, and not for the headers
 * that are lists anyway.
 */
const requestGetter: Getter<ReadRequest> = {
  get({ req, headers }, key) {
    const value = propertyOf(headers, key)
    return typeof value === 'string' && value.includes(',') && !LISTS.has(key) ? (req.headersDistinct?.[key] ?? value) : value
  },
}

const LISTS: ReadonlySet<string> = new Set(['tracestate', 'baggage'])

/** The scope of a request of Node's own HTTP server that has just come in, with its business id. */
export function openRequestScope<Req extends IncomingMessage>(req: Req, options: ResolvedServerOptions<Req>): Scope {
  const { businessId, businessIdBaggage, policy } = options
  const scope = openServerScope({ req, headers: req.headers }, requestGetter, policy, req)
  return businessId === undefined ? scope : withBusinessId(scope, () => businessId(req), businessIdBaggage)
}
