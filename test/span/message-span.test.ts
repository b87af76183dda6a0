import { expect } from 'chai'
import { currentTrace, extractTrace, injectMessage, mdc, runBatch, runMessage, runWithTrace, type TraceContext } from 'tracelane'
import { listenToPort, type PortEvents } from '../support/port-events'

const ID = 'a'.repeat(32)
const SENDER = extractTrace({ traceparent: `00-${ID}-00f067aa0ba902b7-01`, baggage: 'user=ann' }) as TraceContext
const parentOf = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`

/* What a message is after its client has written it to the wire and read it again. */
const clients: Readonly<Record<string, () => { sent: object; received: () => object }>> = {
  'kafkajs, with real records': () => {
    const sent: Record<string, unknown> = { other: Buffer.from('1') }
    const received = () => {
      const encode = require('kafkajs/src/protocol/recordBatch/record/v0')
      const decode = require('kafkajs/src/protocol/recordBatch/record/v0/decoder')
      const Decoder = require('kafkajs/src/protocol/decoder')
      const { buffer } = encode({ key: Buffer.from('k'), value: Buffer.from('v'), headers: sent })
      const decoder = new Decoder(buffer)
      decoder.readVarInt()
      return decode(decoder, { firstOffset: '0', firstTimestamp: '0' }).headers as object
    }
    return { sent, received }
  },
  'clients on top of librdkafka, with a list of headers': () => {
    const sent: Record<string, unknown>[] = [{ other: '1' }, { traceparent: 'old' }, { traceparent: Buffer.from('older') }]
    return { sent, received: () => sent.map((one) => mapValues(one, (value) => Buffer.from(String(value)))) }
  },
  '@platformatic/kafka, with a Map of bytes': () => {
    const sent = new Map<unknown, unknown>([[Buffer.from('traceparent'), Buffer.from('old')]])
    const received = () =>
      new Map([...sent].map(([key, value]) => [Buffer.from(String(key)), Buffer.from(String(value))] as const))
    return { sent, received }
  },
  'RocketMQ, with real messages': () => {
    const { PublishingMessage } = require('rocketmq-client-nodejs/dist/message/PublishingMessage')
    const { MessageView } = require('rocketmq-client-nodejs/dist/message/MessageView')
    const { Message: Wire, Digest, DigestType } = require('rocketmq-client-nodejs/proto/apache/rocketmq/v2/definition_pb')
    const message = new PublishingMessage(
      { topic: 'orders', body: Buffer.from('x'), properties: new Map([['other', '1']]) },
      { maxBodySizeBytes: 1000 },
      false,
    )
    const received = () => {
      const wire = message.toProtobuf('', { queueId: 0 })
      wire.getSystemProperties().setBodyDigest(new Digest().setType(DigestType.DIGEST_TYPE_UNSPECIFIED))
      return new MessageView(Wire.deserializeBinary(wire.serializeBinary())).properties as object
    }
    return { sent: message.properties, received }
  },
}

function mapValues(record: Record<string, unknown>, change: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}

describe('messages', () => {
  let port: PortEvents
  beforeEach(() => {
    port = listenToPort()
  })
  afterEach(() => port.stop())

  describe('injectMessage() and runMessage()', () => {
    for (const [client, make] of Object.entries(clients)) {
      it(`take the trace along in the headers of ${client}`, () => {
        const { sent, received } = make()
        const sender = runWithTrace(SENDER, () => {
          expect(injectMessage(sent)).to.equal(sent)
          return currentTrace()
        })
        const found = runMessage(received(), currentTrace)
        const [produced, consumed] = port.events
        expect(found).to.include({ traceId: ID, parentSpanId: produced?.spanId, spanId: consumed?.spanId })
        expect(found?.baggage.get('user')).to.equal('ann')
        expect(produced?.fields?.['parentSpanId']).to.equal(sender?.spanId)
        expect((consumed?.hlc as string) > (produced?.hlc as string)).to.equal(true)
      })
    }
  })

  describe('injectMessage()', () => {
    it('makes headers when there are none, and begins a trace outside any', () => {
      const headers = injectMessage()
      expect(headers['traceparent']).to.match(/^00-[0-9a-f]{32}-[0-9a-f]{16}-03$/)
      expect(headers['traceparent']).to.include(`${port.events[0]?.traceId}-${port.events[0]?.spanId}`)
      expect(currentTrace()).to.equal(undefined)
    })

    it('replaces the headers of a message that is sent on', () => {
      const headers = { traceparent: parentOf('b'), other: '1' }
      runMessage(headers, () => injectMessage(headers))
      expect(headers.traceparent).to.include('b'.repeat(32)).and.not.include('b'.repeat(33))
      expect(headers.traceparent).to.not.equal(parentOf('b'))
      expect(headers.other).to.equal('1')
    })

    it('tells of the message in an event of kind producer, unless spans is false', () => {
      injectMessage({}, { destination: 'orders' })
      injectMessage({}, { spans: false })
      expect(port.spans()).to.have.length(1)
      expect(port.spans()[0]).to.include({ kind: 'producer', name: 'send orders', outcome: 'ok', durationMs: 0 })
      expect(() => injectMessage({}, { topic: 'x' } as never)).to.throw("injectMessage does not know 'topic'")
    })
  })

  describe('runMessage()', () => {
    it('begins a new trace for headers that are missing, empty or wrong', () => {
      const ids = [undefined, null, {}, new Map(), [], { traceparent: Buffer.from('wrong') }].map(
        (headers) => runMessage(headers, currentTrace)?.traceId,
      )
      expect(new Set(ids).size).to.equal(6)
      expect(ids).to.not.include(undefined)
    })

    it('has no part in what runs around it', () => {
      runWithTrace(() => {
        mdc.put('loop', 1)
        const seen = runMessage(undefined, () => [currentTrace()?.traceId, mdc.get('loop')])
        expect(seen[0]).to.not.equal(currentTrace()?.traceId)
        expect(seen[1]).to.equal(undefined)
      })
    })

    it('ends its span and the trace here when the promise of the handler settles, and gives back what that gives', async () => {
      let finish = (_value: string): void => undefined
      const result = runMessage({ traceparent: parentOf('b') }, () => new Promise<string>((resolve) => (finish = resolve)), {
        destination: 'orders',
      })
      expect(port.events).to.have.length(0)
      finish('done')
      expect(await result).to.equal('done')
      const [span] = await port.spanCount(1)
      expect(span).to.include({ kind: 'consumer', name: 'process orders', outcome: 'ok' })
      expect(port.ends).to.deep.equal([{ traceId: 'b'.repeat(32), failed: false }])
    })

    it('fails when the handler throws or rejects, with what it threw', async () => {
      expect(() =>
        runMessage({}, () => {
          throw new Error('no')
        }),
      ).to.throw('no')
      const rejected = await runMessage({}, () => Promise.reject(new Error('later'))).catch((error: Error) => error.message)
      expect(rejected).to.equal('later')
      expect((await port.spanCount(2)).map(({ outcome, error }) => [outcome, error])).to.deep.equal([
        ['error', 'Error: no'],
        ['error', 'Error: later'],
      ])
      expect(port.ends.map(({ failed }) => failed)).to.deep.equal([true, true])
    })
  })

  describe('runBatch()', () => {
    const batch = [
      { headers: { traceparent: parentOf('b') } },
      { properties: new Map([['traceparent', parentOf('c')]]) },
      { headers: { traceparent: Buffer.from(parentOf('b')) } },
      {},
    ]

    it('gives the batch a new trace with a link to each sender, and each message its own', async () => {
      const traces = await runBatch(
        batch,
        async (runOne) => {
          const ids = [currentTrace()?.traceId]
          for (const message of batch) ids.push(await runOne(message, async () => currentTrace()?.traceId))
          ids.push(currentTrace()?.traceId)
          return ids
        },
        { destination: 'orders' },
      )
      const [own, first, second, third, fourth, last] = traces
      expect([first, second, third]).to.deep.equal(['b', 'c', 'b'].map((digit) => digit.repeat(32)))
      expect(last).to.equal(own)
      expect(new Set([own, 'b'.repeat(32), 'c'.repeat(32), fourth]).size).to.equal(4)

      const spans = await port.spanCount(5)
      const link = (digit: string) => ({ traceId: digit.repeat(32), spanId: digit.repeat(16) })
      expect(spans[4]).to.include({ kind: 'consumer', name: 'process batch of orders', outcome: 'ok' })
      expect(spans[4]?.links).to.deep.equal([link('b'), link('c')])
      const { traceId, spanId } = port.events[4] as { traceId: string; spanId: string }
      expect(traceId).to.equal(own)
      for (const { name, links } of spans.slice(0, 4)) {
        expect(name).to.equal('process orders')
        expect(links).to.deep.equal([{ traceId, spanId }])
      }
      expect(port.ends).to.have.length(5)
    })

    it('keeps at most 128 links', () => {
      const many = Array.from({ length: 200 }, (_, i) => {
        const spanId = (i + 1).toString(16).padStart(16, '0')
        return { headers: { traceparent: `00-${'b'.repeat(32)}-${spanId}-01` } }
      })
      runBatch(many, () => undefined)
      expect(port.spans()[0]?.links).to.have.length(128)
    })

    it('fails when the handler does', () => {
      expect(() =>
        runBatch([], () => {
          throw new Error('no')
        }),
      ).to.throw('no')
      expect(port.spans()[0]).to.include({ name: 'process batch', outcome: 'error', error: 'Error: no' })
    })
  })
})
