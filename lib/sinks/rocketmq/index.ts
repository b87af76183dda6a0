export { addressAt, callMetadata, loadGrpc, methodPath, openChannel, same, uniqueId } from './channel'
export type { Status } from './encoder'
export { failureOf as rocketmqFailureOf, Refusal } from './failure'
export type { GrpcCall, GrpcClient, GrpcError, GrpcPackage, GrpcReading, GrpcTalk } from './grpc'
export { type RocketmqSinkOptions, type RocketmqSinkSpec, rocketmqSink } from './options'
export {
  checkProxies,
  proxyRules,
  type RocketmqCredentials,
  type RocketmqProxies,
  type RocketmqProxyOptions,
  rocketmqTopicRule,
} from './proxies'
export { openRocketmqSink } from './sink'
