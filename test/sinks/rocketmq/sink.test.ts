import { createHmac } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServerCredentials } from '@grpc/grpc-js'
import { expect } from 'chai'
import { currentTraceId, type RocketmqSinkOptions, rocketmqSink, runWithTrace } from 'tracelane'
import { type AsyncSink, type BatchResult, openAsyncSink } from '../../../lib/sinks'
import { projectFile, tempFolder, until } from '../../support'
import { batchOf, INSTANCE, type Line } from '../../support/kafka-batch'
import { type Script, type ScriptedProxy, type SentMessage, scriptedProxy, TAKEN } from './scripted-proxy'

const pem = (name: string): string => readFileSync(projectFile(`test/fixtures/tls/${name}.pem`), 'utf8')
const trace = (n: number): string => String(n).padStart(32, '0')
const line = (seq: number, n?: number): Line => ({
  text: `{"seq":${seq},"instance":"${INSTANCE}"}`,
  seq,
  ...(n === undefined ? {} : { traceId: trace(n) }),
})
const reasonOf = (result: BatchResult): string => (result as { reason?: string }).reason ?? ''
const seqsOf = (messages: readonly SentMessage[]): string[] => messages.map(({ properties }) => properties['tracelane-seq'] ?? '')

describe('openAsyncSink() of a rocketmqSink', () => {
  let proxies: ScriptedProxy[] = []
  let sinks: AsyncSink[] = []
  afterEach(async () => {
    await Promise.all(sinks.map((sink) => sink.close()))
    for (const proxy of proxies) proxy.stop()
    ;[sinks, proxies] = [[], []]
  })

  async function proxyOf(script: Script, credentials?: ServerCredentials): Promise<ScriptedProxy> {
    const proxy = await scriptedProxy(script, credentials)
    proxies.push(proxy)
    return proxy
  }

  function open(options: Partial<RocketmqSinkOptions> = {}): AsyncSink {
    const sink = openAsyncSink(rocketmqSink({ endpoints: proxies.map(({ endpoint }) => endpoint), topic: 'logs', ...options }))
    sinks.push(sink)
    return sink
  }

  it('sends the lines of a trace as one FIFO message, with the trace as its group and its key', async () => {
    const proxy = await proxyOf(async () => TAKEN)
    const result = await open({ tag: 'app' }).send(batchOf([line(7, 1), line(8), line(9, 1)]))
    expect(result).to.deep.equal({ outcome: 'delivered' })
    const common = { 'tracelane-v': '1', 'tracelane-instance': INSTANCE }
    expect(proxy.got.map(({ id: _, ...message }) => message)).to.have.deep.members([
      {
        ...{ topic: 'logs', tag: 'app', group: trace(1), keys: [trace(1)], type: 2 },
        body: `${line(7).text}\n${line(9).text}\n`,
        properties: { ...common, 'tracelane-seq': '7,2', 'tracelane-trace': trace(1) },
      },
      {
        ...{ topic: 'logs', tag: 'app', group: INSTANCE, keys: [INSTANCE], type: 2 },
        body: `${line(8).text}\n`,
        properties: { ...common, 'tracelane-seq': '8' },
      },
    ])
    for (const { id } of proxy.got) expect(id).to.match(/^01[0-9A-F]{32}$/)
    expect(new Set(proxy.got.map(({ id }) => id)).size).to.equal(2)
  })

  it('has one message of a trace on its way at a time, those of other traces beside it, and at most so many', async () => {
    const [under, waiting] = [new Map<string, number>(), [] as (() => void)[]]
    let most = 0
    let total = 0
    await proxyOf(async ({ group }) => {
      under.set(group, (under.get(group) ?? 0) + 1)
      most = Math.max(most, under.get(group) ?? 0)
      total = Math.max(total, waiting.length + 1)
      await new Promise<void>((resolve) => waiting.push(resolve))
      under.set(group, (under.get(group) ?? 0) - 1)
      return TAKEN
    })
    const sink = open({ packing: 'line', maxMessagesInFlight: 3 })
    const batches = [
      batchOf([1, 2].flatMap((n) => [line(n, n), line(n + 10, n)])),
      batchOf([1, 2, 3, 4, 5].map((n) => line(n + 20, n))),
    ]
    const sent = Promise.all(batches.map((batch) => sink.send(batch)))
    let isDone = false
    void sent.then(() => {
      isDone = true
    })
    await until('three are on their way', () => waiting.length === 3)
    while (!isDone) {
      waiting.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await sent).map(({ outcome }) => outcome)).to.deep.equal(['delivered', 'delivered'])
    expect([most, total]).to.deep.equal([1, 3])
    for (let n = 1; n <= 5; n++) {
      const seqs = seqsOf((proxies[0] as ScriptedProxy).got.filter(({ group }) => group === trace(n))).map(Number)
      expect(seqs).to.deep.equal([...seqs].sort((a, b) => a - b))
    }
  })

  it('sends nothing of a trace after what of it has to be sent again', async () => {
    const proxy = await proxyOf(async ({ body }) => (body.includes('"seq":2,') ? { code: 50_402, message: 'secret' } : TAKEN))
    const result = await open({ packing: 'line', maxMessagesInFlight: 1 }).send(batchOf([line(1, 1), line(2, 1), line(3, 1)]))
    expect(result).to.deep.equal({
      ...{ outcome: 'partial', rejected: [], retryable: [1, 2] },
      reason: `rocketmq ${proxy.endpoint} (topic logs): answered SLAVE_PERSISTENCE_TIMEOUT (50402)`,
    })
    expect(seqsOf(proxy.got)).to.deep.equal(['1', '2'])
  })

  it('keeps the second group of a hot trace behind the first', async () => {
    const proxy = await proxyOf(async ({ group }) => (group.includes('#') ? TAKEN : { code: 42_900 }))
    const result = await open({ maxEventsPerKey: 2 }).send(batchOf([line(1, 1), line(2, 1), line(3, 1)]))
    expect(result.outcome).to.equal('retryable')
    expect(proxy.got.map(({ group }) => group)).to.deep.equal([trace(1)])
  })

  it('finds the one event that is refused', async () => {
    const proxy = await proxyOf(async ({ body }) => (body.includes('"seq":2,') ? { code: 41_301 } : TAKEN))
    const result = await open().send(batchOf([line(1, 1), line(2, 1), line(3, 1), line(4, 2)]))
    expect(result).to.deep.equal({
      ...{ outcome: 'partial', rejected: [1], retryable: [] },
      reason: `rocketmq ${proxy.endpoint} (topic logs): refused: MESSAGE_BODY_TOO_LARGE (41301)`,
    })
    expect(seqsOf(proxy.got.filter(({ group }) => group === trace(1)))).to.deep.equal(['1,1,1', '1', '2', '3'])
  })

  it('refuses a line that is larger than maxMessageBytes, and delivers the others', async () => {
    const proxy = await proxyOf(async () => TAKEN)
    const large = { ...line(2, 1), text: `${line(2).text}${'x'.repeat(2_000)}` }
    const result = await open({ maxMessageBytes: 1_024 }).send(batchOf([line(1, 1), large]))
    expect(result).to.deep.include({ outcome: 'partial', rejected: [1], retryable: [] })
    expect(reasonOf(result)).to.match(/a line is larger than 'maxMessageBytes'$/)
    expect(seqsOf(proxy.got)).to.deep.equal(['1'])
  })

  it('begins another message before the properties are larger than a proxy takes', async () => {
    const proxy = await proxyOf(async () => TAKEN)
    const lines = Array.from({ length: 4_000 }, (_, i) => line(i * 1_000, 1))
    expect(await open({ maxMessageBytes: 10_000_000 }).send(batchOf(lines))).to.deep.equal({ outcome: 'delivered' })
    expect(proxy.got.length).to.be.within(2, 5)
    for (const { properties } of proxy.got) expect(Object.values(properties).join('').length).to.be.below(13_000)
    expect(proxy.got.map(({ body }) => body).join('')).to.equal(lines.map(({ text }) => `${text}\n`).join(''))
  })

  const answers: Readonly<Record<string, readonly [answer: Awaited<ReturnType<Script>>, reason: string]>> = {
    'no such topic': [{ code: 40_402, message: 'secret' }, "there is no topic 'logs', and it is not made here"],
    'a topic without a type': [
      { code: 40_014, message: 'the expected type is UNSPECIFIED, but actual type is FIFO' },
      "there is no topic 'logs', and it is not made here",
    ],
    'a topic of another type': [
      { code: 40_014, message: 'the expected type is NORMAL, but actual type is FIFO' },
      "the topic 'logs' is not of type FIFO",
    ],
    'wrong credentials': [{ code: 40_100, message: 'secret' }, 'the proxy refuses the credentials'],
    'wrong credentials, as gRPC says it': [{ grpc: 16, details: 'secret' }, 'the proxy refuses the credentials'],
    'no permission': [{ code: 40_300, message: 'secret' }, 'the proxy does not allow it'],
    'a code of the future': [{ code: 59_999, message: 'secret' }, 'answered 59999'],
    'a server that speaks no RocketMQ': [{ grpc: 12, details: 'Method not found' }, 'Method not found'],
  }
  for (const [what, [answer, reason]] of Object.entries(answers)) {
    it(`says so, and will try again: ${what}`, async () => {
      const proxy = await proxyOf(async () => answer)
      expect(await open().send(batchOf([line(1, 1)]))).to.deep.equal({
        outcome: 'retryable',
        reason: `rocketmq ${proxy.endpoint} (topic logs): ${reason}`,
      })
    })
  }

  it('goes to the next proxy after one that is gone, and says who it is that is gone', async () => {
    const gone = await proxyOf(async () => TAKEN)
    const proxy = await proxyOf(async () => TAKEN)
    gone.stop()
    const sink = open()
    const result = await sink.send(batchOf([line(1, 1)]))
    expect(result.outcome).to.equal('retryable')
    expect(reasonOf(result)).to.match(/\(topic logs\): connect ECONNREFUSED 127\.0\.0\.1:\d+$/)
    expect(await sink.send(batchOf([line(1, 1)]))).to.deep.equal({ outcome: 'delivered' })
    expect(seqsOf(proxy.got)).to.deep.equal(['1'])
  })

  it('gives up what is not answered in time, and on close all of it', async () => {
    await proxyOf(() => new Promise(() => {}))
    const late = await open({ timeoutMs: 300 }).send(batchOf([line(1, 1)]))
    expect(late.outcome).to.equal('retryable')
    expect(reasonOf(late)).to.match(/: no answer within 300 ms$/)
    const sink = open({ timeoutMs: 600_000 })
    const sent = sink.send(batchOf([line(2, 1), line(3, 2)]))
    await until('both are on their way', () => (proxies[0] as ScriptedProxy).got.length === 3)
    await sink.close()
    await sink.close()
    expect(await sent).to.deep.include({ outcome: 'retryable' })
    expect(reasonOf(await sent)).to.match(/: the sink is closed$/)
    expect(reasonOf(await sink.send(batchOf([line(4, 1)])))).to.match(/: the sink is closed$/)
  })

  it('signs each request, and shows nothing of it', async () => {
    const seen: Readonly<Record<string, unknown>>[] = []
    await proxyOf(async (_, headers) => {
      seen.push(headers)
      return { code: 40_100, message: 'shipper' }
    })
    const credentials = { accessKey: 'shipper', accessSecret: 'correct-horse', securityToken: 'lent' }
    const result = await open({ credentials, clientId: 'shop' }).send(batchOf([line(1, 1)]))
    expect(reasonOf(result)).to.not.match(/shipper|horse|lent/)
    const [{ 'x-mq-date-time': time, ...headers } = {}] = seen
    expect(time).to.match(/^\d{8}T\d{6}Z$/)
    const signature = createHmac('sha1', 'correct-horse').update(String(time)).digest('hex').toUpperCase()
    expect(headers).to.deep.include({
      authorization: `MQv2-HMAC-SHA1 Credential=shipper, SignedHeaders=x-mq-date-time, Signature=${signature}`,
      'x-mq-session-token': 'lent',
    })
    expect(headers['x-mq-client-id']).to.match(/^shop@[0-9a-f]{16}$/)
  })

  it('trusts the authority that it is told to, and no other', async () => {
    const [cert, key] = [Buffer.from(pem('cert')), Buffer.from(pem('key'))]
    const secured = ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }])
    const { endpoint } = await proxyOf(async () => TAKEN, secured)
    // Node 26 takes no address for the name of a server.
    const endpoints = [endpoint.replace('127.0.0.1', 'localhost')]
    const trusting = open({ endpoints, tls: { ca: pem('cert') } })
    expect(await trusting.send(batchOf([line(1, 1)]))).to.deep.equal({ outcome: 'delivered' })
    const named = open({ tls: { ca: pem('cert'), servername: 'localhost' } })
    expect(await named.send(batchOf([line(1, 1)]))).to.deep.equal({ outcome: 'delivered' })
    expect(await open({ endpoints, tls: { rejectUnauthorized: false } }).send(batchOf([line(2, 1)]))).to.deep.equal({
      outcome: 'delivered',
    })
    const stranger = await open({ endpoints, tls: { ca: pem('other-cert') } }).send(batchOf([line(3, 1)]))
    expect(stranger.outcome).to.equal('retryable')
    expect(reasonOf(stranger)).to.match(/self-signed certificate|certificate/)
  })

  it('copies the lines before it returns', async () => {
    const proxy = await proxyOf(async () => TAKEN)
    const batch = batchOf([line(1, 1)])
    const sent = open().send(batch)
    batch.lines.fill(0)
    expect(await sent).to.deep.equal({ outcome: 'delivered' })
    expect(proxy.got[0]?.body).to.equal(`${line(1).text}\n`)
  })

  it('calls outside of any trace', async () => {
    await proxyOf(async () => TAKEN)
    const seen: (string | undefined)[] = []
    const clientPath = join(tempFolder(), 'client.cjs')
    const name = `tracelane.test.${clientPath}`
    Object.assign(globalThis, { [name]: () => seen.push(currentTraceId()) })
    const grpc = JSON.stringify(require.resolve('@grpc/grpc-js'))
    const call = `makeUnaryRequest(...all) { globalThis[${JSON.stringify(name)}](); return super.makeUnaryRequest(...all) }`
    writeFileSync(
      clientPath,
      `const grpc = require(${grpc})\nmodule.exports = { ...grpc, Client: class extends grpc.Client { ${call} } }\n`,
    )
    const sink = open({ clientPath })
    expect(await runWithTrace(() => sink.send(batchOf([line(1, 1)])))).to.deep.equal({ outcome: 'delivered' })
    expect(seen).to.deep.equal([undefined])
  })
})
