export { quote } from '../internal/quote'
export { divertEvents, divertedTo, type EventTaker } from './diversion'
export { instance, nextSequence } from './identity'
export {
  copyPlain,
  errorToJson,
  fieldToJson,
  isError,
  isPlain,
  MAX_PLAIN,
  numberToJson,
  reasonOf,
  textToJson,
  toJson,
  unreadable,
} from './json'
export { isThreshold, LEVELS, type Level, SEVERITY, type Threshold } from './level'
export { captureLine, type FinishedLine, type LineContent } from './line-event'
export { type Caller, captureEvent, captureParts, type LogEvent, type Marks, marked, type Statement } from './log-event'
export {
  type EventSubscriber,
  emit,
  hasSubscribers,
  SPAN_LOGGER,
  subscribeEvents,
  type TraceEnd,
  taskEnded,
  traceEnded,
} from './port'
export { errorOfJson, redactEvent } from './redact-event'
export { redactLine } from './redact-line'
export { closeTask, enterTask, hasOpenTasks, openTask, type TaskEnd } from './task-ledger'
export { type FieldValue, levelsRule, valueInside, type WantedFields, wantedFieldsRule } from './wanted-fields'
