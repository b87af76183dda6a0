import { checkOptions, type Rule, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'
import { resolveSending, type SendingOptions, sendingRules } from '../sending-options'
import { type HttpTargetOptions, headerText, resolveTarget, targetRules } from './target-options'

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
export interface HttpSinkOptions extends HttpTargetOptions, SendingOptions {
  /** @default 'POST' */
  readonly method?: 'POST' | 'PUT' | 'PATCH'
  /** @default 'application/x-ndjson'; 'application/json' with `body` */
  readonly contentType?: string
  /**
   * What the body of a request is, if it is not the lines as they are.
   * @default the lines as they are, each with its line break
   */
  readonly body?: HttpBodyOptions
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

const text: Rule = (value) => (typeof value === 'string' ? undefined : 'a text')

const RULES: Readonly<Record<keyof HttpSinkOptions, Rule>> = {
  ...targetRules,
  method: rules.oneOf('POST', 'PUT', 'PATCH'),
  contentType: headerText,
  body: (value) => (typeof value === 'object' && value !== null ? undefined : 'an object with start, separator and end'),
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
 * Header `tracelane-v` is the version of these headers, `tracelane-batch` names the batch, the same at each try, so that a server can take it once; `tracelane-events` counts its lines. Status 2xx
 * is a receipt; 408, 425, 429, 5xx and a broken connection are tried again, and so are 401, 403, 404, 407 and redirects, which somebody may mend; after 400, 413 and 422 parts are; anything else is
 * refused for ever. Throws ERR_TRACELANE_OPTION_* for
 * wrong options; docs/reference/sinks/http.md.
 */
export function httpSink(options: HttpSinkOptions): HttpSinkSpec {
  checkOptions('httpSink', options, RULES, ['url'])
  const { method = 'POST', ordering = true, layout = 'json' } = options
  const body = bodyOf(options.body)
  const { contentType = body === undefined ? 'application/x-ndjson' : 'application/json' } = options
  return Object.freeze({
    kind: 'http',
    options: Object.freeze({
      ...resolveTarget('httpSink', options, ": use 'contentType'"),
      ...{ method, contentType, ordering },
      ...(body === undefined ? {} : { body }),
      ...resolveSending(options),
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
