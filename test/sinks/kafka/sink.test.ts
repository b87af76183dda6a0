import { expect } from 'chai'
import { currentTraceId, type KafkaSinkOptions, kafkaSink, runWithTrace } from 'tracelane'
import { type AsyncSink, type BatchResult, openAsyncSink } from '../../../lib/sinks'
import { partitionHash } from '../../../lib/sinks/kafka/partitioner'
import { batchOf, type Line } from '../../support/kafka-batch'
import { answered, responseOf, type Script, type ScriptedClient, type SentMessage, scriptedClient } from './scripted-client'

const trace = (n: number): string => String(n).padStart(32, '0')
const line = (seq: number, n: number): Line => ({ text: `{"seq":${seq}}`, seq, traceId: trace(n) })
const partitionOf = (n: number): number => partitionHash(Buffer.from(trace(n))) % 4
/* Traces 1, 2 and so on until three partitions are covered. */
const [ONE, OTHER] = [1, [2, 3, 4, 5, 6, 7, 8, 9].find((n) => partitionOf(n) !== partitionOf(1)) as number]
const reasonOf = (result: BatchResult): string => (result as { reason?: string }).reason ?? ''
const textOf = (messages: readonly SentMessage[]): string => messages.map(({ value }) => value.toString()).join('')

describe('openAsyncSink() of a kafkaSink', () => {
  let client: ScriptedClient
  function open(script: Script, options: Partial<KafkaSinkOptions> = {}): AsyncSink {
    client = scriptedClient(script)
    return openAsyncSink(kafkaSink({ brokers: ['b1:9092', 'b2:9092'], topic: 'logs', clientPath: client.path, ...options }))
  }

  it('asks all in-sync replicas, idempotently, with one client for all batches', async () => {
    const sink = open(async () => {})
    expect(await sink.send(batchOf([line(1, 1)]))).to.deep.equal({ outcome: 'delivered' })
    expect(await sink.send(batchOf([line(2, 1)]))).to.deep.equal({ outcome: 'delivered' })
    await sink.close()
    expect(client.made).to.have.length(1)
    expect(client.made[0]).to.deep.include({ idempotent: true, autocreateTopics: false, retries: 2, clientId: 'tracelane' })
    expect(client.closed()).to.equal(1)
  })

  it('makes a new client after a failure, which begins with the next broker', async () => {
    const sink = open(async (_, producer) => {
      if (producer === 0) throw answered('NOT_LEADER_OR_FOLLOWER')
    })
    const failed = await sink.send(batchOf([line(1, 1)]))
    expect(failed).to.deep.equal({
      outcome: 'retryable',
      reason: 'kafka b1:9092,b2:9092 (topic logs): answered NOT_LEADER_OR_FOLLOWER',
    })
    expect(await sink.send(batchOf([line(1, 1)]))).to.deep.equal({ outcome: 'delivered' })
    await sink.close()
    expect(client.made.map(({ bootstrapBrokers }) => bootstrapBrokers)).to.deep.equal([
      ['b1:9092', 'b2:9092'],
      ['b2:9092', 'b1:9092'],
    ])
    expect(client.closed()).to.equal(2)
  })

  for (const [where, found] of [
    ['in the answer that failed', responseOf({ [partitionOf(ONE)]: 0, [partitionOf(OTHER)]: 6 })],
    ['by another broker', { produced: { offsets: [{ partition: partitionOf(ONE) }] } }],
  ] as const) {
    it(`sends only those again whose partitions have not taken them, as is said ${where}`, async () => {
      const sink = open(async () => {
        throw answered('NOT_LEADER_OR_FOLLOWER', found)
      })
      const result = await sink.send(batchOf([line(1, ONE), line(2, OTHER), line(3, ONE), line(4, OTHER)]))
      await sink.close()
      expect(result).to.deep.include({ outcome: 'partial', rejected: [], retryable: [1, 3] })
    })
  }

  it('finds the one event that is refused', async () => {
    const sent: string[] = []
    const sink = open(async (messages) => {
      sent.push(textOf(messages))
      if (textOf(messages).includes('3')) throw answered('MESSAGE_TOO_LARGE')
    })
    const result = await sink.send(batchOf([line(1, ONE), line(2, OTHER), line(3, ONE)]))
    await sink.close()
    expect(result).to.deep.equal({
      ...{ outcome: 'partial', rejected: [2], retryable: [] },
      reason: 'kafka b1:9092,b2:9092 (topic logs): refused: MESSAGE_TOO_LARGE',
    })
    expect(sent.slice(1)).to.deep.equal(['{"seq":1}\n', '{"seq":3}\n', '{"seq":2}\n'])
  })

  it('asks for no more at once than a record may be, keys and headers counted, which small lines have more of than text', async () => {
    const sent: SentMessage[][] = []
    const sink = open(async (messages) => void sent.push([...messages]), { packing: 'line', maxRecordBytes: 1_024 })
    expect(await sink.send(batchOf(Array.from({ length: 40 }, (_, i) => line(i, 1))))).to.deep.equal({ outcome: 'delivered' })
    await sink.close()
    expect(sent.flat()).to.have.length(40)
    const sizes = sent.map((messages) => {
      const texts = messages.flatMap(({ key, value, headers }) => [key, value, ...[...headers].flat()])
      return texts.reduce((sum, text) => sum + text.length, 0)
    })
    expect(Math.max(...sizes)).to.be.within(400, 1_024)
  })

  it('goes on with nothing after what has to be sent again', async () => {
    const sent: string[] = []
    const sink = open(
      async (messages) => {
        sent.push(textOf(messages))
        throw answered('REQUEST_TIMED_OUT')
      },
      { maxRecordBytes: 1_024 },
    )
    const long = (seq: number): Line => ({ text: String(seq).padEnd(800, 'x'), seq, traceId: trace(1) })
    const result = await sink.send(batchOf([long(1), long(2), long(3)]))
    await sink.close()
    expect(sent).to.have.length(1)
    expect(result.outcome).to.equal('retryable')
  })

  it('sends the next batch when the one before is settled', async () => {
    const order: string[] = []
    const waiting: (() => void)[] = []
    const sink = open(async (messages) => {
      order.push(`sent ${textOf(messages).trim()}`)
      await new Promise<void>((resolve) => waiting.push(resolve))
    })
    const sends = [1, 2].map(async (seq) => {
      await sink.send(batchOf([line(seq, 1)]))
      order.push(`settled ${seq}`)
    })
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(order).to.deep.equal(['sent {"seq":1}'])
    waiting[0]?.()
    while (waiting.length === 1) await new Promise((resolve) => setImmediate(resolve))
    expect(order).to.have.members(['sent {"seq":1}', 'settled 1', 'sent {"seq":2}'])
    waiting[1]?.()
    await Promise.all(sends)
    await sink.close()
  })

  it('gives up on a client that never answers', async () => {
    const sink = open(() => new Promise(() => {}), { timeoutMs: 30 })
    const held = setInterval(() => {}, 1_000)
    const result = await sink.send(batchOf([line(1, 1)]))
    clearInterval(held)
    await sink.close()
    expect(reasonOf(result)).to.match(/: no answer within 30 ms$/)
    expect(result.outcome).to.equal('retryable')
    expect(client.closed()).to.equal(1)
  })

  it('refuses a line that is larger than maxRecordBytes, and no other', async () => {
    const sink = open(async () => {}, { maxRecordBytes: 1_024 })
    const huge = { text: 'x'.repeat(2_000), seq: 2, traceId: trace(1) }
    expect(await sink.send(batchOf([line(1, 1), huge]))).to.deep.equal({
      ...{ outcome: 'partial', rejected: [1], retryable: [] },
      reason: "kafka b1:9092,b2:9092 (topic logs): a line is larger than 'maxRecordBytes'",
    })
    expect((await sink.send(batchOf([huge]))).outcome).to.equal('rejected')
    await sink.close()
  })

  it('copies the lines before it waits', async () => {
    const sent: string[] = []
    const sink = open(async (messages) => void sent.push(textOf(messages)))
    const batch = batchOf([line(1, 1)])
    const sending = sink.send(batch)
    batch.lines.fill(0)
    await sending
    await sink.close()
    expect(sent).to.deep.equal(['{"seq":1}\n'])
  })

  it('runs outside of the trace of whoever calls', async () => {
    const seen: (string | undefined)[] = []
    const sink = open(async () => void seen.push(currentTraceId()))
    await runWithTrace(() => sink.send(batchOf([line(1, 1)])))
    await sink.close()
    expect(seen).to.deep.equal([undefined])
  })

  const sentences: Readonly<Record<string, readonly [error: unknown, reason: RegExp]>> = {
    'wrong credentials': [answered('SASL_AUTHENTICATION_FAILED'), /the brokers refuse the credentials in sasl$/],
    'a token that has expired': [answered('ILLEGAL_SASL_STATE'), /the brokers refuse the token in sasl$/],
    'a topic that is not there': [
      Object.assign(new Error('Unknown topic logs.'), { code: 'PLT_KFK_USER' }),
      /there is no topic 'logs', and it is not made here$/,
    ],
    'a topic that is not allowed': [answered('TOPIC_AUTHORIZATION_FAILED'), /not allowed: TOPIC_AUTHORIZATION_FAILED$/],
    'no connection': [
      Object.assign(new Error('failed'), {
        code: 'PLT_KFK_NETWORK',
        cause: Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
      }),
      /\(topic logs\): connect ECONNREFUSED 127\.0\.0\.1:1$/,
    ],
    'a hostile text': [new Error(`a\u001b[31m\n${'b'.repeat(1_000)}`), /: a \[31m b{190,200}$/],
    'no error at all': [undefined, /for no reason given$/],
  }
  for (const [what, [error, reason]] of Object.entries(sentences)) {
    it(`says in a sentence: ${what}`, async () => {
      const sink = open(async () => {
        throw error
      })
      const result = await sink.send(batchOf([line(1, 1)]))
      await sink.close()
      expect(result.outcome).to.equal('retryable')
      expect(reasonOf(result)).to.match(reason)
      expect(reasonOf(result)).to.not.include('secret')
    })
  }
})
