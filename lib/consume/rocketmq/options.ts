import { checkOptions, type Rule, rules } from '../../internal/options'
import { checkProxies, proxyRules, type RocketmqProxies, type RocketmqProxyOptions, rocketmqTopicRule } from '../../sinks'
import { type ConsumeOptions, type ConsumeSettings, consumeRules, consumeSettings } from '../options'

/** Options of `createRocketmqConsumer`. */
export interface RocketmqConsumerOptions extends RocketmqProxyOptions, ConsumeOptions {
  readonly topic: string
  /** Consumers of one group share the queues of the topic. The group is of type FIFO (`mqadmin updateSubGroup -o true`); it is not made here. */
  readonly groupId: string
  /**
   * How long messages stay with a consumer that says nothing any more, in milliseconds from 10,000 to 43,200,000, until another one gets them. While
   * it is alive they are renewed, however long a call of the handler takes.
   * @default 30000
   */
  readonly invisibleMs?: number
  /**
   * How many messages are taken at once, from 1 to 32. Each queue is closed to all consumers until those that were taken of it are acknowledged.
   * @default 32
   */
  readonly receiveMessages?: number
  /**
   * How long an answer of the proxy may take, in milliseconds from 100 to 600,000.
   * @default 5000
   */
  readonly timeoutMs?: number
}

/** With all that has a default. */
export interface RocketmqConsumerSettings {
  readonly proxies: RocketmqProxies
  readonly consume: ConsumeSettings
  readonly topic: string
  readonly groupId: string
  readonly invisibleMs: number
  readonly receiveMessages: number
  readonly timeoutMs: number
}

const RULES: Readonly<Record<keyof RocketmqConsumerOptions, Rule>> = {
  ...proxyRules,
  ...consumeRules,
  topic: rocketmqTopicRule,
  groupId: (value) =>
    typeof value === 'string' && /^[\w%|-]{1,120}$/.test(value)
      ? undefined
      : 'letters, digits, dashes and underscores, at most 120',
  invisibleMs: rules.integer(10_000, 43_200_000),
  receiveMessages: rules.integer(1, 32),
  timeoutMs: rules.integer(100, 600_000),
}

/** Throws ERR_TRACELANE_OPTION_* for wrong options, and ERR_TRACELANE_PEER_MISSING without the package. */
export function rocketmqConsumerSettings(options: RocketmqConsumerOptions): RocketmqConsumerSettings {
  checkOptions('createRocketmqConsumer', options, RULES, ['endpoints', 'topic', 'groupId', 'handle'])
  const { topic, groupId, invisibleMs = 30_000, receiveMessages = 32, timeoutMs = 5_000 } = options
  return {
    proxies: checkProxies('createRocketmqConsumer', options),
    consume: consumeSettings(options),
    ...{ topic, groupId, invisibleMs, receiveMessages, timeoutMs },
  }
}
