import type { Metadata } from '@grpc/grpc-js'
import { checkOptions, rules } from '../../lib/internal/options'
import {
  type ClientPolicy,
  type ClientTraceOptions,
  clientPolicyOf,
  clientTraceRules,
  resolveServerTrace,
  resolveSpanChoice,
  type ServerTraceOptions,
  type ServerTracePolicy,
  type SpanChoice,
  serverTraceRules,
  spanChoiceRule,
} from '../../lib/span'

/** Who calls, for the `trust` function of `traceServerInterceptor`. */
export interface GrpcCaller {
  /** The path of the method: `/shop.Stock/Reserve`. */
  readonly path: string
  /** The address of the connection: `10.0.0.7:41234`. */
  readonly peer: string
  readonly metadata: Metadata
}

/** Options of `traceServerInterceptor`. */
export interface GrpcServerTraceOptions extends ServerTraceOptions<GrpcCaller> {
  /**
   * Emits an event at the end of each call: how long it took and how it went. A list names the fields that it has beside its kind, name, outcome
   * and duration; of a call served there are `status` and `error`.
   * @default true: all fields
   */
  readonly spans?: SpanChoice
}

/** Options of `traceClientInterceptor`. */
export interface GrpcClientTraceOptions extends ClientTraceOptions {
  /**
   * Bounds the calls that a served call makes by it: they get its deadline, if theirs is later or missing, and are cancelled when it is
   * cancelled. The served call must have `traceServerInterceptor`. A served call that was answered bounds nothing any more.
   * @default false
   */
  readonly propagateDeadline?: boolean
}

/** `GrpcServerTraceOptions`, resolved. */
export interface ResolvedServerOptions {
  readonly spans: SpanChoice
  readonly policy: ServerTracePolicy<GrpcCaller>
}

/** The options of the server with every default in its place; throws ERR_TRACELANE_OPTION_* for wrong ones. */
export function resolveServerOptions(given: GrpcServerTraceOptions = {}): ResolvedServerOptions {
  checkOptions('traceServerInterceptor', given, { spans: spanChoiceRule, ...serverTraceRules })
  return Object.freeze({ spans: resolveSpanChoice(given.spans), policy: resolveServerTrace(given) })
}

/** `GrpcClientTraceOptions`, resolved. */
export interface ResolvedClientOptions extends ClientPolicy {
  readonly propagateDeadline: boolean
}

/** The options of the client with every default in its place; throws ERR_TRACELANE_OPTION_* for wrong ones. */
export function resolveClientOptions(given: GrpcClientTraceOptions = {}): ResolvedClientOptions {
  checkOptions('traceClientInterceptor', given, { ...clientTraceRules, propagateDeadline: rules.boolean })
  return Object.freeze({ ...clientPolicyOf(given), propagateDeadline: given.propagateDeadline ?? false })
}
