export { type RocketmqCredentials, type RocketmqSinkOptions, type RocketmqSinkSpec, rocketmqSink } from './options'
export { openRocketmqSink } from './sink'
