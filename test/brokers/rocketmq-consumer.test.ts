import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'chai'
import { rocketmqSink } from 'tracelane'
import { type ConsumedEvent, createRocketmqConsumer, type OrderedConsumer, type RocketmqConsumerOptions } from 'tracelane/consume'
import { type AsyncSink, openAsyncSink } from '../../lib/sinks'
import { RunningProgram, requires, until } from '../support'
import { batchOf, type Line } from '../support/kafka-batch'
import { RocketmqServer, rocketmqClassPath } from './rocketmq'
import { expectOrdered, range, SlowHandler, tracedLines } from './traced-lines'

const WAIT_MS = 120_000
/* Each has a topic and a group of its own. */
const TESTS = 5
/* One that takes messages and has never done with them, to be killed. */
const HUNG_PROGRAM = `
  const { createRocketmqConsumer } = require('tracelane/consume')
  const [endpoint, topic, groupId] = process.argv.slice(1)
  const handle = () => { console.log('taken'); return new Promise(() => {}) }
  createRocketmqConsumer({ endpoints: [endpoint], topic, groupId, invisibleMs: 10_000, handle })
`

describe('createRocketmqConsumer(), with a real server', function () {
  this.timeout(400_000)
  let server: RocketmqServer
  let topics = 0
  let consumers: OrderedConsumer[] = []
  let sink: AsyncSink
  let topic: string
  let group: string

  before(async function () {
    const classPath = await rocketmqClassPath()
    requires(this, 'rocketmq', classPath !== undefined)
    server = await RocketmqServer.start({ classPath: classPath as string })
    const all = (name: string) => Object.fromEntries(range(1, TESTS + 1).map((n) => [`${name}-${n}`, 'FIFO'] as const))
    await server.createTopics(all('consumed'))
    await server.createGroups({ ...all('group'), normal: 'NORMAL' })
  })
  after(() => server?.stop())
  beforeEach(() => {
    ;[topic, group] = [`consumed-${++topics}`, `group-${topics}`]
    sink = openAsyncSink(rocketmqSink({ endpoints: [server.endpoint], topic, timeoutMs: 20_000, maxEventsPerKey: 1_000_000_000 }))
  })
  afterEach(async () => {
    await Promise.all([...consumers.map((consumer) => consumer.close()), sink.close()])
    consumers = []
  })

  function consume(options: Partial<RocketmqConsumerOptions> & Pick<RocketmqConsumerOptions, 'handle'>): OrderedConsumer {
    const consumer = createRocketmqConsumer({
      ...{ endpoints: [server.endpoint], topic, groupId: group, invisibleMs: 10_000, retryDelayMs: 5 },
      ...options,
    })
    consumers.push(consumer)
    return consumer
  }

  /* Forty traces, one event of each after the other. */
  async function write(from: number, to: number): Promise<void> {
    for (let at = from; at < to; at += 100) {
      let open: readonly Line[] = tracedLines(at, Math.min(at + 100, to))
      while (open.length > 0) {
        const result = await sink.send(batchOf(open))
        if (result.outcome === 'delivered') break
        if (result.outcome === 'partial') open = open.filter((_, row) => result.retryable.includes(row))
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  /* Resolves when such a complaint comes. */
  async function complaint(pattern: RegExp): Promise<void> {
    let isThere = false
    const hear = (message: unknown): void => {
      isThere ||= pattern.test((message as { message: string }).message)
    }
    subscribe('tracelane.failure', hear)
    await until(`a complaint ${pattern}`, () => isThere, WAIT_MS)
    unsubscribe('tracelane.failure', hear)
  }

  it('hands on each event once, in order, though batches were sent twice, and goes on where the group was', async () => {
    const events: ConsumedEvent[] = []
    const handle: RocketmqConsumerOptions['handle'] = (batch) => void events.push(...batch.events)
    await write(0, 1_000)
    await write(500, 1_000)
    const first = consume({ handle })
    await write(1_000, 2_000)
    await until('all events', () => events.length >= 2_000, WAIT_MS)
    await until('the duplicates', () => first.stats().duplicates === 500, WAIT_MS)
    expect(events[0]).to.have.all.keys('line', 'instance', 'seq', 'traceId')
    expect(first.stats()).to.deep.equal({ handled: 2_000, duplicates: 500, quarantined: 0, failures: 0, queues: [] })
    await first.close()
    const second = consume({ handle })
    await write(2_000, 2_500)
    await until('the new ones', () => events.length >= 2_500, WAIT_MS)
    expectOrdered(events, 2_500)
    expect(second.stats()).to.deep.include({ handled: 500, duplicates: 0 })
  })

  it('shares queues with members that come and go, without loss, duplicates or disorder', async () => {
    const { events, clashes, handle } = new SlowHandler()
    const options = { handle, batchEvents: 20, receiveMessages: 4, invisibleMs: 30_000 }
    const first = consume(options)
    let written = 0
    let goesOn = true
    const writing = (async () => {
      // No faster than they are handled.
      for (; goesOn; written += 100) {
        await write(written, written + 100)
        await until('the handlers', () => events.length > written - 500, WAIT_MS)
      }
    })()
    const second = consume(options)
    const share = (consumer: OrderedConsumer, count: number): Promise<unknown> => {
      const before = consumer.stats().handled
      return until(`${count} events of one`, () => consumer.stats().handled > before + count, WAIT_MS)
    }
    await Promise.all([share(first, 100), share(second, 100)])
    const third = consume(options)
    await Promise.all([share(second, 100), share(third, 100)])
    await first.close()
    const left = first.stats().handled
    await Promise.all([share(second, 100), share(third, 100)])
    goesOn = false
    await writing
    await until('all events', () => events.length >= written, WAIT_MS)
    expectOrdered(events, written)
    expect(clashes).to.deep.equal([])
    expect(first.stats().handled).to.equal(left)
    expect([first, second, third].map((consumer) => consumer.stats().duplicates)).to.deep.equal([0, 0, 0])
  })

  it('gets what a member had that was killed, and keeps what a slow handler has for longer than invisibleMs', async () => {
    await write(0, 200)
    const hung = new RunningProgram(process.execPath, ['-e', HUNG_PROGRAM, server.endpoint, topic, group], {
      deadlineMs: WAIT_MS,
    })
    await hung.waitForOutput(/taken/)
    await hung.stop('SIGKILL')
    const events: ConsumedEvent[] = []
    let isSlow = true
    let begun = 0
    const handle: RocketmqConsumerOptions['handle'] = async (batch) => {
      const pause = isSlow ? 12_000 : 0
      isSlow = false
      begun += batch.events.length
      await new Promise((resolve) => setTimeout(resolve, pause))
      events.push(...batch.events)
    }
    const both = [consume({ handle }), consume({ handle })]
    await until('all events', () => events.length >= 200, WAIT_MS)
    expectOrdered(events, 200)
    expect(begun).to.equal(200)
    expect(both.map((consumer) => consumer.stats().duplicates)).to.deep.equal([0, 0])
  })

  it('goes on by itself after a server that was killed, and after one that stood still, and hands nothing on twice', async () => {
    const events: ConsumedEvent[] = []
    const consumer = consume({ handle: (batch) => void events.push(...batch.events), timeoutMs: 1_000 })
    await write(0, 500)
    await until('the first events', () => events.length >= 500, WAIT_MS)
    await server.kill()
    await server.restart()
    await write(500, 1_000)
    await until('those after the restart', () => events.length >= 1_000, WAIT_MS)
    server.pause()
    const writing = write(1_000, 1_500)
    await complaint(/no answer within 1000 ms/)
    server.resume()
    await writing
    await until('those after the pause', () => events.length >= 1_500, WAIT_MS)
    expectOrdered(events, 1_500)
    expect(consumer.stats().handled).to.equal(1_500)
  })

  it('takes nothing as a group that is not FIFO, and says so', async () => {
    await write(0, 10)
    const consumer = consume({ handle: () => {}, groupId: 'normal' })
    await complaint(/\(group normal\): the group 'normal' is not of type FIFO/)
    expect(consumer.stats().handled).to.equal(0)
  })
})
