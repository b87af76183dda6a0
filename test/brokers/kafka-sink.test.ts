import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type KafkaSinkOptions, kafkaSink } from 'tracelane'
import { type AsyncSink, type BatchResult, openAsyncSink } from '../../lib/sinks'
import { projectFile, requires } from '../support'
import { batchOf, INSTANCE, type Line } from '../support/kafka-batch'
import { KafkaCluster, kafkaClassPath, Topic } from './kafka'

const pem = (name: string): string => readFileSync(projectFile(`test/fixtures/tls/${name}.pem`), 'utf8')
const [cert, key] = [pem('cert'), pem('key')]
const [USER, PASSWORD] = ['shipper', 'correct-horse-battery']
const trace = (n: number): string => n.toString(16).padStart(32, 'a')
const line = (seq: number, n?: number): Line => ({
  text: `{"seq":${seq},"instance":"${INSTANCE}"${n === undefined ? '' : `,"traceId":"${trace(n)}","spanId":"00f067aa0ba902b${n % 10}"`}}`,
  seq,
  ...(n === undefined ? {} : { traceId: trace(n) }),
})
const reasonOf = (result: BatchResult | undefined): string => (result as { reason?: string } | undefined)?.reason ?? ''

describe('openAsyncSink() of a kafkaSink, with a real broker', () => {
  let cluster: KafkaCluster
  let topics = 0
  let sinks: AsyncSink[] = []

  before(async function () {
    const classPath = await kafkaClassPath()
    requires(this, 'kafka', classPath !== undefined)
    cluster = await KafkaCluster.start({
      classPath: classPath as string,
      secured: { cert, key, user: USER, password: PASSWORD },
    })
  })
  after(() => cluster?.stop())
  afterEach(async () => {
    await Promise.all(sinks.map((sink) => sink.close()))
    sinks = []
  })

  function topic(partitions: number, config: Record<string, string> = {}): Promise<Topic> {
    return Topic.create(cluster.brokers, `lines-${++topics}`, partitions, config)
  }

  function open(options: Partial<KafkaSinkOptions> & { topic: string }): AsyncSink {
    const sink = openAsyncSink(kafkaSink({ brokers: cluster.brokers, ...options }))
    sinks.push(sink)
    return sink
  }

  it('sends the lines of a trace as one record, under the trace id, with the identity of each in the headers', async () => {
    const lines = await topic(4)
    const sink = open({ topic: lines.name })
    const batch = batchOf([line(7, 1), line(8), line(9, 2), line(10, 1), line(12, 1), line(13)])
    expect(await sink.send(batch)).to.deep.equal({ outcome: 'delivered' })
    const records = await lines.records()
    const common = { 'tracelane-v': '1', 'tracelane-instance': INSTANCE }
    expect(records.map(({ key: of, value, headers }) => ({ of, value, headers }))).to.have.deep.members([
      {
        of: trace(1),
        value: `${[line(7, 1), line(10, 1), line(12, 1)].map(({ text }) => text).join('\n')}\n`,
        headers: {
          ...common,
          'tracelane-seq': '7,3,2',
          'tracelane-trace': trace(1),
          traceparent: `00-${trace(1)}-00f067aa0ba902b1-00`,
        },
      },
      { of: INSTANCE, value: `${line(8).text}\n${line(13).text}\n`, headers: { ...common, 'tracelane-seq': '8,5' } },
      {
        of: trace(2),
        value: `${line(9, 2).text}\n`,
        headers: {
          ...common,
          'tracelane-seq': '9',
          'tracelane-trace': trace(2),
          traceparent: `00-${trace(2)}-00f067aa0ba902b2-00`,
        },
      },
    ])
  })

  it('keeps what is sent in order within a partition, one record a line if asked for', async () => {
    const lines = await topic(3)
    const sink = open({ topic: lines.name, packing: 'line', compression: 'gzip' })
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, i) => sink.send(batchOf(Array.from({ length: 10 }, (_, j) => line(i * 10 + j, j % 5))))),
    )
    expect(new Set(sent.map(({ outcome }) => outcome))).to.deep.equal(new Set(['delivered']))
    const records = await lines.records()
    expect(records).to.have.length(200)
    const partitions = new Map<string, Set<number>>()
    for (const record of records) {
      partitions.set(record.key, (partitions.get(record.key) ?? new Set()).add(record.partition))
    }
    for (const where of partitions.values()) expect(where.size).to.equal(1)
    for (let n = 0; n < 5; n++) {
      const seqs = records.filter((record) => record.key === trace(n)).map(({ headers }) => Number(headers['tracelane-seq']))
      expect(seqs).to.deep.equal(Array.from({ length: 40 }, (_, i) => i * 5 + n))
    }
  })

  it('refuses the one line that the broker refuses, and delivers the others once', async () => {
    const lines = await topic(1, { 'max.message.bytes': '2000' })
    const sink = open({ topic: lines.name })
    const huge = { ...line(2, 1), text: `${line(2, 1).text}${'x'.repeat(3_000)}` }
    const result = await sink.send(batchOf([line(1, 1), huge, line(3, 1), line(4, 2)]))
    expect(result).to.deep.include({ outcome: 'partial', rejected: [1], retryable: [] })
    expect(reasonOf(result)).to.match(/refused: (MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE)$/)
    const seqs = (await lines.records()).map(({ headers }) => headers['tracelane-seq'])
    expect(seqs).to.have.members(['1', '3', '4'])
    expect(await sink.send(batchOf([line(5, 1)]))).to.deep.equal({ outcome: 'delivered' })
  })

  it('asks a topic whose max.message.bytes is larger by 10 KiB for no more than it takes, be lines however small', async () => {
    const lines = await topic(1, { 'max.message.bytes': '20240' })
    const sink = open({ topic: lines.name, maxRecordBytes: 10_000 })
    const batch = batchOf(Array.from({ length: 800 }, (_, seq) => line(seq, 0x1000 + (seq % 400))))
    expect(await sink.send(batch)).to.deep.equal({ outcome: 'delivered' })
    // After a refusal each of the two lines of a trace would be alone.
    expect(await lines.records()).to.have.length(400)
  })

  it('says that there is no such topic, and delivers when there is', async () => {
    const name = `late-${++topics}`
    const sink = open({ topic: name })
    const result = await sink.send(batchOf([line(1, 1)]))
    expect(result.outcome).to.equal('retryable')
    expect(reasonOf(result)).to.equal(
      `kafka ${cluster.brokers.join()} (topic ${name}): there is no topic '${name}', and it is not made here`,
    )
    const late = await Topic.create(cluster.brokers, name, 1)
    expect(await sink.send(batchOf([line(1, 1)]))).to.deep.equal({ outcome: 'delivered' })
    expect(await late.records()).to.have.length(1)
  })

  it('delivers over TLS with a password, and says what is wrong with either', async () => {
    const lines = await topic(1)
    const secured = { brokers: cluster.secured, topic: lines.name, timeoutMs: 8_000 }
    const sasl = { mechanism: 'PLAIN', username: USER, password: PASSWORD } as const
    const good = open({ ...secured, tls: { ca: cert }, sasl })
    expect(await good.send(batchOf([line(1, 1)]))).to.deep.equal({ outcome: 'delivered' })
    const stranger = await open({ ...secured, tls: { ca: cert }, sasl: { ...sasl, password: 'wrong-horse' } }).send(
      batchOf([line(2, 1)]),
    )
    expect(stranger.outcome).to.equal('retryable')
    expect(reasonOf(stranger)).to.match(/: the brokers refuse the credentials in sasl$/)
    expect(reasonOf(stranger)).to.not.match(/horse|shipper/)
    const untrusting = await open({ ...secured, tls: {}, sasl }).send(batchOf([line(3, 1)]))
    expect(untrusting.outcome).to.equal('retryable')
    expect(reasonOf(untrusting)).to.match(/self-signed certificate/)
    expect(await lines.records()).to.have.length(1)
  })

  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    it(`delivers with a password that ${mechanism} proves, and says that it is wrong`, async () => {
      const lines = await topic(1)
      const secured = { brokers: cluster.secured, topic: lines.name, timeoutMs: 8_000, tls: { ca: cert } }
      const sasl = { mechanism, username: USER, password: PASSWORD }
      expect(await open({ ...secured, sasl }).send(batchOf([line(1, 1)]))).to.deep.equal({ outcome: 'delivered' })
      const result = await open({ ...secured, sasl: { ...sasl, password: 'wrong-horse' } }).send(batchOf([line(2, 1)]))
      expect(result.outcome).to.equal('retryable')
      expect(reasonOf(result)).to.match(/: the brokers refuse the credentials in sasl$/)
    })
  }

  it('delivers with a token, and says that it has expired', async () => {
    const lines = await topic(1)
    const text = (said: object): string => Buffer.from(JSON.stringify(said)).toString('base64url')
    const token = (exp: number): string => `${text({ alg: 'none' })}.${text({ sub: USER, iat: exp - 7_200, exp })}.`
    const now = Math.floor(Date.now() / 1_000)
    const openWith = (exp: number): AsyncSink => {
      const sasl = { mechanism: 'OAUTHBEARER', token: token(exp) } as const
      return open({ brokers: cluster.secured, topic: lines.name, timeoutMs: 8_000, tls: { ca: cert }, sasl })
    }
    expect(await openWith(now + 3_600).send(batchOf([line(1, 1)]))).to.deep.equal({ outcome: 'delivered' })
    const result = await openWith(now - 3_600).send(batchOf([line(2, 1)]))
    expect(result.outcome).to.equal('retryable')
    expect(reasonOf(result)).to.match(/: the brokers refuse the token in sasl$/)
  })

  it('waits for a broker that was killed, and goes on when it is back', async () => {
    const lines = await topic(2)
    const sink = open({ topic: lines.name })
    expect((await sink.send(batchOf([line(1, 1)]))).outcome).to.equal('delivered')
    await cluster.kill(0)
    const result = await sink.send(batchOf([line(2, 1)]))
    expect(result.outcome).to.equal('retryable')
    expect(reasonOf(result)).to.match(/: connect ECONNREFUSED 127\.0\.0\.1:\d+$/)
    await cluster.restart(0)
    let again = await sink.send(batchOf([line(2, 1)]))
    // Until the broker has its place in the cluster again.
    while (again.outcome === 'retryable') again = await sink.send(batchOf([line(2, 1)]))
    expect(again.outcome).to.equal('delivered')
    const seqs = (await lines.records()).map(({ headers }) => headers['tracelane-seq'])
    expect([...new Set(seqs)]).to.deep.equal(['1', '2'])
  })

  it('gives up on a broker that hangs after timeoutMs, and loses nothing when it goes on', async () => {
    const lines = await topic(2)
    const sink = open({ topic: lines.name, timeoutMs: 500 })
    expect((await sink.send(batchOf([line(1, 1)]))).outcome).to.equal('delivered')
    cluster.pause(0)
    const result = await sink.send(batchOf([line(2, 1)]))
    cluster.resume(0)
    expect(result.outcome).to.equal('retryable')
    expect(reasonOf(result)).to.match(/: no answer within 500 ms$/)
    let again = await sink.send(batchOf([line(2, 1)]))
    while (again.outcome === 'retryable') again = await sink.send(batchOf([line(2, 1)]))
    const seqs = (await lines.records()).map(({ headers }) => headers['tracelane-seq'])
    expect([...new Set(seqs)]).to.deep.equal(['1', '2'])
  })
})
