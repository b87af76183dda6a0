import { checkOptions, type Rule, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'
import { checkTls, type HttpTlsOptions, tlsRule } from '../http/tls'
import { findPeerFile } from '../peer-file'
import { resolveSending, type SendingOptions, sendingRules } from '../sending-options'

/** Who this is, to proxies that ask. Nothing of it is ever shown. */
export interface RocketmqCredentials {
  readonly accessKey: string
  readonly accessSecret: string
  /** Of credentials that are lent for a while. */
  readonly securityToken?: string
}

/** Options of `rocketmqSink`. */
export interface RocketmqSinkOptions extends SendingOptions {
  /** Where the gRPC port of the proxies is, as `host:port`. The first is used; after a failure the next. */
  readonly endpoints: readonly string[]
  /** The FIFO topic that lines go to. It is not made here. */
  readonly topic: string
  /** The tag of all messages, by which consumers can choose. */
  readonly tag?: string
  /**
   * How this program is called in the logs of the proxies; a random number is added.
   * @default 'tracelane'
   */
  readonly clientId?: string
  /**
   * Whether the lines of a trace in a batch are one message (`trace`) or one message each (`line`).
   * @default 'trace'
   */
  readonly packing?: 'trace' | 'line'
  /**
   * After so many events of one trace, its later ones get another message group, and so another queue perhaps: from 1 to 1,000,000,000.
   * @default 100000
   */
  readonly maxEventsPerKey?: number
  /**
   * The largest body of a message, in bytes from 1024 to 100,000,000; a line that is larger is refused. Not more than `maxMessageSize` of proxies and
   * brokers, which is 4 MiB if nobody has changed it.
   * @default 1000000
   */
  readonly maxMessageBytes?: number
  /**
   * How many messages are on their way at once, of different groups, from 1 to 1000; of one group it is one.
   * @default 32
   */
  readonly maxMessagesInFlight?: number
  /**
   * How long a message may wait for its receipt, in milliseconds from 1 to 600,000.
   * @default 10000
   */
  readonly timeoutMs?: number
  /**
   * What TLS needs beside Node's own certificates, as PEM texts; `{}` for TLS without more, false for none.
   * @default false
   */
  readonly tls?: HttpTlsOptions | false
  /** Who this is, to proxies that ask. */
  readonly credentials?: RocketmqCredentials
  /** The file of the package `@grpc/grpc-js`, if it is not found from the application. */
  readonly clientPath?: string
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

type Optional = 'tag' | 'credentials'

/** `rocketmqSink(...)` as data. */
export interface RocketmqSinkSpec {
  readonly kind: 'rocketmq'
  readonly options: Required<Omit<RocketmqSinkOptions, Optional>> & Pick<RocketmqSinkOptions, Optional>
}

const ADDRESS = /^(\[[0-9a-f:.]+\]|[\w.-]+):([1-9]\d{0,4})$/i

const CREDENTIAL_RULES: Readonly<Record<keyof RocketmqCredentials, Rule>> = {
  // They stand in headers.
  accessKey: (value) => (isHeaderText(value) ? undefined : 'printable ASCII characters without spaces and commas'),
  accessSecret: (value) => (typeof value === 'string' && value !== '' ? undefined : 'a text'),
  securityToken: (value) => (isHeaderText(value) ? undefined : 'printable ASCII characters without spaces and commas'),
}

const RULES: Readonly<Record<keyof RocketmqSinkOptions, Rule>> = {
  endpoints: (value) => (isAddressList(value) ? undefined : "a list of addresses such as 'proxy.example:8081'"),
  topic: (value) =>
    typeof value === 'string' && /^[\w%|-]{1,127}$/.test(value)
      ? undefined
      : 'letters, digits, dashes and underscores, at most 127',
  tag: (value) =>
    typeof value === 'string' && /^[^\s|\p{Cc}]{1,127}$/u.test(value)
      ? undefined
      : 'a text without spaces and |, at most 127 characters',
  clientId: (value) => (typeof value === 'string' && /^[\w.@-]+$/.test(value) ? undefined : 'letters, digits, dots and dashes'),
  packing: rules.oneOf('trace', 'line'),
  maxEventsPerKey: rules.integer(1, 1_000_000_000),
  maxMessageBytes: rules.integer(1_024, 100_000_000),
  maxMessagesInFlight: rules.integer(1, 1_000),
  timeoutMs: rules.integer(1, 600_000),
  tls: (value) => (value === false ? undefined : tlsRule(value)),
  credentials: (value) => (typeof value === 'object' && value !== null ? undefined : 'an object with accessKey and accessSecret'),
  clientPath: rules.string,
  ordering: rules.boolean,
  layout: () => undefined,
  ...sendingRules,
}

function isAddressList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === 'string' && ADDRESS.test(text))
}

function isHeaderText(value: unknown): boolean {
  return typeof value === 'string' && /^[\x21-\x2b\x2d-\x7e]+$/.test(value)
}

/**
 * Lines as messages of an Apache RocketMQ 5 topic of type FIFO, through its proxy. Those of one trace have the trace id as their message group, so they
 * are in one queue, in order; those outside any trace have the `instance`. A batch is delivered when the broker has confirmed each message.
 *
 * Throws ERR_TRACELANE_OPTION_* for wrong options, and ERR_TRACELANE_PEER_MISSING without the package `@grpc/grpc-js`;
 * docs/reference/sinks/rocketmq.md.
 */
export function rocketmqSink(options: RocketmqSinkOptions): RocketmqSinkSpec {
  checkOptions('rocketmqSink', options, RULES, ['endpoints', 'topic'])
  const { endpoints, topic, tag, clientId = 'tracelane', packing = 'trace', credentials, tls = false } = options
  const { maxEventsPerKey = 100_000, maxMessageBytes = 1_000_000, maxMessagesInFlight = 32 } = options
  const { timeoutMs = 10_000, ordering = true, layout = 'json' } = options
  if (credentials !== undefined) {
    checkOptions('rocketmqSink: credentials', credentials, CREDENTIAL_RULES, ['accessKey', 'accessSecret'])
  }
  return Object.freeze({
    kind: 'rocketmq',
    options: Object.freeze({
      ...{ topic, clientId, packing, maxEventsPerKey, maxMessageBytes, maxMessagesInFlight, timeoutMs, ordering },
      ...resolveSending(options),
      endpoints: Object.freeze([...endpoints]),
      ...(tag === undefined ? {} : { tag }),
      tls: tls === false ? false : checkTls('rocketmqSink', tls),
      ...(credentials === undefined ? {} : { credentials: Object.freeze({ ...credentials }) }),
      clientPath: options.clientPath ?? findPeerFile('@grpc/grpc-js'),
      layout: checkLayout<never>('rocketmqSink', layout),
    }),
  })
}
