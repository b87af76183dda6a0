import type { Baggage, TraceContext } from '../context'

/** Reads headers from a carrier of type `C`: HTTP headers, gRPC metadata, message headers. */
export interface Getter<C> {
  /** The values of `key` (lower case) in the order received; one string, several, or undefined. */
  get(carrier: C, key: string): string | readonly string[] | undefined
}

/** Writes headers to a carrier of type `C`. */
export interface Setter<C> {
  /** Sets `key` (lower case) to `value`, replacing whatever was there. */
  set(carrier: C, key: string, value: string): void
}

/** What a carrier says beside the ids of a trace. */
export interface Beside {
  readonly baggage?: Baggage | undefined
  /** The id under which the caller knows this request: `^[A-Za-z0-9._-]{1,128}$`. */
  readonly correlationId?: string | undefined
  /** A sampling decision without a trace, for the trace that begins here. */
  readonly sampled?: boolean | undefined
}

/** One format of trace context on the wire. It has no state. */
export interface Propagator {
  /** The header names that this propagator may read or write, in lower case. */
  readonly fields: readonly string[]
  /** The caller's context, or undefined if the carrier has no valid one. Never throws for wrong text. */
  extract<C>(carrier: C, getter: Getter<C>): TraceContext | undefined
  /** Writes `context` to the carrier as that of the calling span. */
  inject<C>(context: TraceContext, carrier: C, setter: Setter<C>): void
  /** True for a format without ids (baggage, a correlation id), which goes along with whatever format has them. */
  readonly companion?: boolean
  /** What the carrier says beside the ids; read whichever format the ids came in. Never throws for wrong text. */
  beside?<C>(carrier: C, getter: Getter<C>): Beside | undefined
  /**
   * Whether the carrier has a valid header of this format, which a client must not overwrite. Without this method it is asked by
   * `extract`.
   */
  carries?<C>(carrier: C, getter: Getter<C>): boolean
}

/** All values of a header joined as RFC 9110, 5.3 allows for list headers, or undefined. */
export function joined(values: string | readonly string[] | undefined): string | undefined {
  return values === undefined || typeof values === 'string' ? values : values.length === 0 ? undefined : values.join(',')
}

/** The only value of a header; undefined if it is missing or was sent more than once. */
export function single(values: string | readonly string[] | undefined): string | undefined {
  return values === undefined || typeof values === 'string' ? values : values.length === 1 ? values[0] : undefined
}

/** `text` without spaces and tabs at its ends (optional white space, RFC 9110, 5.6.3). */
export function trimWhiteSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isWhiteSpace(text.charCodeAt(start))) start++
  while (end > start && isWhiteSpace(text.charCodeAt(end - 1))) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

/** Whether a character is optional white space: a space or a tab (RFC 9110, 5.6.3). */
export function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
