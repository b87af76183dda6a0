import { expect } from 'chai'
import { requires, runNode, tempFolder } from '../support'
import { type FlowLine, flowsProgram } from '../support/flows-program'
import { KafkaCluster, kafkaClassPath, Topic } from './kafka'

const PROGRAM = flowsProgram("kafkaSink({ brokers: address.split(','), topic })")
describe('asyncAppender with a kafkaSink and a real broker', () => {
  let cluster: KafkaCluster
  before(async function () {
    const classPath = await kafkaClassPath()
    requires(this, 'kafka', classPath !== undefined)
    cluster = await KafkaCluster.start({ classPath: classPath as string })
  })
  after(() => cluster?.stop())

  for (const thread of ['true', 'false']) {
    it(`delivers each line under the trace of the flow that logged it, with thread: ${thread}`, async () => {
      const topic = await Topic.create(cluster.brokers, `lines-${thread}`, 4)
      const args = ['-e', PROGRAM, cluster.brokers.join(), topic.name, thread]
      const { code, stderr } = await runNode(args, { env: { TMPDIR: tempFolder() } })
      expect(stderr).to.equal('')
      expect(code).to.equal(0)
      const records = await topic.records()
      const lines = records.flatMap(({ key, value }) =>
        value
          .trimEnd()
          .split('\n')
          .map((text) => ({ key, ...(JSON.parse(text) as FlowLine) })),
      )
      expect(lines).to.have.length(1_001)
      const traced = lines.filter(({ mine }) => mine !== undefined)
      expect(traced).to.have.length(1_000)
      for (const { key, traceId, mine } of traced) expect([key, traceId]).to.deep.equal([mine, mine])
      expect(new Set(traced.map(({ mine }) => mine)).size).to.equal(100)
    })
  }
})
