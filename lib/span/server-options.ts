import type { IncomingMessage } from 'node:http'
import { checkOptions, rules } from '../internal/options'
import { resolveServerTrace, type ServerTraceOptions, type ServerTracePolicy, serverTraceRules } from './server-trace'
import { resolveSpanChoice, type SpanChoice, spanChoiceRule } from './span-choice'

/** The options that all middleware for HTTP servers has. */
export interface ServerOptions<Req = IncomingMessage> extends ServerTraceOptions<Req> {
  /**
   * The business id of a request (an order number, a customer), which becomes the MDC field `businessId` of all its events. It is
   * called before any other middleware, in the request's trace: no body and no route parameters yet. More than 256 characters are
   * cut off. If it throws, the request goes on without one, and that is counted.
   */
  readonly businessId?: (req: Req) => string | undefined
  /**
   * Sends the business id on to other services, as baggage member `business-id`.
   * @default false
   */
  readonly businessIdBaggage?: boolean
  /**
   * Emits an event at the end of each request: how long it took and how it went. A list names the fields that it has beside its kind, name, outcome
   * and duration.
   * @default true: all fields
   */
  readonly spans?: SpanChoice
  /**
   * Tells which requests need no event when they end well, such as health checks; those that fail or break off have one all
   * the same. It is called like `businessId`. If it throws, or gives no boolean, the request has its event, and that is counted.
   */
  readonly silent?: (req: Req) => boolean
}

/** `ServerOptions`, checked and complete. */
export interface ResolvedServerOptions<Req = IncomingMessage> {
  readonly businessId: ((req: Req) => string | undefined) | undefined
  readonly businessIdBaggage: boolean
  readonly spans: SpanChoice
  readonly silent: ((req: Req) => boolean) | undefined
  readonly policy: ServerTracePolicy<Req>
}

const RULES = {
  businessId: rules.function,
  businessIdBaggage: rules.boolean,
  spans: spanChoiceRule,
  silent: rules.function,
  ...serverTraceRules,
}

/** Checks what a user gave as the options of `owner` and adds the defaults; throws ERR_TRACELANE_OPTION_* with the cure. */
export function resolveServerOptions<Req>(owner: string, given: ServerOptions<Req>): ResolvedServerOptions<Req> {
  checkOptions(owner, given, RULES)
  const { businessId, businessIdBaggage = false, spans, silent } = given
  const policy = resolveServerTrace(given)
  return Object.freeze({ businessId, businessIdBaggage, spans: resolveSpanChoice(spans), silent, policy })
}
