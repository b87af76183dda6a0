import type { Metadata } from '@grpc/grpc-js'
import { checkOptions, rules } from '../../lib/internal/options'
import { resolveServerTrace, type ServerTraceOptions, type ServerTracePolicy, serverTraceRules } from '../../lib/span'

/** The option that both sides have. */
export interface GrpcTraceOptions {
  /**
   * Emits an event at the end of each call: how long it took and how it went.
   * @default true
   */
  readonly spans?: boolean
}

/** Who calls, for the `trust` function of `traceServerInterceptor`. */
export interface GrpcCaller {
  /** The path of the method: `/shop.Stock/Reserve`. */
  readonly path: string
  /** The address of the connection: `10.0.0.7:41234`. */
  readonly peer: string
  readonly metadata: Metadata
}

/** Options of `traceServerInterceptor`. */
export interface GrpcServerTraceOptions extends GrpcTraceOptions, ServerTraceOptions<GrpcCaller> {}

/** Options of `traceClientInterceptor`. */
export interface GrpcClientTraceOptions extends GrpcTraceOptions {
  /**
   * Bounds the calls that a served call makes by it: they get its deadline, if theirs is later or missing, and are cancelled when it is
   * cancelled. The served call must have `traceServerInterceptor`. A served call that was answered bounds nothing any more.
   * @default false
   */
  readonly propagateDeadline?: boolean
}

/** `GrpcServerTraceOptions`, resolved. */
export interface ResolvedServerOptions {
  readonly spans: boolean
  readonly policy: ServerTracePolicy<GrpcCaller>
}

/** The options of the server with every default in its place; throws ERR_TRACELANE_OPTION_* for wrong ones. */
export function resolveServerOptions(given: GrpcServerTraceOptions = {}): ResolvedServerOptions {
  checkOptions('traceServerInterceptor', given, { spans: rules.boolean, ...serverTraceRules })
  return Object.freeze({ spans: given.spans ?? true, policy: resolveServerTrace(given) })
}

/** The options of the client with every default in its place; throws ERR_TRACELANE_OPTION_* for wrong ones. */
export function resolveClientOptions(given: GrpcClientTraceOptions | undefined): Required<GrpcClientTraceOptions> {
  checkOptions('traceClientInterceptor', given, { spans: rules.boolean, propagateDeadline: rules.boolean })
  return Object.freeze({ spans: given?.spans ?? true, propagateDeadline: given?.propagateDeadline ?? false })
}
