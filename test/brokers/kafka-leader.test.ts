import { expect } from 'chai'
import { kafkaSink } from 'tracelane'
import { createKafkaConsumer, type OrderedConsumer } from 'tracelane/consume'
import { type AsyncSink, openAsyncSink } from '../../lib/sinks'
import { requires, until } from '../support'
import { batchOf, INSTANCE, type Line } from '../support/kafka-batch'
import { KafkaCluster, kafkaClassPath, Topic } from './kafka'

const WAIT_MS = 200_000
const TRACES = 12
const trace = (n: number): string => n.toString(16).padStart(32, 'b')
const line = (seq: number): Line => ({
  ...{ text: `{"seq":${seq},"instance":"${INSTANCE}"}`, seq, traceId: trace(seq % TRACES) },
})

describe('Kafka of three brokers', function () {
  this.timeout(400_000)
  let cluster: KafkaCluster
  let sink: AsyncSink | undefined
  let consumer: OrderedConsumer | undefined

  before(async function () {
    const classPath = await kafkaClassPath()
    requires(this, 'kafka', classPath !== undefined)
    cluster = await KafkaCluster.start({ classPath: classPath as string, brokers: 3 })
  })
  after(() => cluster?.stop())
  afterEach(async () => {
    await Promise.all([sink?.close(), consumer?.close()])
  })

  it('loses nothing when a leader is killed or hangs: sink and consumer go on with the next one, in order', async () => {
    const topic = await Topic.create(cluster.brokers, 'led', 6)
    const seqs: (number | undefined)[] = []
    const opened = openAsyncSink(kafkaSink({ brokers: cluster.brokers, topic: topic.name, timeoutMs: 2_000 }))
    sink = opened
    consumer = createKafkaConsumer({
      ...{ brokers: cluster.brokers, topic: topic.name, groupId: 'followers', sessionTimeoutMs: 4_000 },
      handle: ({ events }) => void seqs.push(...events.map(({ seq }) => seq)),
    })
    let written = 0
    const reasons = new Set<string>()
    const write = async (batches: number): Promise<void> => {
      for (let i = 0; i < batches; i++) {
        const batch = batchOf(Array.from({ length: 60 }, (_, j) => line(written + j)))
        // As the sending core does it: what is open is sent again before anything new.
        for (let open = batch; ; ) {
          const result = await opened.send(open)
          if (result.outcome === 'delivered') break
          if (result.outcome === 'rejected') throw new Error(result.reason)
          reasons.add(result.reason)
          if (result.outcome === 'partial')
            open = batchOf(result.retryable.map((row) => line((open.rows()[row]?.seq as number) ?? 0)))
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        written += 60
      }
    }
    await write(10)
    await until('the first lines', () => seqs.length >= written, WAIT_MS)
    const first = await topic.leader(0)
    await cluster.kill(first)
    await write(10)
    expect(reasons.size).to.be.greaterThan(0)
    await until('the lines after the kill', () => seqs.length >= written, WAIT_MS)
    await cluster.restart(first)
    const second = await topic.leader(0)
    cluster.pause(second)
    await write(10)
    cluster.resume(second)
    await until('the lines after the pause', () => seqs.length >= written, WAIT_MS)
    expect([...seqs].sort((a, b) => (a as number) - (b as number))).to.deep.equal(Array.from({ length: written }, (_, i) => i))
    for (let n = 0; n < TRACES; n++) {
      const own = seqs.filter((seq) => (seq as number) % TRACES === n)
      expect(own).to.deep.equal([...own].sort((a, b) => (a as number) - (b as number)))
    }
  })
})
