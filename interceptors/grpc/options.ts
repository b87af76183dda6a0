import { checkOptions, rules } from '../../lib/internal/options'

/** Options of `traceClientInterceptor` and `traceServerInterceptor`. */
export interface GrpcTraceOptions {
  /**
   * Emits an event at the end of each call: how long it took and how it went.
   * @default true
   */
  readonly spans?: boolean
}

/** The options of `owner` with every default in its place; throws ERR_TRACELANE_OPTION_* for wrong ones. */
export function resolveGrpcOptions(owner: string, given: GrpcTraceOptions | undefined): Required<GrpcTraceOptions> {
  checkOptions(owner, given, { spans: rules.boolean })
  return Object.freeze({ spans: given?.spans ?? true })
}
