export { kafkaClassPath } from './artefacts'

export { type ClusterOptions, KafkaCluster } from './cluster'
export { type ReadRecord, Topic } from './topic'
