export { discard, importClient, type KafkaClient, watchConnections } from './client'
export {
  checkConnection,
  clientOptions,
  connectionRules,
  type KafkaConnection,
  type KafkaConnectionOptions,
  type KafkaSaslOptions,
} from './connection'
export { failureOf } from './failure'
export { type KafkaSinkOptions, type KafkaSinkSpec, kafkaSink, topicRule } from './options'
export { openKafkaSink } from './sink'
