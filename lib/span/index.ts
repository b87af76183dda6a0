export { type CallResult, type CallTarget, ClientCall, REPLY_CLOCK_HEADER } from './client-call'
export {
  type ClientPolicy,
  type ClientTraceOptions,
  clientPolicyOf,
  clientTraceRules,
  resolveClientTrace,
  targetsNow,
} from './client-options'
export { openClientScope, toldContext } from './client-span'
export { FIRST_SERVER_ERROR, failureText, outcomeOfAbort } from './failure'
export { type DispatchOptions, type FetchDispatcher, HopDispatcher, JUDGED } from './hop-dispatcher'
export { httpSpanName } from './http-name'
export {
  injectMessage,
  type MessageOptions,
  type RunInMessage,
  runBatch,
  runMessage,
  type TracedMessage,
} from './message-span'
export { type RouteReader, serveRequest } from './served-request'
export { keepTraceId } from './served-response'
export { serveUpgrade } from './served-upgrade'
export { type ResolvedServerOptions, resolveServerOptions, type ServerOptions } from './server-options'
export { openServerScope } from './server-span'
export { resolveServerTrace, type ServerTraceOptions, type ServerTracePolicy, serverTraceRules } from './server-trace'
export { resolveSpanChoice, type SpanChoice, type SpanField, spanChoiceRule } from './span-choice'
export { type SpanKind, type SpanLink, type SpanOutcome, type SpanRecord, spanEnded } from './span-end'
export type { Trust, TrustOption, TrustParts } from './trust'
export { type TrustSecretOptions, type TrustSubject, trustCidr, trustSecret } from './trust-helpers'
export { withSpan } from './with-span'
export { TASK_LOGGER, type TaskOptions, withTask } from './with-task'
