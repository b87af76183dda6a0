import { mavenClassPath } from '../maven'

let found: Promise<string | undefined> | undefined

/** The class path of the RocketMQ that pom.xml names; undefined, and the reason on stderr, where it cannot be had. */
export function rocketmqClassPath(): Promise<string | undefined> {
  found ??= mavenClassPath({ name: 'rocketmq', pom: 'test/brokers/rocketmq/pom.xml', artefact: 'rocketmq-proxy' })
  return found
}
