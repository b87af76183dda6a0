import { TRACE_KEYS, traceFields } from '../trace-fields'

/**
 * Metadata for `createLogger({ defaultMeta: traceMeta() })`: adds `traceId`, `spanId`, `hlc` and the MDC to each line.
 *
 * winston copies `defaultMeta` inside the log call, so its properties are read in the flow that logs. (A format that reads
 * the context runs too late: under backpressure winston calls it from another flow.) `fixed` are fields of your own that are on every
 * line; they win over the MDC.
 *
 * One thing cannot be done from here: when the only argument is an object (`logger.error(err)`), winston changes that very
 * object. If one error object is logged by several requests at a time, use `attachTrace`, which copies it.
 */
export function traceMeta(fixed: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const own = { ...fixed }
  let fields: Record<string, unknown> = own
  return new Proxy(own, {
    ownKeys() {
      fields = { ...traceFields(), ...own }
      return [...new Set([...TRACE_KEYS, ...Object.keys(fields)])]
    },
    getOwnPropertyDescriptor(_target, key) {
      return { value: fields[key as string], enumerable: true, configurable: true, writable: true }
    },
    get(_target, key) {
      return fields[key as string]
    },
  })
}
