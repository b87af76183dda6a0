export type { ConsumedBatch, ConsumedEvent, ConsumerStats, OrderedConsumer } from './event'
export { createKafkaConsumer } from './kafka/consumer'
export type { KafkaConsumerOptions } from './kafka/options'
export type { ConsumeOptions } from './options'
