import {
  Baggage,
  childOf,
  currentFlow,
  FLAG_SAMPLED,
  fieldsOfTrace,
  type MdcFields,
  mergeFields,
  newTrace,
  otherTracer,
  rootOf,
  type Scope,
  scopeOf,
  TraceContext,
} from '../context'
import { besideIn, extractFrom, type Getter, levelled } from '../propagation'
import { fieldsOfBaggage, resolveServerTrace, type ServerTracePolicy } from './server-trace'
import type { Verdict } from './trust'

const DEFAULTS: ServerTracePolicy = resolveServerTrace({})

/**
 * The scope of a request that has just come in: a new span under that of the caller, if `carrier` has a valid context that `policy`
 * trusts, else a new trace. `subject` is what the policy's `trust` function is asked about. A scope that happens to be active (a server
 * that was started inside a span, another request on the same connection) is replaced, not continued; of another tracing system's context
 * only that which belongs to this request goes on, with its ids if the caller's are trusted.
 */
export function openServerScope<C>(carrier: C, getter: Getter<C>): Scope
export function openServerScope<C, S>(carrier: C, getter: Getter<C>, policy: ServerTracePolicy<S>, subject: S): Scope
export function openServerScope<C>(
  carrier: C,
  getter: Getter<C>,
  policy: ServerTracePolicy = DEFAULTS,
  subject: unknown = carrier,
): Scope {
  const { trust, baggageFields } = policy
  const verdict = typeof trust === 'function' ? trust(subject) : trust
  const found = extractFrom(carrier, getter)
  const { context: opened, mdc } = found === undefined ? begun(carrier, getter, verdict) : judged(found, verdict)
  const context = levelled(opened, carrier, getter, verdict.level)
  const { baggage } = context
  const fields =
    baggageFields.length === 0 || baggage.size === 0 ? mdc : mergeFields(mdc, fieldsOfBaggage(baggage, baggageFields))
  const arrival = otherTracer.arrive?.(currentFlow(), found)
  const isOpen = found === undefined || verdict.id === 'always'
  return scopeOf((isOpen ? arrival?.adopt?.(context) : undefined) ?? context, arrival?.flow, fields)
}

interface Opened {
  readonly context: TraceContext
  readonly mdc: MdcFields
}

/* A request without a trace can still have baggage, a correlation id, and a decision about sampling. */
function begun<C>(carrier: C, getter: Getter<C>, { id, sampled, baggage }: Verdict): Opened {
  const said = besideIn(carrier, getter)
  const context = newTrace((baggage ? said?.baggage : undefined) ?? Baggage.empty, sampled ? said?.sampled : undefined)
  return { context, mdc: correlated(context, said?.correlationId, id) }
}

function judged(found: TraceContext, verdict: Verdict): Opened {
  const root = rootOf(found)
  const baggage = verdict.baggage ? found.baggage : Baggage.empty
  if (verdict.id !== 'always') {
    const context = newTrace(baggage, verdict.sampled ? (found.flags & FLAG_SAMPLED) !== 0 : undefined)
    const mdc = correlated(context, root.correlationId, verdict.id)
    return { context, mdc: verdict.id === 'link' ? mergeFields(mdc, { linkedTraceId: found.traceId }) : mdc }
  }
  const isWhole = verdict.baggage && verdict.sampled && verdict.traceState
  const flags = verdict.sampled ? found.flags : found.flags | FLAG_SAMPLED
  const traceState = verdict.traceState ? found.traceState : ''
  const parent = isWhole ? found : new TraceContext({ ...found, flags, traceState, baggage }, root)
  return { context: childOf(parent), mdc: fieldsOfTrace(root) }
}

/* A correlation id goes the way of the trace id: a linked one is logged here, and not sent on. */
function correlated(context: TraceContext, correlationId: string | undefined, trust: Verdict['id']): MdcFields {
  const root = rootOf(context)
  if (trust === 'always') root.correlationId = correlationId
  return fieldsOfTrace(trust === 'link' ? { correlationId } : root)
}
