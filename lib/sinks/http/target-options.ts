import { TracelaneError } from '../../errors'
import { type Rule, rules } from '../../internal/options'
import { checkTls, type HttpTlsOptions, tlsRule } from './tls'

/** Where requests go, and how; for every sink that speaks HTTP. */
export interface HttpTargetOptions {
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
   * Whether bodies from 1 KiB on are compressed, off the thread.
   * @default true
   */
  readonly gzip?: boolean
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
}

/* What RFC 9110 calls a token, and the characters that Node sends as they are; it would take a tab, which nobody means. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/
const PLAIN = /^[\x20-\x7e\x80-\xff]*$/
const OWN_HEADERS: ReadonlySet<string> = new Set([
  ...['connection', 'content-encoding', 'content-length', 'content-type', 'expect', 'keep-alive', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'tracelane-v', 'tracelane-batch', 'tracelane-events'],
])

/** A text that can stand in a header. */
export const headerText: Rule = (value) =>
  typeof value === 'string' && value !== '' && PLAIN.test(value)
    ? undefined
    : 'a text of Latin letters without control characters'

/** The rules of `HttpTargetOptions`, for sinks that have them among their own. */
export const targetRules: Readonly<Record<keyof HttpTargetOptions, Rule>> = {
  url: rules.string,
  headers: (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string')
      ? undefined
      : 'an object of texts',
  connectTimeoutMs: rules.integer(1, 600_000),
  timeoutMs: rules.integer(1, 600_000),
  gzip: rules.boolean,
  maxResponseBytes: rules.integer(0, 2 ** 24),
  tls: tlsRule,
}

/**
 * The target among the options of the sink `owner`, complete and frozen. Throws ERR_TRACELANE_OPTION_* for what is wrong with it, without showing
 * anything secret.
 */
export function resolveTarget(owner: string, options: HttpTargetOptions, contentTypeCure = ''): Required<HttpTargetOptions> {
  const { url, headers = {}, connectTimeoutMs = 5_000, timeoutMs = 10_000, gzip = true } = options
  const { maxResponseBytes = 65_536, tls = {} } = options
  const invalid = (detail: string): TracelaneError => new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `${owner}: ${detail}`)
  checkUrl(url, headers, invalid)
  checkHeaders(headers, contentTypeCure, invalid)
  return Object.freeze({
    ...{ url, connectTimeoutMs, timeoutMs, gzip, maxResponseBytes },
    headers: Object.freeze({ ...headers }),
    tls: checkTls(owner, tls),
  })
}

type Invalid = (detail: string) => TracelaneError

function checkUrl(text: string, headers: Readonly<Record<string, string>>, invalid: Invalid): void {
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

function checkHeaders(headers: Readonly<Record<string, string>>, contentTypeCure: string, invalid: Invalid): void {
  const seen = new Set<string>()
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase()
    if (!TOKEN.test(name)) throw invalid("'headers' has a name that no header can have")
    if (OWN_HEADERS.has(key)) {
      throw invalid(
        `'headers' must not have '${key}', which the sink sets itself${key === 'content-type' ? contentTypeCure : ''}`,
      )
    }
    if (seen.has(key)) throw invalid(`'headers' has '${key}' twice`)
    if (!PLAIN.test(value)) throw invalid(`'headers': '${key}' has a character that cannot stand in a header`)
    seen.add(key)
  }
}
