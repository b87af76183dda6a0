import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { projectFile } from '../support'

const textOf = (path: string): string => readFileSync(projectFile(path), 'utf8')
const compose = textOf('docs/examples/compose.yaml')

/* The version of an artefact in a pom.xml. */
function versionOf(pom: string, artefact: string): string | undefined {
  return textOf(pom)
    .split(`<artifactId>${artefact}</artifactId>`)[1]
    ?.match(/<version>([\d.]+)/)?.[1]
}

describe('docs/examples/compose.yaml', () => {
  it('says that CI does not run it', () => {
    expect(compose).to.include('It is not run in CI')
  })

  it('has the servers that the tests are run with', () => {
    const images = new Set([...compose.matchAll(/^ {4}image: (.+)$/gm)].map(([, image]) => image))
    expect(images).to.deep.equal(
      new Set([
        `apache/kafka:${versionOf('test/brokers/kafka/pom.xml', 'kafka_2.13')}`,
        `apache/rocketmq:${versionOf('test/brokers/rocketmq/pom.xml', 'rocketmq-proxy')}`,
      ]),
    )
  })

  it('opens ports to this machine only, and they are those that the sinks in it are given', () => {
    const ports = [...compose.matchAll(/^ {6}- "(.+?):(\d+):(\d+)"$/gm)].map(([, ...parts]) => parts)
    expect(ports).to.deep.equal([
      ['127.0.0.1', '9092', '9092'],
      ['127.0.0.1', '8081', '8081'],
    ])
    const given = [...compose.matchAll(/^# +\w+Sink\(\{ (?:brokers|endpoints): \['(.+?)'\]/gm)].map(([, address]) => address)
    expect(given).to.deep.equal(['127.0.0.1:9092', '127.0.0.1:8081'])
  })

  it('makes the topic and the group that rocketmqSink and createRocketmqConsumer ask for', () => {
    expect(compose).to.match(/updateTopic .* -t logs -a \+message\.type=FIFO$/m)
    expect(compose).to.match(/updateSubGroup .* -g collectors -o true$/m)
    // As their pages have them.
    expect(textOf('docs/reference/sinks/rocketmq.md')).to.match(/updateTopic .* -a \+message\.type=FIFO$/m)
    expect(textOf('docs/reference/consume.md')).to.match(/updateSubGroup .* -g collectors -o true$/m)
  })
})
