export { partId, pickRows } from './batch-part'
export { type ConsoleSinkOptions, type ConsoleSinkSpec, consoleSink, consoleStreams } from './console'
export {
  type CircuitBreakingOptions,
  type CircuitBreakingSpec,
  circuitBreaking,
  type DecoratorSpec,
  type EventCondition,
  type FailoverOptions,
  type FailoverSpec,
  type FilteringOptions,
  type FilteringSpec,
  failover,
  filtering,
  leavesOf,
  type ReplayOutcomes,
  type RetryingOptions,
  type RetryingSpec,
  type Route,
  type RoutingOptions,
  type RoutingSpec,
  retrying,
  routing,
  type SpooledCounts,
  type SpoolingOptions,
  type SpoolingSpec,
  spooledBelow,
  spooling,
  type TeeSpec,
  type ThrottlingOptions,
  type ThrottlingSpec,
  type Timing,
  tee,
  throttling,
} from './decorators'
export { destinationOf } from './destination'
export { type ElasticsearchSinkOptions, type ElasticsearchSinkSpec, elasticsearchSink } from './elasticsearch'
export { askToReopen, type FileSinkOptions, type FileSinkSpec, fileSink } from './file'
export type { FileMode } from './file-mode'
export { type HttpBodyOptions, type HttpSinkOptions, type HttpSinkSpec, type HttpTlsOptions, httpSink } from './http'
export {
  checkConnection,
  clientOptions,
  connectionRules,
  discard,
  failureOf,
  importClient,
  type KafkaClient,
  type KafkaConnection,
  type KafkaConnectionOptions,
  type KafkaSaslOptions,
  type KafkaSinkOptions,
  type KafkaSinkSpec,
  kafkaSink,
  topicRule,
  watchConnections,
} from './kafka'
export { type LineForm, lineFormOf, withoutLayout } from './line-form'
export { lineEnds, rowOfLine, rowsOfLines } from './line-rows'
export { type AsyncSinkPlace, isAsyncSink, isFileSink, openAsyncSink, openSink } from './open-sink'
export { type OtlpSinkOptions, type OtlpSinkSpec, otlpSink } from './otlp'
export { ProtobufWriter, readRepeated } from './otlp/protobuf'
export { readSink, sinkRule } from './read-sink'
export {
  addressAt,
  callMetadata,
  checkProxies,
  type GrpcCall,
  type GrpcClient,
  type GrpcPackage,
  type GrpcTalk,
  loadGrpc,
  methodPath,
  openChannel,
  proxyRules,
  Refusal,
  type RocketmqCredentials,
  type RocketmqProxies,
  type RocketmqProxyOptions,
  type RocketmqSinkOptions,
  type RocketmqSinkSpec,
  rocketmqFailureOf,
  rocketmqSink,
  rocketmqTopicRule,
  type Status,
  same,
  uniqueId,
} from './rocketmq'
export { type RollingFileSinkOptions, type RollingFileSinkSpec, rollingFileSink } from './rolling-file'
export { resolveSending, type SendingOptions, sendingRules } from './sending-options'
export type {
  AsyncSink,
  AsyncSinkSpec,
  BatchEvent,
  BatchResult,
  BlockingSinkSpec,
  LeafSinkSpec,
  Pause,
  Rows,
  SendResult,
  Sink,
  SinkBatch,
  SinkSpec,
} from './sink'
