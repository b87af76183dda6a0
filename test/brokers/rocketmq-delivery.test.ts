import { createRocketmqConsumer, type OrderedConsumer } from 'tracelane/consume'
import { requires, until } from '../support'
import { type DeliveredLine, deliveryRun, RUN_MS, RUN_TITLE } from './delivery'
import { RocketmqServer, rocketmqClassPath } from './rocketmq'

/* Longer than a request to receive waits. */
const QUIET_MS = 6_000

describe('delivery by RocketMQ', function () {
  this.timeout(RUN_MS)
  let server: RocketmqServer
  let consumer: OrderedConsumer | undefined

  before(async function () {
    const classPath = await rocketmqClassPath()
    requires(this, 'rocketmq', classPath !== undefined)
    server = await RocketmqServer.start({ classPath: classPath as string })
  })
  after(() => server?.stop())
  afterEach(() => consumer?.close())

  it(RUN_TITLE, async () => {
    await server.createTopics({ delivery: 'FIFO' })
    await server.createGroups({ readers: 'FIFO' })
    const endpoints = [server.endpoint]
    const came = (): number => (consumer?.stats().handled ?? 0) + (consumer?.stats().duplicates ?? 0)
    await deliveryRun({
      sink: { name: 'rocketmqSink', options: { endpoints, topic: 'delivery', timeoutMs: 3_000 } },
      isOnce: true,
      restart: async () => {
        await server.kill()
        await server.restart()
      },
      pause: () => server.pause(),
      resume: () => server.resume(),
      begin: (take) => {
        consumer = createRocketmqConsumer({
          ...{ endpoints, topic: 'delivery', groupId: 'readers', invisibleMs: 10_000 },
          handle: ({ events }) => {
            for (const { line } of events) take(JSON.parse(line) as DeliveredLine)
          },
        })
      },
      end: async (isAll) => {
        await until('all lines', isAll, RUN_MS)
        // What came twice may still come.
        for (let before = -1; before !== came(); ) {
          before = came()
          await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
        }
      },
      note: () => `${consumer?.stats().duplicates} duplicates left out`,
    })
  })
})
