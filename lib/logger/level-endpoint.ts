import type { IncomingMessage, ServerResponse } from 'node:http'
import { TracelaneError } from '../errors'
import { isThreshold, SEVERITY, type Threshold } from '../event'
import { crypto } from '../internal/builtin'
import { checkOptions, type Rule } from '../internal/options'
import { getLevel, getLevels, type LoggerLevel, MAX_FOR_MS, setLevel } from './levels'

/** Options of `levelEndpoint`. */
export interface LevelEndpointOptions {
  /** What `Authorization: Bearer ...` must be: a secret of at least 16 characters. */
  readonly token: string
}

/** A listener of node:http's 'request', and a handler of Express and whatever else has Node's own request and response. */
export type LevelEndpoint = (req: IncomingMessage, res: ServerResponse) => void

const MIN_TOKEN = 16
const MAX_BODY_BYTES = 4096
const MAX_NAME = 256
const MAX_FOR_S = Math.floor(MAX_FOR_MS / 1000)

interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

interface Change {
  readonly logger: string
  readonly level: Threshold | undefined
  readonly forMs: number | undefined
}

const token: Rule = (value) =>
  typeof value === 'string' && value.length >= MIN_TOKEN ? undefined : `a secret text of at least ${MIN_TOKEN} characters`

/**
 * A handler that shows the levels of the running process to whoever has `token`, and changes them.
 *
 *     GET            { levels, loggers: { name: { configuredLevel, effectiveLevel, expiresAt? } } }
 *     PUT or POST    { logger, level, for? }: level null takes it away; after `for` seconds it falls back
 *
 * It answers every path: mount it where it shall be. Nothing is told without the token, which is compared in constant time. Throws
 * ERR_TRACELANE_OPTION_* for wrong options.
 */
export function levelEndpoint(options: LevelEndpointOptions): LevelEndpoint {
  checkOptions('levelEndpoint', options, { token }, ['token'])
  const expected = digest(`Bearer ${options.token}`)

  return function tracelaneLevels(req, res) {
    const given = digest(req.headers.authorization ?? '')
    if (!crypto().timingSafeEqual(given, expected))
      send(res, { status: 401, body: { error: 'unauthorized' }, headers: CHALLENGE })
    else if (req.method === 'GET') send(res, { status: 200, body: { levels: Object.keys(SEVERITY), loggers: shown() } })
    else if (req.method === 'PUT' || req.method === 'POST') readBody(req, (body) => send(res, changed(body)))
    else send(res, { status: 405, body: { error: 'GET, PUT or POST' }, headers: { allow: 'GET, PUT, POST' } })
  }
}

const CHALLENGE = { 'www-authenticate': 'Bearer realm="tracelane"' }

/* Texts of any length become 32 bytes, which is what can be compared in constant time. */
function digest(text: string): Buffer {
  return crypto().createHash('sha256').update(text).digest()
}

function shown(): Record<string, unknown> {
  return Object.fromEntries(Object.entries(getLevels()).map(([name, level]) => [name, texts(level)]))
}

function texts({ configuredLevel, effectiveLevel, expiresAt }: LoggerLevel): object {
  const expiry = expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }
  return { configuredLevel: configuredLevel ?? null, effectiveLevel, ...expiry }
}

function changed(body: unknown): Answer {
  if (body === TOO_LARGE)
    return { status: 413, body: { error: `at most ${MAX_BODY_BYTES} bytes` }, headers: { connection: 'close' } }
  try {
    const { logger, level, forMs } = changeOf(body)
    setLevel(logger, level, forMs === undefined ? {} : { forMs })
    return { status: 200, body: { logger, ...texts(getLevel(logger)) } }
  } catch (error) {
    return { status: 400, body: { error: error instanceof TracelaneError ? error.message : 'the body must be JSON' } }
  }
}

/* Throws a TracelaneError for what is no change. */
function changeOf(body: unknown): Change {
  const { logger, level, for: seconds } = (typeof body === 'string' ? JSON.parse(body) : body) ?? {}
  const severity: unknown = typeof level === 'string' ? level.toLowerCase() : level
  if (typeof logger !== 'string' || logger.length > MAX_NAME)
    throw wrong(`'logger' must be a name of at most ${MAX_NAME} characters`)
  if (severity !== null && !isThreshold(severity))
    throw wrong(`'level' must be one of ${Object.keys(SEVERITY).join(', ')}, or null`)
  if (seconds !== undefined && !(Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_FOR_S)) {
    throw wrong(`'for' must be an integer from 1 to ${MAX_FOR_S}, in seconds`)
  }
  return { logger, level: severity ?? undefined, forMs: seconds === undefined ? undefined : seconds * 1000 }
}

function wrong(detail: string): TracelaneError {
  return new TracelaneError('ERR_TRACELANE_ARGUMENT_INVALID', detail)
}

const TOO_LARGE = Symbol('too large')

/* What a parser before us has read is in `req.body`. */
function readBody(req: IncomingMessage & { readonly body?: unknown }, done: (body: unknown) => void): void {
  if (req.readableEnded) {
    done(req.body)
    return
  }
  const chunks: Buffer[] = []
  let bytes = 0
  const take = (chunk: Buffer): void => {
    bytes += chunk.length
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
    else {
      req.removeListener('data', take).removeListener('end', end).resume()
      done(TOO_LARGE)
    }
  }
  const end = (): void => done(Buffer.concat(chunks).toString())
  req
    .on('data', take)
    .on('end', end)
    .on('error', () => {})
}

function send(res: ServerResponse, { status, body, headers }: Answer): void {
  const text = JSON.stringify(body)
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  })
  res.end(text)
}
