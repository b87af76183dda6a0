export { b3Multi, b3Single } from './b3'
export {
  anyGetter,
  anySetter,
  type Carrier,
  type ListCarrier,
  type MethodCarrier,
  propertyOf,
  type RecordCarrier,
  recordSetter,
} from './carriers'
export { CLOCK_HEADER, receiveReplyClock } from './clock-header'
export { type CompositeOptions, compositePropagator } from './composite'
export { configurePropagation, type PropagationOptions, propagation } from './configure'
export { type CorrelationIdOptions, correlationId } from './correlation-id'
export { type Environment, extractEnvironment, traceEnvironment } from './environment'
export { jaeger } from './jaeger'
export { messageGetter, messageSetter } from './message-carrier'
export type { Beside, Getter, Propagator, Setter } from './propagator'
export { runWithTrace, type SerializedTrace, serializeTrace } from './serialized-trace'
export { resolveTargets, type TargetMatch, type Targets, targetsRule } from './targets'
export {
  besideIn,
  carriesOwnContext,
  extractFrom,
  extractTrace,
  injectAround,
  injectInto,
  injectTrace,
  levelled,
} from './trace-carrier'
export { BAGGAGE_HEADER, extractBaggage, injectBaggage, w3cBaggage } from './w3c-baggage'
export { w3cTraceContext } from './w3c-trace-context'
export { formatTraceParent, parseTraceParent, type TraceParent } from './w3c-trace-parent'
export { formatTraceState, parseTraceState, type TraceState } from './w3c-trace-state'
export { xray } from './xray'
