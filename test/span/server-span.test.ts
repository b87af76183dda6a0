import { expect } from 'chai'
import {
  b3Single,
  type Carrier,
  configurePropagation,
  correlationId,
  counters,
  type TrustOption,
  w3cBaggage,
  w3cTraceContext,
} from 'tracelane'
import type { Scope } from '../../lib/context'
import { anyGetter } from '../../lib/propagation'
import { openServerScope, resolveServerTrace } from '../../lib/span'

const ID = 'a'.repeat(32)
const SPAN = '00f067aa0ba902b7'
const CLOCK = `${(Date.now() - 1000).toString(16).padStart(12, '0')}0000`
const CALLER = {
  traceparent: `00-${ID}-${SPAN}-00`,
  tracestate: 'x=1',
  baggage: 'tenant=acme,tracelane-task=t7,note=a%0Ab',
  'tracelane-clock': CLOCK,
  'x-request-id': 'r-1',
}

function opened(trust: TrustOption<unknown> | undefined, carrier: Carrier = CALLER, baggageFields?: readonly string[]): Scope {
  const policy = resolveServerTrace({
    ...(trust === undefined ? {} : { trust }),
    ...(baggageFields === undefined ? {} : { baggageFields }),
  })
  return openServerScope(carrier, anyGetter, policy, 'the caller')
}

function told({ context, mdc }: Scope): unknown {
  const { traceId, parentSpanId, flags, traceState, baggage } = context
  return [traceId === ID, parentSpanId === SPAN, flags & 1, traceState, baggage.get('tenant') ?? '', { ...mdc }]
}

describe('openServerScope()', () => {
  beforeEach(() => {
    const extract = [w3cTraceContext, w3cBaggage, b3Single, correlationId()]
    configurePropagation({ extract })
  })
  afterEach(() => configurePropagation())

  const everything = [true, true, 0, 'x=1', 'acme', { correlationId: 'r-1' }]
  const nothing = [false, false, 1, '', '', {}]
  const link = [false, false, 1, '', '', { correlationId: 'r-1', linkedTraceId: ID }]
  const table: readonly (readonly [string, TrustOption<unknown> | undefined, readonly unknown[]])[] = [
    ['takes everything by default', undefined, everything],
    ["takes everything for 'always'", 'always', everything],
    ['takes everything for a function that says true', () => true, everything],
    ["takes nothing for 'never'", 'never', nothing],
    ['takes nothing for a function that says false', () => false, nothing],
    ["keeps no more than the ids as fields for 'link'", 'link', link],
    ["does the same for a function that says 'link'", () => 'link', link],
    ['can leave the sampled flag alone', { sampled: false }, [true, true, 1, 'x=1', 'acme', { correlationId: 'r-1' }]],
    ['can leave the trace state alone', { traceState: false }, [true, true, 0, '', 'acme', { correlationId: 'r-1' }]],
    ['can leave the baggage alone', { baggage: false }, [true, true, 0, 'x=1', '', { correlationId: 'r-1' }]],
    ['can take the sampled flag alone', { id: 'never', sampled: true }, [false, false, 0, '', '', {}]],
    ['can take the baggage alone', { id: 'never', baggage: true }, [false, false, 1, '', 'acme', {}]],
    ['takes no trace state without the id', { id: 'never', traceState: true }, nothing],
    ['takes parts from a function', () => ({ id: 'link', baggage: true }), [false, false, 1, '', 'acme', link[5]]],
  ]
  for (const [what, trust, expected] of table) {
    it(what, () => expect(told(opened(trust))).to.deep.equal(expected))
  }

  it('asks a function about the subject, and trusts nobody when it throws, is async or gives no verdict', async () => {
    let asked: unknown
    opened((caller) => {
      asked = caller
      return true
    })
    expect(asked).to.equal('the caller')
    const { userCallbackErrors } = counters
    const wrong: readonly unknown[] = [
      () => {
        throw new Error('mine')
      },
      async () => true,
      async () => Promise.reject(new Error('mine')),
      () => 1,
      () => ({ id: 'yes' }),
      () => ({ baggage: 1 }),
      () => undefined,
    ]
    for (const trust of wrong) expect(told(opened(trust as () => boolean))).to.deep.equal(nothing)
    expect(counters.userCallbackErrors - userCallbackErrors).to.equal(wrong.length)
  })

  it('takes the clock, and gives it back, only when the id is trusted', () => {
    expect(opened('always').root.callerSentClock).to.equal(true)
    expect(opened('link').root.callerSentClock).to.equal(false)
    expect(opened('never').root.clock.toString()).to.equal('0000000000000000')
  })

  it('keeps the correlation id of a request without a trace, and sends a linked one nowhere', () => {
    const carrier = { 'x-request-id': 'r-2' }
    const trusted = opened('always', carrier)
    expect([trusted.mdc['correlationId'], trusted.root.correlationId]).to.deep.equal(['r-2', 'r-2'])
    const linked = opened('link', carrier)
    expect([linked.mdc['correlationId'], linked.root.correlationId]).to.deep.equal(['r-2', undefined])
    expect(opened('never', carrier).mdc).to.not.have.property('correlationId')
  })

  it('carries baggage on that came without a trace, if it is trusted', () => {
    const carrier = { baggage: 'tenant=acme', traceparent: 'nonsense', tracestate: 'x=1' }
    expect(told(opened(undefined, carrier))).to.deep.equal([false, false, 1, '', 'acme', {}])
    for (const trust of ['never', 'link', { baggage: false }] as const) {
      expect(told(opened(trust, carrier))).to.deep.equal([false, false, 1, '', '', {}])
    }
    expect(opened(undefined, carrier, ['tenant']).mdc).to.deep.equal({ tenant: 'acme' })
  })

  it('begins an unsampled trace for a trusted decision without ids', () => {
    expect(opened('always', { b3: '0' }).context.flags).to.equal(2)
    expect(opened('never', { b3: '0' }).context.flags).to.equal(3)
  })

  describe('baggageFields', () => {
    it('makes no log field of baggage by itself', () => {
      expect({ ...opened('always').mdc }).to.deep.equal({ correlationId: 'r-1' })
    })

    it('makes fields of the named members alone, and the field task of a task', () => {
      const { mdc } = opened('always', CALLER, ['tenant', 'tracelane-task', 'absent'])
      expect({ ...mdc }).to.deep.equal({ correlationId: 'r-1', tenant: 'acme', task: 't7' })
    })

    it('makes no field task of what cannot be the id of one', () => {
      for (const task of ['..%2F..%2Fetc', '%0A', 'a%20b', '%C3%A4', 'x'.repeat(129), '']) {
        const carrier = { ...CALLER, baggage: `tracelane-task=${task}` }
        expect({ ...opened('always', carrier, ['tracelane-task']).mdc }, task).to.deep.equal({ correlationId: 'r-1' })
      }
    })

    it('makes none of baggage that is not trusted', () => {
      expect({ ...opened({ baggage: false }, CALLER, ['tenant']).mdc }).to.deep.equal({ correlationId: 'r-1' })
    })

    it('cuts long values, and replaces control characters', () => {
      const carrier = { ...CALLER, baggage: `long=${'x'.repeat(300)},note=a%0D%0Ab%E2%80%A8c%C2%85` }
      const { mdc } = opened('always', carrier, ['long', 'note'])
      expect(mdc['long']).to.equal('x'.repeat(256))
      expect(mdc['note']).to.equal('a\ufffd\ufffdb\ufffdc\ufffd')
    })
  })
})
