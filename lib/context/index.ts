export { attendForRecorder, attention, type LevelOverride, NOBODY, overriddenSeverity, overrideLevel } from './attention'
export { Baggage, type BaggageEntry } from './baggage'
export { bindAsyncIterator } from './bind-async-iterator'
export { bindEmitter, bindEmitterTo } from './bind-emitter'
export { type ClockReading, HybridClock, laterClock, MAX_CLOCK_DRIFT_MS, processClock, readClock } from './clock'
export { bindTrace, currentTrace, currentTraceId, detach, forkTrace, runUnder } from './context'
export { NO_SPAN_ID, newSpanId, newTraceId } from './ids'
export { fieldsOfTrace, type MdcFields, type MdcValue, mdc, mergeFields, NO_FIELDS } from './mdc'
export { type EmitWatcher, emitWithin, scopeOfEmitter, watcherOfEmitter } from './scoped-emitter'
export {
  type Arrival,
  currentFlow,
  currentScope,
  type Flow,
  type OtherTracer,
  otherTracer,
  runInScope,
  runOutside,
  type Scope,
  scopeOf,
  storage,
} from './storage'
export {
  childOf,
  FLAG_RANDOM,
  FLAG_SAMPLED,
  isTraceContext,
  newTrace,
  rootOf,
  TraceContext,
  type TraceContextFields,
  TraceRoot,
} from './trace-context'
