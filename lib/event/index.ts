export { errorToJson, quote, toJson } from './json'
export { isThreshold, LEVELS, type Level, SEVERITY, type Threshold } from './level'
export { captureEvent, type LogEvent, type Statement } from './log-event'
export { type EventSubscriber, emit, hasSubscribers, subscribeEvents, type TraceEnd, traceEnded } from './port'
