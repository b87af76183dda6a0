import { childOf, currentTrace, type TraceContext } from '../context'
import type { Getter, Setter } from './propagator'
import { extractFrom, injectInto, withLevel } from './trace-carrier'

/** Environment variables, as `process.env` and the option `env` of `child_process.spawn` have them. */
export type Environment = Record<string, string | undefined>

/* https://opentelemetry.io/docs/specs/otel/context/env-carriers/: upper case, and "_" for what no variable's name can have. */
function variableOf(header: string): string {
  return header.toUpperCase().replace(/[^A-Z0-9_]/g, '_')
}

const getter: Getter<Environment> = {
  get(environment, key) {
    return environment[variableOf(key)]
  },
}

const setter: Setter<Environment> = {
  set(environment, key, value) {
    environment[variableOf(key)] = value
  },
}

/**
 * A copy of `environment` with the trace of this flow in `TRACEPARENT`, `TRACESTATE`, `BAGGAGE` and so on, for the option `env` of a
 * child process; each call is a new span. Outside any trace it is a plain copy.
 */
export function traceEnvironment(environment: Environment = process.env): Environment {
  const copy = { ...environment }
  const context = currentTrace()
  if (context !== undefined) injectInto(childOf(context), copy, setter)
  return copy
}

/** The trace context that the parent process has put into `environment`, for `runWithTrace`; undefined if there is none. Never throws. */
export function extractEnvironment(environment: Environment = process.env): TraceContext | undefined {
  return withLevel(extractFrom(environment, getter), environment, getter)
}
