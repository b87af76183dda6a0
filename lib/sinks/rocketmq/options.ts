import { checkOptions, type Rule, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'
import { resolveSending, type SendingOptions, sendingRules } from '../sending-options'
import { checkProxies, proxyRules, type RocketmqProxyOptions, rocketmqTopicRule } from './proxies'

/** Options of `rocketmqSink`. */
export interface RocketmqSinkOptions extends RocketmqProxyOptions, SendingOptions {
  /** The FIFO topic that lines go to. It is not made here. */
  readonly topic: string
  /** The tag of all messages, by which consumers can choose. */
  readonly tag?: string
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

const RULES: Readonly<Record<keyof RocketmqSinkOptions, Rule>> = {
  ...proxyRules,
  topic: rocketmqTopicRule,
  tag: (value) =>
    typeof value === 'string' && /^[^\s|\p{Cc}]{1,127}$/u.test(value)
      ? undefined
      : 'a text without spaces and |, at most 127 characters',
  packing: rules.oneOf('trace', 'line'),
  maxEventsPerKey: rules.integer(1, 1_000_000_000),
  maxMessageBytes: rules.integer(1_024, 100_000_000),
  maxMessagesInFlight: rules.integer(1, 1_000),
  timeoutMs: rules.integer(1, 600_000),
  ordering: rules.boolean,
  layout: () => undefined,
  ...sendingRules,
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
  const { topic, tag, packing = 'trace', maxEventsPerKey = 100_000, maxMessageBytes = 1_000_000 } = options
  const { maxMessagesInFlight = 32, timeoutMs = 10_000, ordering = true, layout = 'json' } = options
  return Object.freeze({
    kind: 'rocketmq',
    options: Object.freeze({
      ...{ topic, packing, maxEventsPerKey, maxMessageBytes, maxMessagesInFlight, timeoutMs, ordering },
      ...resolveSending(options),
      ...checkProxies('rocketmqSink', options),
      ...(tag === undefined ? {} : { tag }),
      layout: checkLayout<never>('rocketmqSink', layout),
    }),
  })
}
