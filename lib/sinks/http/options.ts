import { TracelaneError } from '../../errors'
import { checkOptions, type Rule, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'
import { resolveSending, type SendingOptions, sendingRules } from '../sending-options'
import { checkTls, type HttpTlsOptions, tlsRule } from './tls'

/**
 * What stands around lines, each of which is in it without its line break. For an array of JSON objects `[`, `,` and `]`, which are the defaults; for one
 * wrapped object after the other `{"event":`, `}{"event":` and `}`.
 */
export interface HttpBodyOptions {
  /** @default '[' */
  readonly start?: string
  /** @default ',' */
  readonly separator?: string
  /** @default ']' */
  readonly end?: string
}

/** Options of `httpSink`. */
export interface HttpSinkOptions extends SendingOptions {
  /**
   * Where batches go, `http:` or `https:`. `user:password@` in it becomes an `authorization` header. What stands in it beside the host and the
   * port is never shown.
   */
  readonly url: string
  /**
   * Headers of each request, such as `{ authorization: 'Bearer ...' }`. The values are never shown. Those that say how the body is
   * sent are the sink's own.
   * @default {}
   */
  readonly headers?: Readonly<Record<string, string>>
  /** @default 'POST' */
  readonly method?: 'POST' | 'PUT' | 'PATCH'
  /**
   * How long a connection may take, with the look-up of the host name and TLS, in milliseconds from 1 to 600,000.
   * @default 5000
   */
  readonly connectTimeoutMs?: number
  /**
   * How long a request may take from its start to the end of the answer, in milliseconds from 1 to 600,000.
   * @default 10000
   */
  readonly timeoutMs?: number
  /**
   * Whether batches from 1 KiB on are compressed, off the thread.
   * @default true
   */
  readonly gzip?: boolean
  /** @default 'application/x-ndjson'; 'application/json' with `body` */
  readonly contentType?: string
  /**
   * What the body of a request is, if it is not the lines as they are.
   * @default the lines as they are, each with its line break
   */
  readonly body?: HttpBodyOptions
  /**
   * How much of an answer is read, in bytes from 0 to 16,777,216; a connection whose answer is longer is not used again.
   * @default 65536
   */
  readonly maxResponseBytes?: number
  /**
   * What TLS needs beside Node's own certificates, as PEM texts.
   * @default {}
   */
  readonly tls?: HttpTlsOptions
  /**
   * Whether lines carry `hlc`, `seq` and `instance`, which sort them causally and make each one unique.
   * @default true
   */
  readonly ordering?: boolean
  /**
   * How events become lines (docs/reference/layouts.md).
   * @default 'json'
   */
  readonly layout?: LayoutOption
}

/** `httpSink(...)` as data. */
export interface HttpSinkSpec {
  readonly kind: 'http'
  readonly options: Required<Omit<HttpSinkOptions, 'body'>> & { readonly body?: Required<HttpBodyOptions> }
}

/* What RFC 9110 calls a token, and the characters that Node sends as they are; it would take a tab, which nobody means. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/
const PLAIN = /^[\x20-\x7e\x80-\xff]*$/
const OWN_HEADERS: ReadonlySet<string> = new Set([
  ...['connection', 'content-encoding', 'content-length', 'content-type', 'expect', 'keep-alive', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'tracelane-batch', 'tracelane-events'],
])

const plainText: Rule = (value) =>
  typeof value === 'string' && value !== '' && PLAIN.test(value)
    ? undefined
    : 'a text of Latin letters without control characters'

const text: Rule = (value) => (typeof value === 'string' ? undefined : 'a text')

const RULES: Readonly<Record<keyof HttpSinkOptions, Rule>> = {
  url: rules.string,
  headers: (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string')
      ? undefined
      : 'an object of texts',
  method: rules.oneOf('POST', 'PUT', 'PATCH'),
  connectTimeoutMs: rules.integer(1, 600_000),
  timeoutMs: rules.integer(1, 600_000),
  gzip: rules.boolean,
  contentType: plainText,
  body: (value) => (typeof value === 'object' && value !== null ? undefined : 'an object with start, separator and end'),
  maxResponseBytes: rules.integer(0, 2 ** 24),
  tls: tlsRule,
  ordering: rules.boolean,
  layout: () => undefined,
  ...sendingRules,
}

const BODY_RULES: Readonly<Record<keyof HttpBodyOptions, Rule>> = {
  start: text,
  separator: text,
  end: text,
}

/**
 * Lines sent over HTTP: each batch is the body of one request, one JSON object a line (NDJSON).
 *
 * Header `tracelane-batch` names the batch, the same at each try, so that a server can take it once; `tracelane-events` counts its lines. Status 2xx
 * is a receipt; 408, 425, 429, 5xx and a broken connection are tried again; after 400, 413 and 422 parts are; anything else is refused for ever, redirects too. Throws ERR_TRACELANE_OPTION_* for
 * wrong options; docs/reference/sinks/http.md.
 */
export function httpSink(options: HttpSinkOptions): HttpSinkSpec {
  checkOptions('httpSink', options, RULES, ['url'])
  const { url, headers = {}, method = 'POST', timeoutMs = 10_000, gzip = true, ordering = true, layout = 'json' } = options
  const body = bodyOf(options.body)
  const {
    contentType = body === undefined ? 'application/x-ndjson' : 'application/json',
    maxResponseBytes = 65_536,
    connectTimeoutMs = 5_000,
    tls = {},
  } = options
  checkUrl(url, headers)
  checkHeaders(headers)
  return Object.freeze({
    kind: 'http',
    options: Object.freeze({
      ...{ url, method, connectTimeoutMs, timeoutMs, gzip, contentType, maxResponseBytes, ordering },
      ...(body === undefined ? {} : { body }),
      ...resolveSending(options),
      headers: Object.freeze({ ...headers }),
      tls: checkTls(tls),
      layout: checkLayout<never>('httpSink', layout),
    }),
  })
}

function bodyOf(body: HttpBodyOptions | undefined): Required<HttpBodyOptions> | undefined {
  if (body === undefined) return undefined
  checkOptions('httpSink: body', body, BODY_RULES)
  const { start = '[', separator = ',', end = ']' } = body
  return Object.freeze({ start, separator, end })
}

function checkUrl(text: string, headers: Readonly<Record<string, string>>): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw invalid("'url' must be a whole address that begins with http:// or https://")
  }
  if (url.username === '' && url.password === '') return
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')) {
    throw invalid("'url' has a user or password, and 'headers' has authorization; give one of them")
  }
  try {
    decodeURIComponent(url.username + url.password)
  } catch {
    throw invalid("the user and password in 'url' must be percent-encoded UTF-8")
  }
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const seen = new Set<string>()
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase()
    if (!TOKEN.test(name)) throw invalid("'headers' has a name that no header can have")
    if (OWN_HEADERS.has(key)) {
      throw invalid(
        `'headers' must not have '${key}', which the sink sets itself${key === 'content-type' ? ": use 'contentType'" : ''}`,
      )
    }
    if (seen.has(key)) throw invalid(`'headers' has '${key}' twice`)
    if (!PLAIN.test(value)) throw invalid(`'headers': '${key}' has a character that cannot stand in a header`)
    seen.add(key)
  }
}

function invalid(detail: string): TracelaneError {
  return new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `httpSink: ${detail}`)
}
