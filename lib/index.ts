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
  type Carrier,
  extractTrace,
  type Getter,
  injectTrace,
  type Propagator,
  runWithTrace,
  type SerializedTrace,
  type Setter,
  serializeTrace,
  w3cTraceContext,
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
