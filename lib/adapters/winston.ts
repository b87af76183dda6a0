import { subscribeEvents } from '../event'
import { TRACE_KEYS, traceFields } from './trace-fields'

/** The parts of a winston logger that this adapter uses. */
export interface WinstonLike {
  readonly levels: Readonly<Record<string, number>>
  write(...args: never[]): boolean
  log(entry: { level: string; message: string }): unknown
}

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

const ATTACHED = Symbol.for('tracelane.winston.attached')

/**
 * Makes a winston logger that exists already add `traceId`, `spanId`, `hlc` and the MDC to each line, and returns it.
 *
 * Its children, those made before too, are covered. The entry is copied first, so an object that several requests log at
 * a time keeps its own id in each line. Calling it twice on one logger changes nothing.
 */
export function attachTrace<L extends WinstonLike>(logger: L): L {
  const attached = logger as L & { [ATTACHED]?: true }
  if (attached[ATTACHED] === true) return logger
  const write = logger.write as unknown as (...args: unknown[]) => boolean
  Object.defineProperty(logger, ATTACHED, { value: true })
  Object.defineProperty(logger, 'write', {
    value: function writeWithTrace(this: L, info: unknown, ...rest: unknown[]): boolean {
      return write.call(this, isObject(info) ? withTrace(info) : info, ...rest)
    },
    configurable: true,
    writable: true,
  })
  return logger
}

/**
 * Writes the kit's own events, one at the end of each request, call and `withSpan`, to a winston logger.
 *
 * `tracelane trace` and the collector draw the tree of spans from them. The returned function ends it. Give it a logger
 * that has `traceMeta` or `attachTrace`.
 */
export function logSpans(logger: WinstonLike): () => void {
  return subscribeEvents({
    onEvent({ level, msg, logger: name, fields }) {
      logger.log({ ...fields, logger: name, level: nearestLevel(logger, level), message: msg } as {
        level: string
        message: string
      })
    },
  })
}

function withTrace(info: object): object {
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(info), Object.getOwnPropertyDescriptors(info))
  if (info instanceof Error) Object.defineProperty(copy, 'stack', { value: info.stack, configurable: true, writable: true })
  const fields = traceFields()
  for (const key of Object.keys(fields)) if (!Object.hasOwn(copy, key) || copy[key] === undefined) copy[key] = fields[key]
  return copy
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/* syslog's levels say `warning`. */
function nearestLevel({ levels }: WinstonLike, level: string): string {
  if (Object.hasOwn(levels, level)) return level
  return Object.hasOwn(levels, 'warning') && level === 'warn' ? 'warning' : 'info'
}
