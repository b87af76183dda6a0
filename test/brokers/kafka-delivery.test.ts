import { createKafkaConsumer, type OrderedConsumer } from 'tracelane/consume'
import { requires, until } from '../support'
import { type DeliveredLine, deliveryRun, RUN_MS, RUN_TITLE } from './delivery'
import { KafkaCluster, kafkaClassPath, Topic } from './kafka'

describe('delivery by Kafka', function () {
  this.timeout(RUN_MS)
  let cluster: KafkaCluster
  let consumer: OrderedConsumer | undefined

  before(async function () {
    const classPath = await kafkaClassPath()
    requires(this, 'kafka', classPath !== undefined)
    cluster = await KafkaCluster.start({ classPath: classPath as string })
  })
  after(() => cluster?.stop())
  afterEach(() => consumer?.close())

  it(RUN_TITLE, async () => {
    const topic = await Topic.create(cluster.brokers, 'delivery', 8)
    const isCommitted = async (): Promise<boolean> => {
      const [ends, committed] = [await topic.ends(), await topic.committed('readers')]
      return [...ends].every(([partition, end]) => end === 0 || committed.get(partition) === end)
    }
    await deliveryRun({
      // Signs of life of a sink whose brokers hang come as often as this.
      sink: { name: 'kafkaSink', options: { brokers: cluster.brokers, topic: topic.name, timeoutMs: 3_000 } },
      isOnce: true,
      restart: async () => {
        await cluster.kill(0)
        await cluster.restart(0)
      },
      pause: () => cluster.pause(0),
      resume: () => cluster.resume(0),
      begin: (take) => {
        consumer = createKafkaConsumer({
          ...{ brokers: cluster.brokers, topic: topic.name, groupId: 'readers', sessionTimeoutMs: 6_000 },
          handle: ({ events }) => {
            for (const { line } of events) take(JSON.parse(line) as DeliveredLine)
          },
        })
      },
      end: async (isAll) => {
        await until('all lines', isAll, RUN_MS)
        while (!(await isCommitted())) await new Promise((resolve) => setTimeout(resolve, 50))
      },
      note: () => `${consumer?.stats().duplicates} duplicates left out`,
    })
  })
})
