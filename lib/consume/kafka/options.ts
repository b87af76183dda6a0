import { checkOptions, type Rule, rules } from '../../internal/options'
import { checkConnection, connectionRules, type KafkaConnection, type KafkaConnectionOptions, topicRule } from '../../sinks'
import { type ConsumeOptions, type ConsumeSettings, consumeRules, consumeSettings } from '../options'

/** Options of `createKafkaConsumer`. */
export interface KafkaConsumerOptions extends KafkaConnectionOptions, ConsumeOptions {
  readonly topic: string
  /** Consumers of one group share the partitions of the topic, each partition being at one of them. */
  readonly groupId: string
  /**
   * Where a group begins that has not committed anything yet: at the first record that is kept, or at what comes from now on.
   * @default 'earliest'
   */
  readonly startAt?: 'earliest' | 'latest'
  /**
   * After how long the brokers take a consumer for dead that says nothing, in milliseconds from 1000 to 1,800,000. When the group changes, a call of the
   * handler may take half of it until its events go to another consumer as well.
   * @default 30000
   */
  readonly sessionTimeoutMs?: number
  /**
   * How many records before the place that was committed are looked through for events that must not be handed on again, from 0 to 1,000,000.
   * @default 1000
   */
  readonly lookBackRecords?: number
  /**
   * How much is fetched of a partition at once, in bytes from 1024 to 100,000,000.
   * @default 1000000
   */
  readonly maxFetchBytes?: number
}

/** With all that has a default. */
export interface KafkaConsumerSettings {
  readonly connection: KafkaConnection
  readonly consume: ConsumeSettings
  readonly topic: string
  readonly groupId: string
  readonly startAt: 'earliest' | 'latest'
  readonly sessionTimeoutMs: number
  readonly lookBackRecords: number
  readonly maxFetchBytes: number
}

const RULES: Readonly<Record<keyof KafkaConsumerOptions, Rule>> = {
  ...connectionRules,
  ...consumeRules,
  topic: topicRule,
  groupId: (value) => (typeof value === 'string' && /^\S{1,255}$/.test(value) ? undefined : 'a text without spaces'),
  startAt: rules.oneOf('earliest', 'latest'),
  sessionTimeoutMs: rules.integer(1_000, 1_800_000),
  lookBackRecords: rules.integer(0, 1_000_000),
  maxFetchBytes: rules.integer(1_024, 100_000_000),
}

/** Throws ERR_TRACELANE_OPTION_* for wrong options, and ERR_TRACELANE_PEER_MISSING without the package. */
export function kafkaConsumerSettings(options: KafkaConsumerOptions): KafkaConsumerSettings {
  checkOptions('createKafkaConsumer', options, RULES, ['brokers', 'topic', 'groupId', 'handle'])
  const { topic, groupId, startAt = 'earliest', sessionTimeoutMs = 30_000 } = options
  const { lookBackRecords = 1_000, maxFetchBytes = 1_000_000 } = options
  return {
    connection: checkConnection('createKafkaConsumer', options),
    consume: consumeSettings(options),
    ...{ topic, groupId, startAt, sessionTimeoutMs, lookBackRecords, maxFetchBytes },
  }
}
