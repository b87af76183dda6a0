import { mavenClassPath } from '../maven'

let found: Promise<string | undefined> | undefined

/** The class path of the Kafka that pom.xml names; undefined, and the reason on stderr, where it cannot be had. */
export function kafkaClassPath(): Promise<string | undefined> {
  found ??= mavenClassPath({ name: 'kafka', pom: 'test/brokers/kafka/pom.xml', artefact: 'kafka_2.13' })
  return found
}
