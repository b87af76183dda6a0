export { openClientScope } from './client-span'
export { openServerScope } from './server-span'
export { SPAN_LOGGER, type SpanKind, type SpanOutcome, type SpanRecord, spanEnded } from './span-end'
export { withSpan } from './with-span'
