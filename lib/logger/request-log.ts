import type { IncomingMessage } from 'node:http'
import { scopeOfEmitter } from '../context'
import { checkOptions, rules } from '../internal/options'
import { nodeOf } from './hierarchy'
import { getLogger, Logger } from './logger'

/** Options of `addRequestLog`. */
export interface RequestLogOptions {
  /**
   * The name of the logger.
   * @default 'http'
   */
  readonly logger?: string
}

const DEFAULT_NAME = 'http'

/**
 * A logger whose events have the trace of `req`, whatever flow they are logged in: for code that has the request and may have lost the context.
 * In a flow of the same trace they have the span of that flow.
 *
 * A request without a trace (no middleware of ours has seen it) gives the logger called `name` as it is.
 */
export function requestLogger(req: IncomingMessage, name: string = DEFAULT_NAME): Logger {
  const logger = getLogger(name)
  const scope = scopeOfEmitter(req)
  return scope === undefined ? logger : new Logger(nodeOf(name), undefined, scope)
}

/**
 * Gives everything that has `prototype` the property `log`: the `requestLogger` of the request, made when it is first asked for.
 *
 * Express: `addRequestLog(app.request)` for `req.log`. Koa: `addRequestLog(app.context)` for `ctx.log`. Plain node:http:
 * `addRequestLog(IncomingMessage.prototype)`. Whoever assigns `log`, as pino-http does, has it; a prototype that has a `log` is left as it is.
 * Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function addRequestLog(prototype: object, options: RequestLogOptions = {}): void {
  checkOptions('addRequestLog', options, { logger: rules.string })
  if ('log' in prototype) return
  const { logger: name = DEFAULT_NAME } = options
  Object.defineProperty(prototype, 'log', {
    configurable: true,
    get(this: HasRequest): Logger {
      const req = this.req ?? this
      const log = requestLogger(req, name)
      // The prototype itself may be asked, by whoever prints it: what it answered would be the answer of all requests.
      if (scopeOfEmitter(req) !== undefined) keep(this, log)
      return log
    },
    set(this: object, value: unknown): void {
      keep(this, value)
    },
  })
}

/* Koa's context has the request of Node as `req`. */
type HasRequest = IncomingMessage & { readonly req?: IncomingMessage }

function keep(owner: object, value: unknown): void {
  Object.defineProperty(owner, 'log', { value, configurable: true, enumerable: true, writable: true })
}
