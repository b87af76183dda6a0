import type { Flow, MdcFields, Scope, TraceContext, TraceRoot } from '../context'

/**
 * A scope as it is seen beside OpenTelemetry: with another context in its foreign slot, or with the ids of an OpenTelemetry span. What is put
 * into its MDC is put into that of the scope itself, which goes on.
 */
export class ScopeView implements Scope {
  readonly context: TraceContext
  readonly root: TraceRoot
  readonly foreign: unknown
  readonly beside: object | undefined
  readonly #base: Scope

  constructor(base: Scope, context: TraceContext, root: TraceRoot, foreign: unknown) {
    this.#base = base instanceof ScopeView ? base.#base : base
    this.context = context
    this.root = root
    this.foreign = foreign
    this.beside = base.beside
  }

  get mdc(): MdcFields {
    return this.#base.mdc
  }

  set mdc(fields: MdcFields) {
    this.#base.mdc = fields
  }
}

/** `flow` with `foreign` in its foreign slot. */
export function withForeign(flow: Flow | undefined, foreign: unknown): Flow {
  return flow?.context === undefined ? { foreign } : new ScopeView(flow, flow.context, flow.root, foreign)
}
