/** The middleware of an Express app that stands before ours. */
export interface StackBefore {
  readonly risky: readonly string[]
  readonly other: readonly string[]
}

/* By the name of their function: body parsers, sessions and request loggers read, wait or log. */
const RISKY = new Set([
  ...['jsonParser', 'urlencodedParser', 'rawParser', 'textParser', 'multerMiddleware'],
  ...['session', 'cookieSession', '_cookieSession', 'logger', 'loggingMiddleware', 'authenticate'],
])
/* Express's own, and those that neither wait nor log. */
const HARMLESS = new Set([
  ...['query', 'expressInit', 'helmetMiddleware', 'corsMiddleware', 'compression', 'serveStatic', 'favicon', 'cookieParser'],
])
const OURS = 'tracelane'

interface Layer {
  readonly name?: string
  readonly route?: unknown
  readonly handle?: unknown
}

interface ExpressApp {
  /** Express 4. */
  readonly _router?: { readonly stack?: readonly Layer[] }
  /** Express 5; the getter of Express 4 throws. */
  readonly router?: { readonly stack?: readonly Layer[] }
}

/** What is mounted before `traceMiddleware` in the app that serves `request`; empty if that is no Express app. Never throws. */
export function expressStackBefore(request: object): StackBefore {
  const names = namesBefore((request as { app?: ExpressApp }).app)
  return {
    risky: names.filter((name) => RISKY.has(name)),
    other: names.filter((name) => !RISKY.has(name) && !HARMLESS.has(name)),
  }
}

function namesBefore(app: ExpressApp | undefined): string[] {
  try {
    const stack = (app?._router ?? app?.router)?.stack ?? []
    const ours = stack.findIndex(({ name }) => name === OURS)
    return stack
      .slice(0, Math.max(ours, 0))
      .filter((layer) => layer.route === undefined && !isHookOfNest(layer))
      .map(({ name }) => name ?? '<anonymous>')
  } catch {
    return []
  }
}

/* NestJS mounts one without a name in each app that it makes; without a listener of its own it only goes on. */
function isHookOfNest({ handle }: Layer): boolean {
  return typeof handle === 'function' && Function.prototype.toString.call(handle).includes('this.onRequestHook')
}
