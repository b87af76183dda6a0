import { checkOptions, rules } from '../../lib/internal/options'

/** Options of `traceServerInterceptor`. */
export interface GrpcTraceOptions {
  /**
   * Emits an event at the end of each call: how long it took and how it went.
   * @default true
   */
  readonly spans?: boolean
}

/** Options of `traceClientInterceptor`. */
export interface GrpcClientTraceOptions extends GrpcTraceOptions {
  /**
   * Bounds the calls that a served call makes by it: they get its deadline, if theirs is later or missing, and are cancelled when it is
   * cancelled. The served call must have `traceServerInterceptor`. A served call that was answered bounds nothing any more.
   * @default false
   */
  readonly propagateDeadline?: boolean
}

/** The options of the server with every default in its place; throws ERR_TRACELANE_OPTION_* for wrong ones. */
export function resolveServerOptions(given: GrpcTraceOptions | undefined): Required<GrpcTraceOptions> {
  checkOptions('traceServerInterceptor', given, { spans: rules.boolean })
  return Object.freeze({ spans: given?.spans ?? true })
}

/** The options of the client with every default in its place; throws ERR_TRACELANE_OPTION_* for wrong ones. */
export function resolveClientOptions(given: GrpcClientTraceOptions | undefined): Required<GrpcClientTraceOptions> {
  checkOptions('traceClientInterceptor', given, { spans: rules.boolean, propagateDeadline: rules.boolean })
  return Object.freeze({ spans: given?.spans ?? true, propagateDeadline: given?.propagateDeadline ?? false })
}
