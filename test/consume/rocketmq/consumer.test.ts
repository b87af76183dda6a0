import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'chai'
import { createRocketmqConsumer, type OrderedConsumer, type RocketmqConsumerOptions } from 'tracelane/consume'
import { until } from '../../support'
import { type Delivery, ScriptedProxy, type Stored } from './scripted-proxy'

const INVALID_RECEIPT_HANDLE = 40_013
const UNAUTHORIZED = 40_100
const TOPIC_NOT_FOUND = 40_402
const PROXY_TIMEOUT = 50_400
const message = (id: string, queue: number, ...seqs: number[]): Stored => ({ id, queue, seqs })
const take = (...messages: Stored[]): Delivery => ({ messages })

describe('createRocketmqConsumer()', () => {
  let proxies: ScriptedProxy[] = []
  let consumer: OrderedConsumer
  let lines: string[] = []

  beforeEach(() => {
    lines = []
  })
  afterEach(async () => {
    await consumer.close()
    for (const proxy of proxies) proxy.stop()
    proxies = []
  })

  async function proxy(...deliveries: Delivery[]): Promise<ScriptedProxy> {
    const started = await ScriptedProxy.start(...deliveries)
    proxies.push(started)
    return started
  }

  function consume(options: Partial<RocketmqConsumerOptions> = {}): OrderedConsumer {
    consumer = createRocketmqConsumer({
      ...{ endpoints: proxies.map(({ endpoint }) => endpoint), topic: 'logs', groupId: 'g', retryDelayMs: 1 },
      handle: ({ queue, events }) => void lines.push(...events.map(({ seq }) => `${queue} ${seq}`)),
      ...options,
    })
    return consumer
  }
  const have = (count: number): Promise<unknown> => until(`${count} lines`, () => lines.length >= count)

  it('says what it is, and asks for messages of each broker for as long as it may keep them', async () => {
    const one = await proxy()
    consume({ invisibleMs: 12_500, receiveMessages: 7 })
    await until('a request', () => one.receives.length > 0)
    const [{ clientType, subscription }] = one.introductions as [(typeof one.introductions)[0]]
    expect(clientType).to.equal(3)
    expect(subscription?.group?.name).to.equal('g')
    expect(subscription?.subscriptionsList.map(({ topic, expression }) => [topic?.name, expression])).to.deep.equal([
      ['logs', { type: 1, expression: '*' }],
    ])
    const [asked] = one.receives
    expect([asked?.group?.name, asked?.messageQueue?.topic?.name, asked?.messageQueue?.broker?.name]).to.deep.equal([
      ...['g', 'logs', 'b'],
    ])
    expect(asked).to.deep.include({ batchSize: 7, invisibleDuration: { seconds: 12, nanos: 500_000_000 }, autoRenew: false })
    expect(asked?.longPollingTimeout).to.deep.equal({ seconds: 5, nanos: 0 })
  })

  it('acknowledges messages after the handler has them, in order', async () => {
    const one = await proxy(take(message('1', 0, 1, 2), message('2', 0, 3)))
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    consume({
      handle: async ({ events }) => {
        lines.push(...events.map(({ line }) => line))
        await held
      },
    })
    await have(3)
    await until('requests in the meantime', () => one.receives.length > 3)
    expect([lines, one.heard]).to.deep.equal([['line 1', 'line 2', 'line 3'], []])
    expect(consumer.stats().queues).to.deep.equal(['logs-b-0'])
    release()
    await until('the receipt', () => one.heard.length > 0)
    expect(one.heard).to.deep.equal(['ack 1:handle-1,2:handle-2'])
    expect(consumer.stats()).to.deep.include({ handled: 3, queues: [] })
  })

  it('stops only the queue of which the handler takes nothing, and gives that back when it is closed', async () => {
    const one = await proxy(take(message('1', 0, 1), message('2', 1, 2)), take(message('3', 1, 3)))
    consume({
      maxAttempts: 1_000,
      handle: ({ queue, events }) => {
        if (queue === 'logs-b-0') throw new Error('no')
        lines.push(...events.map(({ seq }) => `${queue} ${seq}`))
      },
    })
    await have(2)
    await until('receipts', () => one.heard.join().includes('handle-3'))
    expect(lines).to.deep.equal(['logs-b-1 2', 'logs-b-1 3'])
    await consumer.close()
    expect(one.heard.join()).to.not.include('handle-1')
    expect(one.heard.slice(-2)).to.deep.equal(['keep 1 for 0 s', 'leave'])
  })

  it('acknowledges what is in quarantine', async () => {
    const one = await proxy(take(message('1', 0, 1)))
    const quarantined: unknown[] = []
    consume({
      maxAttempts: 2,
      handle: () => {
        throw new Error('no')
      },
      onQuarantine: ({ seq }, queue) => void quarantined.push([queue, seq]),
    })
    await until('the receipt', () => one.heard.length > 0)
    expect([quarantined, one.heard]).to.deep.equal([[['logs-b-0', 1]], ['ack 1:handle-1']])
  })

  it('lets the call under way come to its end when it is closed, and gives back what is behind it', async () => {
    const one = await proxy(take(message('1', 0, 1), message('2', 0, 2)))
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    consume({
      batchEvents: 1,
      handle: async ({ events }) => {
        lines.push(...events.map(({ line }) => line))
        await held
      },
    })
    await have(1)
    const closed = consumer.close()
    release()
    await closed
    expect(lines).to.deep.equal(['line 1'])
    expect(one.heard).to.deep.equal(['ack 1:handle-1', 'keep 2 for 0 s', 'leave'])
  })

  it('keeps for longer what the handler has, under the handle that comes of it', async () => {
    const one = await proxy(take(message('1', 0, 1)))
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    consume({ invisibleMs: 10_000, handle: () => held })
    await until('one that is kept', () => one.heard.length > 0)
    // What answers these comes after the new handle.
    const before = one.receives.length
    await until('two more requests', () => one.receives.length > before + 1)
    release()
    await until('the receipt', () => one.heard.some((text) => text.startsWith('ack')))
    const times = one.heard.length - 1
    expect(one.heard).to.deep.equal([...Array(times).fill('keep 1 for 10 s'), `ack 1:handle-1${'+'.repeat(times)}`])
  })

  it('asks the next proxy again, by the same name, when an answer is lost, and takes nothing of what came of it', async () => {
    const first = await proxy({ messages: [message('1', 0, 1)], break: true })
    const second = await proxy(take(message('1', 0, 1), message('2', 0, 2)))
    consume()
    await have(2)
    expect(lines).to.deep.equal(['logs-b-0 1', 'logs-b-0 2'])
    await until('another request', () => second.receives.length > 1)
    const attempts = second.receives.map(({ attemptId }) => attemptId)
    expect(attempts[0]).to.equal(first.receives[0]?.attemptId)
    expect(attempts[1]).to.not.equal(attempts[0])
    expect(consumer.stats()).to.deep.include({ handled: 2, duplicates: 0 })
  })

  it('begins anew under another name when messages are not its own any more, and knows them when they come again', async () => {
    const one = await proxy(take(message('1', 0, 1)))
    one.ackCode = INVALID_RECEIPT_HANDLE
    consume()
    await until('another beginning', () => one.introductions.length > 1)
    one.ackCode = 20_000
    one.deliveries.push(take(message('1', 0, 1), message('2', 0, 2)))
    await have(2)
    expect(lines).to.deep.equal(['logs-b-0 1', 'logs-b-0 2'])
    expect(consumer.stats()).to.deep.include({ handled: 2, duplicates: 1 })
    expect(one.clients.size).to.be.greaterThan(1)
  })

  it('takes a message that is larger than gRPC does by itself', async () => {
    const padding = 'x'.repeat(5_000_000)
    const one = await proxy(take({ id: '1', queue: 0, seqs: [1], padding }))
    consume({ handle: ({ events }) => void lines.push(...events.map(({ line }) => line)) })
    await have(1)
    expect(lines[0] === `line 1${padding}`).to.equal(true)
    expect(one.introductions).to.have.length(1)
  })

  it('begins anew when a proxy refuses', async () => {
    const one = await proxy({ refuse: PROXY_TIMEOUT }, take(message('1', 0, 1)))
    consume()
    await have(1)
    expect(one.introductions).to.have.length(2)
  })

  it('goes on with the brokers that it knows while a proxy says that there is no such topic', async () => {
    const one = await proxy(take(message('1', 0, 1)))
    consume()
    await have(1)
    one.assignmentCode = TOPIC_NOT_FOUND
    one.deliveries.push({ refuse: PROXY_TIMEOUT }, take(message('2', 0, 2)))
    await have(2)
    expect(one.introductions).to.have.length(2)
    expect(one.receives.at(-1)?.messageQueue?.broker?.name).to.equal('b')
  })

  it('says why a proxy hangs up on it', async () => {
    const one = await proxy(take(message('1', 0, 1)))
    one.refusal = UNAUTHORIZED
    const said = new Set<string>()
    const hear = (failure: unknown): void => void said.add((failure as { message: string }).message)
    subscribe('tracelane.failure', hear)
    consume()
    await until('two beginnings', () => one.introductions.length > 1)
    unsubscribe('tracelane.failure', hear)
    expect([...said]).to.deep.equal([`rocketmq ${one.endpoint} (group g): the proxy refuses the credentials`])
    one.refusal = undefined
    await have(1)
  })

  it('takes nothing from a group that is not FIFO', async () => {
    const one = await proxy(take(message('1', 0, 1)))
    one.isFifo = false
    consume()
    await until('two beginnings', () => one.introductions.length > 1)
    expect([one.receives, lines]).to.deep.equal([[], []])
    one.isFifo = true
    await have(1)
  })
})
