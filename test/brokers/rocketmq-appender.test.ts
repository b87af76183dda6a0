import { expect } from 'chai'
import { RunningProgram, requires, runNode, tempFolder } from '../support'
import { type FlowLine, flowsProgram } from '../support/flows-program'
import { RocketmqServer, rocketmqClassPath } from './rocketmq'

const PROGRAM = flowsProgram('rocketmqSink({ endpoints: [address], topic, timeoutMs: 60000 })')
/* Logs for a while, then says what became of it. */
const LONG_PROGRAM = `
  const { configure, flush, getLogger, rocketmqSink, runWithTrace } = require('tracelane')
  const [endpoint, topic] = process.argv.slice(1)
  configure({ overflow: 'block', sinks: [rocketmqSink({ endpoints: [endpoint], topic, timeoutMs: 3000 })] })
  const log = getLogger('a')
  const request = (trace) => runWithTrace(async () => {
    for (let n = 0; n < 40; n++) {
      log.info({ trace, n }, 'line')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })
  console.log('logging')
  Promise.all(Array.from({ length: 50 }, (_, i) => request(i))).then(async () => {
    const { pending, discarded, failed } = await flush({ deadlineMs: 150_000 })
    console.log(JSON.stringify({ pending, discarded, failed }))
  })
`

describe('asyncAppender with a rocketmqSink and a real server', function () {
  this.timeout(300_000)
  let server: RocketmqServer
  before(async function () {
    const classPath = await rocketmqClassPath()
    requires(this, 'rocketmq', classPath !== undefined)
    server = await RocketmqServer.start({ classPath: classPath as string })
    await server.createTopics({ 'lines-true': 'FIFO', 'lines-false': 'FIFO', killed: 'FIFO' })
  })
  after(() => server?.stop())

  for (const thread of ['true', 'false']) {
    it(`delivers each line under the trace of the flow that logged it, with thread: ${thread}`, async () => {
      const topic = `lines-${thread}`
      const args = ['-e', PROGRAM, server.endpoint, topic, thread]
      const { code, stderr } = await runNode(args, { env: { TMPDIR: tempFolder() }, deadlineMs: 120_000 })
      expect(stderr).to.equal('')
      expect(code).to.equal(0)
      const lines = (await server.read(topic)).flatMap(({ body, properties: { __SHARDINGKEY: group } }) =>
        body
          .trimEnd()
          .split('\n')
          .map((text) => ({ group, ...(JSON.parse(text) as FlowLine) })),
      )
      expect(lines).to.have.length(1_001)
      const traced = lines.filter(({ mine }) => mine !== undefined)
      expect(traced).to.have.length(1_000)
      for (const { group, traceId, mine } of traced) expect([group, traceId]).to.deep.equal([mine, mine])
      expect(new Set(traced.map(({ mine }) => mine)).size).to.equal(100)
    })
  }

  it('has all lines delivered, each trace in order, when the server is killed while they are logged, and says so', async () => {
    const program = new RunningProgram(process.execPath, ['-e', LONG_PROGRAM, server.endpoint, 'killed'], {
      env: { TMPDIR: tempFolder() },
      deadlineMs: 240_000,
    })
    await program.waitForOutput(/logging/)
    await server.kill()
    await server.restart()
    const { code, stdout, stderr } = await program.ended
    expect(stdout).to.include('{"pending":0,"discarded":0,"failed":0}')
    expect(code).to.equal(0)
    expect(stderr).to.match(/rocketmq 127\.0\.0\.1:\d+ \(topic killed\): /)
    const traces = Array.from({ length: 50 }, () => new Set<number>())
    for (const { body } of await server.read('killed')) {
      for (const text of body.trimEnd().split('\n')) {
        const { trace, n } = JSON.parse(text) as { trace: number; n: number }
        traces[trace]?.add(n)
      }
    }
    // A set keeps the order in which its members first came.
    const all = Array.from({ length: 40 }, (_, n) => n)
    for (const lines of traces) expect([...lines]).to.deep.equal(all)
  })
})
