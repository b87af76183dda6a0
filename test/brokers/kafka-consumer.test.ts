import { expect } from 'chai'
import { kafkaSink } from 'tracelane'
import {
  type ConsumedBatch,
  type ConsumedEvent,
  createKafkaConsumer,
  type KafkaConsumerOptions,
  type OrderedConsumer,
} from 'tracelane/consume'
import { type AsyncSink, openAsyncSink } from '../../lib/sinks'
import { projectFile, RunningProgram, requires, until } from '../support'
import { batchOf, INSTANCE } from '../support/kafka-batch'
import { KafkaCluster, kafkaClassPath, Topic } from './kafka'
import { expectOrdered, range, SlowHandler, tracedLines, traceOf } from './traced-lines'

const WAIT_MS = 120_000
const OWN = `,"instance":"${INSTANCE}"}`

describe('createKafkaConsumer(), with a real broker', () => {
  let cluster: KafkaCluster
  let topics = 0
  let consumers: OrderedConsumer[] = []
  let sink: AsyncSink
  let topic: Topic
  let group: string

  before(async function () {
    const classPath = await kafkaClassPath()
    requires(this, 'kafka', classPath !== undefined)
    cluster = await KafkaCluster.start({ classPath: classPath as string })
  })
  after(() => cluster?.stop())
  beforeEach(async () => {
    group = `group-${topics}`
    topic = await Topic.create(cluster.brokers, `consumed-${++topics}`, 4)
    sink = openAsyncSink(
      kafkaSink({ brokers: cluster.brokers, topic: topic.name, timeoutMs: 5_000, maxEventsPerKey: 1_000_000_000 }),
    )
  })
  afterEach(async () => {
    await Promise.all([...consumers.map((consumer) => consumer.close()), sink.close()])
    consumers = []
  })

  function consume(options: Partial<KafkaConsumerOptions> & Pick<KafkaConsumerOptions, 'handle'>): OrderedConsumer {
    const consumer = createKafkaConsumer({
      ...{ brokers: cluster.brokers, topic: topic.name, groupId: group, sessionTimeoutMs: 3_000, retryDelayMs: 5 },
      ...options,
    })
    consumers.push(consumer)
    return consumer
  }

  /* Forty traces, one event of each after the other. */
  async function write(from: number, to: number): Promise<void> {
    for (let at = from; at < to; at += 100) {
      const batch = batchOf(tracedLines(at, Math.min(at + 100, to)))
      while ((await sink.send(batch)).outcome !== 'delivered');
    }
  }

  it('hands on each event once, in order, though batches were sent twice, and commits how far it came', async () => {
    const events: ConsumedEvent[] = []
    await write(0, 1_000)
    await write(500, 1_000)
    const consumer = consume({ handle: (batch) => void events.push(...batch.events) })
    await write(1_000, 2_000)
    await until('all events', () => events.length >= 2_000, WAIT_MS)
    await until('the duplicates', () => consumer.stats().duplicates === 500, WAIT_MS)
    expect(events[0]).to.have.all.keys('line', 'instance', 'seq', 'traceId')
    expectOrdered(events, 2_000)
    expect(consumer.stats()).to.deep.include({ handled: 2_000, quarantined: 0, failures: 0 })
    expect(consumer.stats().queues).to.have.members(range(0, 4).map((partition) => `${topic.name}-${partition}`))
    await consumer.close()
    expect(await topic.committed(group)).to.deep.equal(await topic.ends())
  })

  it('brings a trace that is split over partitions, which its clock puts together', async () => {
    const hot = openAsyncSink(kafkaSink({ brokers: cluster.brokers, topic: topic.name, maxEventsPerKey: 100 }))
    const clock = (seq: number): string => (1_000_000 + seq).toString(16).padStart(16, '0')
    const lines = range(0, 1_000).map((seq) => ({ text: JSON.stringify({ hlc: clock(seq) }), seq, traceId: traceOf(1) }))
    for (const at of [0, 350, 700]) {
      const sent = await hot.send(
        batchOf(lines.slice(at, at + 350).map((line) => ({ ...line, text: `${line.text.slice(0, -1)}${OWN}` }))),
      )
      expect(sent.outcome).to.equal('delivered')
    }
    await hot.close()
    const came = new Map<string, ConsumedEvent[]>()
    const handle: KafkaConsumerOptions['handle'] = ({ queue, events }) => {
      came.set(queue, [...(came.get(queue) ?? []), ...events])
    }
    const both = [consume({ handle }), consume({ handle })]
    await until('all events', () => both.reduce((sum, consumer) => sum + consumer.stats().handled, 0) === 1_000, WAIT_MS)
    expect(came.size).to.be.greaterThan(1)
    const hlcOf = ({ line }: ConsumedEvent): string => (JSON.parse(line) as { hlc: string }).hlc
    const all = [...came.values()].flat().sort((a, b) => (hlcOf(a) < hlcOf(b) ? -1 : 1))
    expect(all.map(({ seq }) => seq)).to.deep.equal(range(0, 1_000))
  })

  it('is what docs/examples/print-logs.mjs prints lines with, in order, until it is told to end', async () => {
    await write(0, 200)
    const args = [projectFile('docs/examples/print-logs.mjs'), 'kafka', cluster.brokers[0] as string, topic.name]
    const program = new RunningProgram(process.execPath, args, { deadlineMs: WAIT_MS })
    const printed = (): string[] => program.stdout.split('\n').slice(0, -1)
    await until('all lines', () => printed().length >= 200, WAIT_MS)
    const { code } = await program.stop('SIGTERM')
    expect(code).to.equal(0)
    const sent = tracedLines(0, 200)
    for (const trace of new Set(sent.map(({ traceId }) => traceId))) {
      const own = sent.filter(({ traceId }) => traceId === trace).map(({ text }) => text)
      expect(printed().filter((line) => own.includes(line))).to.deep.equal(own)
    }
    expect(await topic.committed('printers')).to.deep.equal(await topic.ends())
  })

  it('goes on where the group was, and knows duplicates of what was before', async () => {
    const events: ConsumedEvent[] = []
    const handle: KafkaConsumerOptions['handle'] = (batch) => void events.push(...batch.events)
    await write(0, 500)
    const first = consume({ handle })
    await until('the first half', () => events.length === 500, WAIT_MS)
    await first.close()
    await write(400, 1_000)
    const second = consume({ handle })
    await until('the second half', () => second.stats().handled + second.stats().duplicates === 600, WAIT_MS)
    expectOrdered(events, 1_000)
    expect(second.stats()).to.deep.include({ handled: 500, duplicates: 100 })
  })

  it('shares partitions with members that come and go, without loss, duplicates or disorder', async () => {
    const { events, clashes, handle } = new SlowHandler()
    // Long, so that a machine that is busy makes nobody look dead.
    const options = { handle, batchEvents: 20, sessionTimeoutMs: 20_000 }
    const first = consume(options)
    await until('all partitions', () => first.stats().queues.length === 4, WAIT_MS)
    let written = 0
    let goesOn = true
    const writing = (async () => {
      // No faster than they are handled.
      for (; goesOn; written += 100) {
        await write(written, written + 100)
        await until('the handlers', () => events.length > written - 500, WAIT_MS)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    const second = consume(options)
    await until('a share each', () => first.stats().queues.length === 2 && second.stats().queues.length === 2, WAIT_MS)
    const third = consume(options)
    await until('work for the third', () => third.stats().handled > 0, WAIT_MS)
    await first.close()
    await until('all partitions for two', () => second.stats().queues.length + third.stats().queues.length === 4, WAIT_MS)
    goesOn = false
    await writing
    await until('all events', () => events.length >= written, WAIT_MS)
    expectOrdered(events, written)
    expect(clashes).to.deep.equal([])
  })

  for (const startAt of ['earliest', 'latest'] as const) {
    it(`takes the partitions that the topic gets later too, from their beginning, though it began at the ${startAt}`, async () => {
      const events: ConsumedEvent[] = []
      const options = { startAt, handle: (batch: ConsumedBatch) => void events.push(...batch.events) }
      const both = [consume(options), consume(options)]
      const queues = (): number => both.reduce((sum, consumer) => sum + consumer.stats().queues.length, 0)
      await until('a share each', () => both.every((consumer) => consumer.stats().queues.length === 2), WAIT_MS)
      const areCommitted = async (): Promise<boolean> => {
        const places = [...(await topic.committed(group)).values()]
        return places.length === 4 && places.every((offset) => offset >= 0)
      }
      while (!(await areCommitted())) await new Promise((resolve) => setTimeout(resolve, 50))
      await topic.grow(7)
      const later = openAsyncSink(kafkaSink({ brokers: cluster.brokers, topic: topic.name }))
      const lines = range(0, 400).map((seq) => ({ text: `{"instance":"${INSTANCE}"}`, seq, traceId: traceOf(seq) }))
      while ((await later.send(batchOf(lines))).outcome !== 'delivered');
      await later.close()
      await until('all events', () => events.length >= 400, WAIT_MS)
      await until('all partitions', () => queues() === 7, WAIT_MS)
      expectOrdered(events, 400)
      expect([...(await topic.ends()).values()].slice(4).reduce((sum, end) => sum + end, 0)).to.be.greaterThan(0)
    })
  }

  it('goes on behind records that were deleted before it came to them, and from the oldest when the log has lost its end', async () => {
    const cut = await Topic.create(cluster.brokers, 'cut', 1)
    const lines = openAsyncSink(kafkaSink({ brokers: cluster.brokers, topic: cut.name, packing: 'line' }))
    const send = async (from: number, to: number): Promise<unknown> =>
      lines.send(batchOf(range(from, to).map((seq) => ({ text: `{"instance":"${INSTANCE}"}`, seq, traceId: traceOf(1) }))))
    const readFrom = async (first: number, count: number): Promise<void> => {
      const seqs: (number | undefined)[] = []
      const handle: KafkaConsumerOptions['handle'] = ({ events }) => void seqs.push(...events.map(({ seq }) => seq))
      const consumer = consume({ topic: cut.name, groupId: 'cutters', handle })
      await until(`${count} events`, () => seqs.length >= count, WAIT_MS)
      await consumer.close()
      expect(seqs).to.deep.equal(range(first, first + count))
    }
    await send(0, 10)
    await readFrom(0, 10)
    await send(10, 40)
    await cut.deleteBefore(30)
    await readFrom(30, 10)
    await cut.commit('cutters', 900)
    await send(40, 50)
    await readFrom(30, 20)
    await lines.close()
  })

  it('pauses only the partition whose handler fails, and puts aside the event that cannot be handled', async () => {
    const events: ConsumedEvent[] = []
    const aside: (readonly [seq: number | undefined, message: string])[] = []
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    await write(0, 400)
    const poisoned = 55
    const consumer = consume({
      maxAttempts: 3,
      handle: async ({ events: batch }) => {
        if (batch.some(({ seq }) => seq === poisoned)) {
          await released
          throw new Error('cannot be handled')
        }
        events.push(...batch)
      },
      onQuarantine: (event, _queue, error) => void aside.push([event.seq, (error as Error).message]),
    })
    const mine = (await topic.records()).find(({ headers }) => headers['tracelane-trace'] === traceOf(poisoned))?.partition
    const records = (await topic.records()).filter(({ partition }) => partition !== mine)
    const others = records.reduce((sum, { value }) => sum + value.trimEnd().split('\n').length, 0)
    await until('the other partitions', () => events.length === others, WAIT_MS)
    release()
    await until('all events', () => events.length === 399, WAIT_MS)
    expect(aside).to.deep.equal([[poisoned, 'cannot be handled']])
    expect(consumer.stats()).to.deep.include({ handled: 399, quarantined: 1 })
    await consumer.close()
    expect(await topic.committed(group)).to.deep.equal(await topic.ends())
  })

  it('goes on after its broker was killed and came back', async () => {
    const events: ConsumedEvent[] = []
    await write(0, 500)
    consume({ handle: (batch) => void events.push(...batch.events) })
    await until('the first half', () => events.length === 500, WAIT_MS)
    await cluster.kill(0)
    await cluster.restart(0)
    await write(500, 1_000)
    await until('the second half', () => events.length >= 1_000, WAIT_MS)
    expectOrdered(events, 1_000)
  })
})
