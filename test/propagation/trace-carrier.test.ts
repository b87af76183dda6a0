import { Metadata } from '@grpc/grpc-js'
import { expect } from 'chai'
import { type Carrier, counters, currentTrace, extractTrace, injectTrace, runWithTrace } from 'tracelane'

const ID = 'a'.repeat(32)
const PARENT = `00-${ID}-00f067aa0ba902b7-01`

describe('extractTrace()', () => {
  const metadata = new Metadata()
  metadata.set('traceparent', PARENT)
  metadata.set('baggage', 'user=ann')
  const carriers: Record<string, Carrier> = {
    'a record': { traceparent: PARENT, baggage: 'user=ann' },
    'a record without prototype': Object.assign(Object.create(null), { traceparent: PARENT, baggage: 'user=ann' }),
    'a record of bytes': { traceparent: Buffer.from(PARENT), baggage: new TextEncoder().encode('user=ann') },
    'a record of lists': { traceparent: [PARENT], baggage: [Buffer.from('user=ann')] },
    Headers: new Headers({ traceparent: PARENT, baggage: 'user=ann' }),
    'a Map': new Map([
      ['traceparent', PARENT],
      ['baggage', 'user=ann'],
    ]) as unknown as Carrier,
    'gRPC Metadata': metadata as unknown as Carrier,
  }
  for (const [what, carrier] of Object.entries(carriers)) {
    it(`reads ${what}`, () => {
      const context = extractTrace(carrier)
      expect(context).to.include({ traceId: ID, spanId: '00f067aa0ba902b7', flags: 1 })
      expect(context?.baggage.get('user')).to.equal('ann')
    })
  }

  it('is undefined for a carrier without a context, whatever else it has', () => {
    for (const carrier of [{}, { traceparent: 7 }, { traceparent: null }, { traceparent: {} }, { baggage: 'user=ann' }]) {
      expect(extractTrace(carrier as Carrier)).to.equal(undefined)
    }
  })

  it('does not read what a record inherits', () => {
    expect(extractTrace(Object.create({ traceparent: PARENT }) as Carrier)).to.equal(undefined)
  })

  it('is undefined, and counts, for a carrier whose getters throw', () => {
    const { contextsRejected } = counters
    const hostile = {
      get traceparent(): string {
        throw new Error('mine')
      },
    }
    expect(extractTrace(hostile)).to.equal(undefined)
    expect(counters.contextsRejected - contextsRejected).to.equal(1)
  })
})

describe('injectTrace()', () => {
  it('writes the trace of the flow with a new span for each message, and returns the carrier', () => {
    runWithTrace(extractTrace({ traceparent: PARENT, tracestate: 'foo=1', baggage: 'user=ann' }), () => {
      const carrier: Record<string, string> = { mine: '1' }
      expect(injectTrace(carrier)).to.equal(carrier)
      const again = injectTrace(new Map<string, string>() as unknown as Carrier) as unknown as Map<string, string>
      const spanIds = [carrier['traceparent'], again.get('traceparent')].map((value) => value?.split('-')[2])
      expect(new Set([...spanIds, currentTrace()?.spanId]).size).to.equal(3)
      expect(carrier).to.include({ mine: '1', baggage: 'user=ann' })
      expect(carrier['tracestate']).to.match(/^tl=[0-9a-f]{16},foo=1$/)
    })
  })

  it('writes nothing outside any trace', () => {
    expect(injectTrace({})).to.deep.equal({})
  })
})
