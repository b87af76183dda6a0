export type { KafkaSaslOptions } from './connection'
export { type KafkaSinkOptions, type KafkaSinkSpec, kafkaSink } from './options'
export { openKafkaSink } from './sink'
