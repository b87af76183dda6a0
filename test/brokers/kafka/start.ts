import { kafkaClassPath } from './artefacts'
import { KafkaCluster } from './cluster'

/*
 * Starts Kafka for people: `npm run --silent build && node dist/test/brokers/kafka/start.js [3]`. Prints the addresses; Ctrl-C stops the brokers and
 * removes their data.
 */
async function main(): Promise<void> {
  const classPath = await kafkaClassPath()
  if (classPath === undefined) {
    process.exitCode = 1
    return
  }
  const cluster = await KafkaCluster.start({ classPath, brokers: process.argv[2] === '3' ? 3 : 1 })
  process.stdout.write(`${cluster.brokers.join(',')}\n`)
  const stop = (): void => void cluster.stop()
  process.once('SIGINT', stop).once('SIGTERM', stop)
}

void main()
