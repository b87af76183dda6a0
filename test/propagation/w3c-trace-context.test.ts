import { expect } from 'chai'
import { counters, type Getter, TraceContext, w3cTraceContext } from 'tracelane'
import { HybridClock, rootOf } from '../../lib/context'
import { anyGetter, anySetter, type RecordCarrier, receiveReplyClock } from '../../lib/propagation'
import { traceContextVectors } from '../vectors'

const vectors = traceContextVectors()
const { traceId, parentId } = vectors
const PARENT = `00-${traceId}-${parentId}-03`
const clockIn = (ms: number): string => `${(Date.now() + ms).toString(16).padStart(12, '0')}0000`
const extract = (carrier: RecordCarrier): TraceContext | undefined => w3cTraceContext.extract(carrier, anyGetter)
const inject = (context: TraceContext): Record<string, string> => {
  const carrier: Record<string, string> = {}
  w3cTraceContext.inject(context, carrier, anySetter)
  return carrier
}

describe('w3cTraceContext', () => {
  describe('extract()', () => {
    for (const { rule, header, parsed } of vectors.traceparent) {
      it(`${parsed === null ? 'restarts the trace and counts' : 'continues the trace and counts'}: ${rule} (${header.slice(0, 70)})`, () => {
        const { contextsAccepted, contextsRejected } = counters
        const context = extract({ traceparent: header, tracestate: 'foo=1' })
        expect(context?.traceId).to.equal(parsed?.traceId)
        expect(context?.spanId).to.equal(parsed?.parentId)
        expect(context?.flags).to.equal(parsed?.flags)
        expect(context?.traceState).to.equal(parsed === null ? undefined : 'foo=1')
        expect(counters.contextsAccepted - contextsAccepted).to.equal(parsed === null ? 0 : 1)
        expect(counters.contextsRejected - contextsRejected).to.equal(parsed === null ? 1 : 0)
      })
    }

    for (const { rule, headers, others } of vectors.tracestate) {
      it(`keeps the traceparent and reads the tracestate: ${rule}`, () => {
        const context = extract({ traceparent: PARENT, tracestate: [...headers] })
        expect(context).to.include({ traceId, traceState: others })
      })
    }

    it('ignores a tracestate without a traceparent, and counts nothing', () => {
      const before = { ...counters }
      expect(extract({ tracestate: 'foo=1' })).to.equal(undefined)
      expect(counters).to.deep.equal(before)
    })

    it('restarts the trace when traceparent comes twice, also with the same value', () => {
      expect(extract({ traceparent: [PARENT, PARENT] })).to.equal(undefined)
      expect(extract({ traceparent: [] })).to.equal(undefined)
      expect(extract({ traceparent: [PARENT] })).to.include({ traceId })
    })

    it('takes the later of the clocks in header and tracestate, and knows that the caller sent one', () => {
      const [early, late] = [clockIn(10_000), clockIn(20_000)]
      for (const [header, member] of [
        [early, late],
        [late, early],
        [late, 'nonsense'],
        ['nonsense', late],
      ] as const) {
        const context = extract({ traceparent: PARENT, tracestate: `tl=${member}`, 'tracelane-clock': header })
        const { clock, callerSentClock } = rootOf(context as TraceContext)
        expect(callerSentClock).to.equal(true)
        expect(clock.toString()).to.equal(late.replace(/0$/, '1'))
      }
    })

    it('ignores and counts a clock that is malformed, comes twice, or is too far ahead', () => {
      const { clocksRejected } = counters
      for (const clock of ['nonsense', 'ABCDEF0123456789', '', clockIn(3_660_000), [clockIn(0), clockIn(0)]]) {
        const root = rootOf(extract({ traceparent: PARENT, 'tracelane-clock': clock }) as TraceContext)
        expect(root.callerSentClock).to.equal(false)
        expect(root.clock.toString()).to.equal('0000000000000000')
      }
      expect(counters.clocksRejected - clocksRejected).to.equal(4)
    })
  })

  describe('inject()', () => {
    for (const { rule, flags, written } of vectors.formatTraceparent) {
      it(`${rule}: ${flags}`, () => {
        const context = extract({ traceparent: PARENT }) as TraceContext
        const { traceparent } = inject(new TraceContext({ ...context, flags }, rootOf(context)))
        expect(traceparent).to.equal(written)
      })
    }

    for (const { rule, others, written } of vectors.formatTracestate) {
      it(`${rule} (with the clock of the trace)`, () => {
        const headers = inject(extract({ traceparent: PARENT, tracestate: others }) as TraceContext)
        const clock = headers['tracelane-clock'] as string
        expect(HybridClock.isClock(clock)).to.equal(true)
        expect(headers['tracestate']).to.equal(written.replace(vectors.clock, clock))
      })
    }

    it('moves the clock with each message', () => {
      const context = extract({ traceparent: PARENT }) as TraceContext
      const clocks = [inject(context), inject(context), inject(context)].map((headers) => headers['tracelane-clock'])
      expect(clocks).to.deep.equal([...clocks].sort())
      expect(new Set(clocks).size).to.equal(3)
    })

    it('writes exactly the fields that it names', () => {
      const written = Object.keys(inject(extract({ traceparent: PARENT }) as TraceContext))
      expect(written).to.have.members([...w3cTraceContext.fields])
    })
  })
})

describe('receiveReplyClock()', () => {
  it('moves the clock past a usable one, and counts others', () => {
    const root = rootOf(extract({ traceparent: PARENT }) as TraceContext)
    const { clocksRejected } = counters
    const remote = clockIn(30_000)
    receiveReplyClock(root, remote)
    expect(root.clock.toString() > remote).to.equal(true)
    const reached = root.clock.toString()
    for (const none of [undefined, null, [remote, remote]]) receiveReplyClock(root, none)
    expect(counters.clocksRejected).to.equal(clocksRejected)
    for (const wrong of ['x', clockIn(3_660_000)]) receiveReplyClock(root, wrong)
    expect(counters.clocksRejected - clocksRejected).to.equal(2)
    expect(root.clock.toString()).to.equal(reached)
  })
})

describe('a getter', () => {
  it('may give any iterable order of values, one, or none', () => {
    const getter: Getter<readonly string[]> = { get: (carrier, key) => (key === 'traceparent' ? carrier : undefined) }
    expect(w3cTraceContext.extract([PARENT], getter)).to.include({ traceId })
    expect(w3cTraceContext.extract([], getter)).to.equal(undefined)
  })
})
