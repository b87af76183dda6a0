export { kafkaClassPath } from './artefacts'
export { type ClusterOptions, KafkaCluster } from './cluster'
