import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type RocketmqSinkOptions, rocketmqSink } from 'tracelane'
import { type AsyncSink, type BatchResult, openAsyncSink } from '../../lib/sinks'
import { projectFile, requires } from '../support'
import { batchOf, INSTANCE, type Line } from '../support/kafka-batch'
import { type ReadMessage, RocketmqServer, rocketmqClassPath } from './rocketmq'

const pem = (name: string): string => readFileSync(projectFile(`test/fixtures/tls/${name}.pem`), 'utf8')
const [cert, key] = [pem('cert'), pem('key')]
const [USER, PASSWORD] = ['shipper', 'correct-horse-battery']
const trace = (n: number): string => n.toString(16).padStart(32, 'a')
const line = (seq: number, n?: number): Line => ({
  text: `{"seq":${seq},"instance":"${INSTANCE}"${n === undefined ? '' : `,"traceId":"${trace(n)}","spanId":"00f067aa0ba902b${n % 10}"`}}`,
  seq,
  ...(n === undefined ? {} : { traceId: trace(n) }),
})
/* Made at the beginning, all at once. */
const TOPICS = 5
const reasonOf = (result: BatchResult): string => (result as { reason?: string }).reason ?? ''
const seqsOf = (messages: readonly ReadMessage[]): number[] =>
  messages.flatMap(({ body }) =>
    body
      .trimEnd()
      .split('\n')
      .map((text) => (JSON.parse(text) as { seq: number }).seq),
  )

/** Sends as the sending core does: what is open is sent again before anything new. Gives the reasons that it heard. */
async function sendAll(sink: AsyncSink, lines: readonly Line[]): Promise<Set<string>> {
  const reasons = new Set<string>()
  for (let open = lines; open.length > 0; ) {
    const result = await sink.send(batchOf(open))
    if (result.outcome === 'delivered') break
    reasons.add(result.reason)
    if (result.outcome === 'rejected') throw new Error(result.reason)
    if (result.outcome === 'partial') {
      expect(result.rejected).to.deep.equal([])
      const { retryable } = result
      open = open.filter((_, row) => retryable.includes(row))
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return reasons
}

describe('openAsyncSink() of a rocketmqSink, with a real server', function () {
  this.timeout(400_000)
  let server: RocketmqServer
  let topics = 0
  let sinks: AsyncSink[] = []

  before(async function () {
    const classPath = await rocketmqClassPath()
    requires(this, 'rocketmq', classPath !== undefined)
    server = await RocketmqServer.start({ classPath: classPath as string })
    const lines = Array.from({ length: TOPICS }, (_, i) => [`lines-${i + 1}`, 'FIFO'] as const)
    await server.createTopics({ ...Object.fromEntries(lines), normal: 'NORMAL' })
  })
  after(() => server?.stop())
  afterEach(async () => {
    await Promise.all(sinks.map((sink) => sink.close()))
    sinks = []
  })

  /* One that nobody has had yet. */
  function topic(): string {
    expect(topics).to.be.lessThan(TOPICS)
    return `lines-${++topics}`
  }

  function open(options: Partial<RocketmqSinkOptions> & { topic: string }): AsyncSink {
    const sink = openAsyncSink(rocketmqSink({ endpoints: [server.endpoint], timeoutMs: 20_000, ...options }))
    sinks.push(sink)
    return sink
  }

  it('sends the lines of a trace as one message, with the trace as its group and the identity of each in the properties', async () => {
    const name = topic()
    const sink = open({ topic: name, tag: 'shop' })
    expect(await sink.send(batchOf([line(7, 1), line(8), line(9, 2), line(10, 1)]))).to.deep.equal({ outcome: 'delivered' })
    const found = await server.read(name)
    const shown = found.map(({ body, properties: { __SHARDINGKEY, TAGS, KEYS, ...others } }) => {
      const own = Object.entries(others).filter(([property]) => /^trace/.test(property))
      return { body, group: __SHARDINGKEY, tag: TAGS, keys: KEYS, own: Object.fromEntries(own) }
    })
    const common = { 'tracelane-v': '1', 'tracelane-instance': INSTANCE }
    const traced = (n: number): object => ({ 'tracelane-trace': trace(n), traceparent: `00-${trace(n)}-00f067aa0ba902b${n}-00` })
    expect(shown).to.have.deep.members([
      {
        ...{ body: `${line(7, 1).text}\n${line(10, 1).text}\n`, group: trace(1), tag: 'shop', keys: trace(1) },
        own: { ...common, 'tracelane-seq': '7,3', ...traced(1) },
      },
      {
        ...{ body: `${line(8).text}\n`, group: INSTANCE, tag: 'shop', keys: INSTANCE },
        own: { ...common, 'tracelane-seq': '8' },
      },
      {
        ...{ body: `${line(9, 2).text}\n`, group: trace(2), tag: 'shop', keys: trace(2) },
        own: { ...common, 'tracelane-seq': '9', ...traced(2) },
      },
    ])
  })

  it('keeps each trace in one queue, in order, over all queues', async () => {
    const name = topic()
    const sink = open({ topic: name, packing: 'line' })
    const batch = (i: number) => batchOf(Array.from({ length: 100 }, (_, j) => line(i * 100 + j, j % 20)))
    const sent = await Promise.all(Array.from({ length: 5 }, (_, i) => sink.send(batch(i))))
    expect(new Set(sent.map(({ outcome }) => outcome))).to.deep.equal(new Set(['delivered']))
    const found = await server.read(name)
    expect(found).to.have.length(500)
    expect(new Set(found.map(({ queue }) => queue)).size).to.be.greaterThan(1)
    for (let n = 0; n < 20; n++) {
      const own = found.filter(({ properties }) => properties['tracelane-trace'] === trace(n))
      expect(new Set(own.map(({ queue }) => queue)).size).to.equal(1)
      expect(seqsOf(own)).to.deep.equal(Array.from({ length: 25 }, (_, i) => i * 20 + n))
    }
  })

  it('refuses the one line that is too large for the proxy, and delivers the others once', async () => {
    const name = topic()
    const huge = { ...line(2, 1), text: `${line(2, 1).text.slice(0, -1)},"x":"${'x'.repeat(4_200_000)}"}` }
    const result = await open({ topic: name, maxMessageBytes: 5_000_000 }).send(
      batchOf([line(1, 1), huge, line(3, 1), line(4, 2)]),
    )
    expect(result).to.deep.include({ outcome: 'partial', rejected: [1], retryable: [] })
    expect(reasonOf(result)).to.match(/refused: MESSAGE_BODY_TOO_LARGE \(41301\)$/)
    expect(seqsOf(await server.read(name))).to.have.members([1, 3, 4])
  })

  it('has properties that the proxy takes, however many lines are in a message', async () => {
    const name = topic()
    const lines = Array.from({ length: 8_000 }, (_, i) => line(i * 1_000, 1))
    expect(await open({ topic: name }).send(batchOf(lines))).to.deep.equal({ outcome: 'delivered' })
    expect(seqsOf(await server.read(name))).to.deep.equal(lines.map(({ seq }) => seq))
  })

  it('says that there is no such topic, or one of another type, and delivers when it is right', async () => {
    const name = 'late'
    const sink = open({ topic: name })
    const missing = await sink.send(batchOf([line(1, 1)]))
    expect(missing).to.deep.equal({
      outcome: 'retryable',
      reason: `rocketmq ${server.endpoint} (topic ${name}): there is no topic '${name}', and it is not made here`,
    })
    const other = await open({ topic: 'normal' }).send(batchOf([line(1, 1)]))
    expect(other.outcome).to.equal('retryable')
    expect(reasonOf(other)).to.match(/: the topic 'normal' is not of type FIFO$/)
    await server.createTopic(name)
    await sendAll(sink, [line(1, 1)])
    expect(new Set(seqsOf(await server.read(name)))).to.deep.equal(new Set([1]))
  })

  it('loses nothing when the server is killed or hangs in the middle, and keeps each trace in order', async () => {
    const name = topic()
    const sink = open({ topic: name, timeoutMs: 3_000 })
    const [reasons, traces] = [new Set<string>(), 12]
    let written = 0
    const write = async (batches: number): Promise<void> => {
      for (let i = 0; i < batches; i++) {
        const lines = Array.from({ length: 60 }, (_, j) => line(written + j, (written + j) % traces))
        for (const reason of await sendAll(sink, lines)) reasons.add(reason)
        written += lines.length
      }
    }
    await write(20)
    const during = write(20)
    await server.kill()
    await Promise.all([during, server.restart()])
    expect([...reasons].join()).to.match(/ECONNREFUSED|ECONNRESET|socket|connection|dropped/i)
    await write(20)
    server.pause()
    const hanging = sink.send(batchOf([line(written, 0)]))
    expect(reasonOf(await hanging)).to.match(/: no answer within 3000 ms$/)
    server.resume()
    await write(20)
    const seqs = seqsOf(await server.read(name))
    const firsts = [...new Set(seqs)]
    expect([...firsts].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: written }, (_, i) => i))
    for (let n = 0; n < traces; n++) {
      const own = firsts.filter((seq) => seq % traces === n)
      expect(own).to.deep.equal([...own].sort((a, b) => a - b))
    }
  })

  it('delivers over TLS with credentials, and says what is wrong with either', async () => {
    const classPath = (await rocketmqClassPath()) as string
    const secured = await RocketmqServer.start({ classPath, tls: { cert, key }, user: { name: USER, password: PASSWORD } })
    try {
      await secured.createTopic('secret')
      const target = { endpoints: [secured.endpoint.replace('127.0.0.1', 'localhost')], topic: 'secret' }
      const credentials = { accessKey: USER, accessSecret: PASSWORD }
      const good = open({ ...target, tls: { ca: cert }, credentials })
      expect(await good.send(batchOf([line(1, 1)]))).to.deep.equal({ outcome: 'delivered' })
      const wrong = { ...credentials, accessSecret: 'wrong-horse' }
      const stranger = await open({ ...target, tls: { ca: cert }, credentials: wrong }).send(batchOf([line(2, 1)]))
      expect(stranger.outcome).to.equal('retryable')
      expect(reasonOf(stranger)).to.match(/: the proxy refuses the credentials$/)
      const untrusting = await open({ ...target, tls: {}, credentials }).send(batchOf([line(3, 1)]))
      expect(untrusting.outcome).to.equal('retryable')
      expect(reasonOf(untrusting)).to.match(/self-signed certificate/)
      expect(seqsOf(await secured.read('secret'))).to.deep.equal([1])
    } finally {
      await secured.stop()
    }
  })
})
