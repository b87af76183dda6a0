import { TracelaneError } from '../../errors'
import { checkOptions, type Rule, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'
import { type HttpTargetOptions, resolveTarget, targetRules } from '../http/target-options'
import { resolveSending, type SendingOptions, sendingRules } from '../sending-options'

/** Options of `elasticsearchSink`. */
export interface ElasticsearchSinkOptions extends HttpTargetOptions, SendingOptions {
  /**
   * The data stream, or the index, or a pattern of one with a day in it: `logs-orders-default`, `logs-%{yyyy.MM.dd}`. The day is that of the event,
   * in UTC; `%{yyyy}`, `%{MM}` and `%{dd}` may stand anywhere.
   * @default 'logs-tracelane-default'
   */
  readonly index?: string
  /**
   * The ingest pipeline that documents go through.
   * @default none
   */
  readonly pipeline?: string
  /**
   * Whether documents have `hlc`, `seq` and `instance`, which sort them causally, and by which a document that is sent twice is kept once.
   * @default true
   */
  readonly ordering?: boolean
  /**
   * How events become documents (docs/reference/layouts.md): `ecs`, or `json` with an `@timestamp`.
   * @default 'ecs'
   */
  readonly layout?: Extract<LayoutOption, 'ecs' | 'json'>
}

/** `elasticsearchSink(...)` as data. */
export interface ElasticsearchSinkSpec {
  readonly kind: 'elasticsearch'
  readonly options: Required<Omit<ElasticsearchSinkOptions, 'pipeline'>> & { readonly pipeline?: string }
}

/* What Elasticsearch takes: lower case, none of these characters, not beginning with - _ + . */
const INDEX = /^(?!\.{1,2}$)[^-_+A-Z\\/*?"<>| ,#:][^A-Z\\/*?"<>| ,#:]*$/
const DAY = /%\{(?:yyyy|MM|dd|[.-])+\}/g
const MAX_INDEX_BYTES = 255

const RULES: Readonly<Record<keyof ElasticsearchSinkOptions, Rule>> = {
  ...targetRules,
  ...sendingRules,
  index: (value) =>
    typeof value === 'string' && isIndex(value)
      ? undefined
      : 'the name of a data stream or an index, in lower case, with a day as %{yyyy.MM.dd} or without',
  pipeline: rules.string,
  ordering: rules.boolean,
  layout: rules.oneOf('ecs', 'json'),
}

/**
 * Events as documents of Elasticsearch, OpenSearch, or whatever takes their `_bulk` requests. `url` is its address, without `/_bulk`. Throws
 * ERR_TRACELANE_OPTION_* for wrong options; docs/reference/sinks/elasticsearch.md.
 */
export function elasticsearchSink(options: ElasticsearchSinkOptions): ElasticsearchSinkSpec {
  checkOptions('elasticsearchSink', options, RULES, ['url'])
  const { index = 'logs-tracelane-default', pipeline, ordering = true, layout = 'ecs' } = options
  const target = resolveTarget('elasticsearchSink', { maxResponseBytes: 2 ** 22, ...options })
  if (new URL(target.url).search !== '') {
    throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', "elasticsearchSink: 'url' must have no query; see 'pipeline'")
  }
  return Object.freeze({
    kind: 'elasticsearch',
    options: Object.freeze({
      ...target,
      ...{ index, ordering },
      ...(pipeline === undefined ? {} : { pipeline }),
      ...resolveSending({ maxBatchEvents: 5_000, ...options }),
      layout: checkLayout<never>('elasticsearchSink', layout) as 'ecs' | 'json',
    }),
  })
}

/** The name of the index for an event of `time`, in milliseconds since the epoch. */
export function indexAt(index: string, time: number): string {
  const [year = '', month = '', day = ''] = new Date(time).toISOString().slice(0, 10).split('-')
  return index.replace(DAY, (found) => found.slice(2, -1).replace('yyyy', year).replace('MM', month).replace('dd', day))
}

function isIndex(value: string): boolean {
  const name = indexAt(value, 0)
  return INDEX.test(name) && Buffer.byteLength(name) <= MAX_INDEX_BYTES
}
