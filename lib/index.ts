export type { AsyncAppenderOptions, FlushResult } from './appender'
export {
  Baggage,
  type BaggageEntry,
  bindAsyncIterator,
  bindEmitter,
  bindTrace,
  currentTrace,
  currentTraceId,
  detach,
  forkTrace,
  type MdcFields,
  type MdcValue,
  mdc,
  TraceContext,
  type TraceContextFields,
} from './context'
export { type Counters, counters } from './diagnostics'
export { type ErrorCode, isTracelaneError, TracelaneError } from './errors'
export { type EventSubscriber, type Level, type LogEvent, subscribeEvents, type Threshold, type TraceEnd } from './event'
export { close, configure, flush, getLogger, type Logger, type LoggingOptions } from './logger'
export {
  type Beside,
  b3Multi,
  b3Single,
  type Carrier,
  type CompositeOptions,
  type CorrelationIdOptions,
  compositePropagator,
  configurePropagation,
  correlationId,
  type Environment,
  extractEnvironment,
  extractTrace,
  type Getter,
  injectTrace,
  jaeger,
  type ListCarrier,
  type MethodCarrier,
  type PropagationOptions,
  type Propagator,
  type RecordCarrier,
  runWithTrace,
  type SerializedTrace,
  type Setter,
  serializeTrace,
  type Targets,
  traceEnvironment,
  w3cBaggage,
  w3cTraceContext,
  xray,
} from './propagation'
export {
  type ConsoleSinkOptions,
  type ConsoleSinkSpec,
  consoleSink,
  type FileSinkOptions,
  type FileSinkSpec,
  fileSink,
  type SinkSpec,
} from './sinks'
export { type SpanKind, type SpanOutcome, type SpanRecord, withSpan } from './span'
