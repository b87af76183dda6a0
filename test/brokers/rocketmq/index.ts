export { rocketmqClassPath } from './artefacts'
export type { ReadMessage } from './reader'
export { type RocketmqOptions, RocketmqServer } from './server'
