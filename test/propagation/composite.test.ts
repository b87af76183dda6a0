import { expect } from 'chai'
import {
  b3Multi,
  b3Single,
  type Carrier,
  compositePropagator,
  configurePropagation,
  correlationId,
  counters,
  currentTrace,
  extractTrace,
  injectTrace,
  jaeger,
  mdc,
  type Propagator,
  runWithTrace,
  type TraceContext,
  w3cBaggage,
  w3cTraceContext,
  xray,
} from 'tracelane'
import { anyGetter } from '../../lib/propagation'

const [A, B] = ['a'.repeat(32), 'b'.repeat(32)]
const SPAN = '00f067aa0ba902b7'
const W3C = `00-${A}-${SPAN}-01`
const B3 = `${B}-${SPAN}-0`

describe('compositePropagator()', () => {
  const extract = (list: readonly Propagator[], carrier: Carrier): TraceContext | undefined =>
    compositePropagator({ extract: list, inject: [] }).extract(carrier, anyGetter)

  it('takes the first format in the list that finds a valid context', () => {
    const both = { traceparent: W3C, b3: B3 }
    expect(extract([w3cTraceContext, b3Single], both)).to.include({ traceId: A, flags: 1 })
    expect(extract([b3Single, w3cTraceContext], both)).to.include({ traceId: B, flags: 0 })
    expect(extract([w3cTraceContext, b3Single], { ...both, traceparent: 'x' })).to.include({ traceId: B })
    expect(extract([jaeger, xray], both)).to.equal(undefined)
  })

  it('takes trace state from the winner alone', () => {
    const both = { traceparent: W3C, tracestate: 'x=1', b3: B3 }
    expect(extract([w3cTraceContext, b3Single], both)?.traceState).to.equal('x=1')
    expect(extract([b3Single, w3cTraceContext], both)?.traceState).to.equal('')
  })

  it('takes baggage whichever format won, and not at all if it is not in the list', () => {
    const both = { b3: B3, baggage: 'user=ann' }
    expect(extract([w3cTraceContext, w3cBaggage, b3Single], both)?.baggage.get('user')).to.equal('ann')
    expect(extract([b3Single], both)?.baggage.size).to.equal(0)
    expect(extract([w3cTraceContext, w3cBaggage], both)).to.equal(undefined)
  })

  it('takes a correlation id for the trace id if it is one and no format has a trace', () => {
    const list = [correlationId(), w3cTraceContext]
    expect(extract(list, { 'x-request-id': B })).to.include({ traceId: B, spanId: '0'.repeat(16) })
    expect(extract(list, { 'x-request-id': B, traceparent: W3C })).to.include({ traceId: A })
    for (const id of ['0'.repeat(32), B.toUpperCase(), 'b'.repeat(31), 'order-7']) {
      expect(extract(list, { 'x-request-id': id })).to.equal(undefined)
    }
  })

  it('writes every format of inject', () => {
    const all = compositePropagator({ extract: [], inject: [w3cTraceContext, b3Multi, xray] })
    const carrier: Record<string, string> = {}
    all.inject(extractTrace({ traceparent: W3C }) as TraceContext, carrier, {
      set: (headers, key, value) => {
        headers[key] = value
      },
    })
    expect(carrier['traceparent']).to.equal(W3C)
    expect(carrier['x-b3-traceid']).to.equal(A)
    expect(carrier['x-amzn-trace-id']).to.equal(`Root=1-${A.slice(8, 16)}-${A.slice(8)};Parent=${SPAN};Sampled=1`)
  })

  it('refuses what is no list of propagators', () => {
    for (const wrong of [undefined, w3cTraceContext, [{}], [null], ['b3']]) {
      const options = { extract: wrong as unknown as readonly Propagator[], inject: [] }
      expect(() => compositePropagator(options)).to.throw(/compositePropagator.*'extract'.*a list of propagators/)
    }
  })
})

describe('configurePropagation()', () => {
  afterEach(() => configurePropagation())

  it('sets what extractTrace reads and injectTrace writes', () => {
    configurePropagation({ extract: [b3Single, w3cTraceContext], inject: [jaeger] })
    runWithTrace(extractTrace({ b3: B3, traceparent: W3C }), () => {
      const { 'uber-trace-id': ids, 'tracelane-clock': clock, ...others } = injectTrace<Record<string, string>>({})
      expect(ids).to.match(new RegExp(`^${B}:[0-9a-f]{16}:0:0$`))
      expect(clock).to.match(/^[0-9a-f]{16}$/)
      expect(others).to.deep.equal({})
    })
  })

  it('goes back to W3C when called without options', () => {
    configurePropagation({ extract: [b3Single], inject: [b3Single] })
    configurePropagation()
    expect(extractTrace({ b3: B3, traceparent: W3C, baggage: 'user=ann' })?.baggage.get('user')).to.equal('ann')
    runWithTrace(() => expect(injectTrace({})).to.have.all.keys('traceparent', 'tracestate', 'tracelane-clock'))
  })

  it('changes nothing when an option is wrong', () => {
    configurePropagation({ extract: [b3Single] })
    expect(() => configurePropagation({ extract: [xray], inject: 'b3' as never })).to.throw(
      /'inject' must be a list of propagators/,
    )
    expect(extractTrace({ b3: B3 })).to.include({ traceId: B })
  })
})

describe('correlationId()', () => {
  beforeEach(() => {
    const id = correlationId({ header: 'X-Correlation-Id' })
    configurePropagation({ extract: [w3cTraceContext, id], inject: [w3cTraceContext, id] })
  })
  afterEach(() => configurePropagation())

  it('becomes the log field correlationId, and is sent on', () => {
    runWithTrace(extractTrace({ traceparent: W3C, 'x-correlation-id': 'order-7.a_B' }), () => {
      expect(mdc.get('correlationId')).to.equal('order-7.a_B')
      expect(currentTrace()?.traceId).to.equal(A)
      expect(injectTrace<Record<string, string>>({})['x-correlation-id']).to.equal('order-7.a_B')
    })
  })

  it('sends the trace id where there is none to send on', () => {
    runWithTrace(extractTrace({ traceparent: W3C }), () => {
      expect(mdc.get('correlationId')).to.equal(undefined)
      expect(injectTrace<Record<string, string>>({})['x-correlation-id']).to.equal(A)
    })
  })

  it('drops what is no id, on every carrier', () => {
    const wrong = ['', 'a b', 'a\r\nb', '"', 'x'.repeat(129), ['a', 'b'], Buffer.from('a\nb'), 'é']
    for (const id of wrong) {
      const context = extractTrace({ traceparent: W3C, 'x-correlation-id': id })
      runWithTrace(context, () => expect(mdc.get('correlationId'), String(id)).to.equal(undefined))
    }
    const context = extractTrace({ traceparent: W3C, 'x-correlation-id': 'x'.repeat(128) })
    runWithTrace(context, () => expect(mdc.get('correlationId')).to.equal('x'.repeat(128)))
  })

  it('has no parent span when it stands for the trace, and counts as a context', () => {
    const { contextsAccepted } = counters
    runWithTrace(extractTrace({ 'x-correlation-id': B }), () => {
      expect(currentTrace()).to.include({ traceId: B, parentSpanId: undefined })
    })
    expect(counters.contextsAccepted - contextsAccepted).to.equal(1)
  })

  it('refuses what is no name of a header', () => {
    expect(() => correlationId({ header: 'a b' })).to.throw(/'header' must be the name of a header/)
  })
})
