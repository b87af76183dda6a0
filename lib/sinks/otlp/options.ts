import { TracelaneError } from '../../errors'
import { checkOptions, type Rule, rules } from '../../internal/options'
import { type HttpTargetOptions, resolveTarget, targetRules } from '../http/target-options'
import { resolveSending, type SendingOptions, sendingRules } from '../sending-options'

/** Options of `otlpSink`. */
export interface OtlpSinkOptions extends HttpTargetOptions, SendingOptions {
  /**
   * `protobuf` is smaller, and what every receiver takes; `json` can be read.
   * @default 'protobuf'
   */
  readonly encoding?: 'protobuf' | 'json'
  /**
   * What becomes of the events at the end of spans: log records, spans, or both.
   * @default 'logs'
   */
  readonly spans?: 'logs' | 'traces' | 'both'
  /**
   * Attributes of the resource beside what events say of their process, such as `{ 'deployment.environment.name': 'production' }`; these win.
   * @default {}
   */
  readonly resource?: Readonly<Record<string, string | number | boolean>>
  /**
   * Whether records carry `tracelane.hlc` and `tracelane.seq`, which sort them causally, and the resource `service.instance.id`.
   * @default true
   */
  readonly ordering?: boolean
}

/** `otlpSink(...)` as data. */
export interface OtlpSinkSpec {
  readonly kind: 'otlp'
  readonly options: Required<OtlpSinkOptions>
}

const simple: Rule = (value) =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
    ? undefined
    : 'simple'

const RULES: Readonly<Record<keyof OtlpSinkOptions, Rule>> = {
  ...targetRules,
  ...sendingRules,
  encoding: rules.oneOf('protobuf', 'json'),
  spans: rules.oneOf('logs', 'traces', 'both'),
  resource: (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every((one) => simple(one) === undefined)
      ? undefined
      : 'an object of texts, numbers and booleans',
  ordering: rules.boolean,
}

/**
 * Events as OpenTelemetry log records, over OTLP/HTTP: to an OpenTelemetry Collector, or whatever takes OTLP. `url` is its address, without
 * `/v1/logs`, as in OTEL_EXPORTER_OTLP_ENDPOINT. Throws ERR_TRACELANE_OPTION_* for wrong options; docs/reference/sinks/otlp.md.
 */
export function otlpSink(options: OtlpSinkOptions): OtlpSinkSpec {
  checkOptions('otlpSink', options, RULES, ['url'])
  const { encoding = 'protobuf', spans = 'logs', resource = {}, ordering = true } = options
  const target = resolveTarget('otlpSink', options)
  if (new URL(target.url).search !== '') {
    throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', "otlpSink: 'url' must have no query, because paths are added to it")
  }
  return Object.freeze({
    kind: 'otlp',
    options: Object.freeze({
      ...target,
      ...{ encoding, spans, resource: Object.freeze({ ...resource }), ordering },
      ...resolveSending(options),
    }),
  })
}
