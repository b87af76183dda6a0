import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { counters, currentTrace, extractTrace, runWithTrace, type SerializedTrace, serializeTrace } from 'tracelane'
import { rootOf, type TraceContext } from '../../lib/context'
import { eventOf, projectFile } from '../support'

const ID = 'a'.repeat(32)
const HEADERS = { traceparent: `00-${ID}-00f067aa0ba902b7-01`, tracestate: 'x=1', baggage: 'user=ann;p=1' }

const inside = (trace: unknown): TraceContext => runWithTrace(trace as SerializedTrace, () => currentTrace()) as TraceContext

describe('serializeTrace()', () => {
  it('is undefined outside any trace', () => {
    expect(serializeTrace()).to.equal(undefined)
  })

  it('is a plain object of texts that JSON and structured clone keep', () => {
    runWithTrace(extractTrace(HEADERS), () => {
      const trace = serializeTrace() as SerializedTrace
      expect(trace).to.have.all.keys('traceparent', 'tracestate', 'baggage', 'tracelane-clock')
      expect(trace.traceparent).to.equal(`00-${ID}-${currentTrace()?.spanId}-01`)
      expect(trace.baggage).to.equal(HEADERS.baggage)
      expect(JSON.parse(JSON.stringify(trace))).to.deep.equal(trace)
      expect(structuredClone(trace)).to.deep.equal(trace)
    })
  })

  it('goes to a worker thread, whose part becomes a child of the span that sent it, on the same clock', async () => {
    const program = `const { parentPort } = require('node:worker_threads')
      const { currentTrace, currentTraceId, runWithTrace } = require(${JSON.stringify(projectFile('dist/index.js'))})
      parentPort.once('message', ({ trace }) => runWithTrace(trace, async () => {
        await null
        parentPort.postMessage({ ...currentTrace(), baggage: currentTrace().baggage.get('user') })
      }))`
    const worker = new Worker(program, { eval: true })
    const spanId = runWithTrace(extractTrace(HEADERS), () => {
      worker.postMessage({ trace: serializeTrace() })
      return currentTrace()?.spanId
    })
    const ended = eventOf(worker, 'exit') // it may come in the turn of the message
    const [there] = await eventOf(worker, 'message')
    await ended
    expect(there).to.include({ traceId: ID, parentSpanId: spanId, traceState: 'x=1', baggage: 'ann' })
  })
})

describe('runWithTrace() of a serialized trace', () => {
  it('goes on with it: ids, flags, state, baggage and clock', () => {
    const [trace, before] = runWithTrace(extractTrace(HEADERS), () => [serializeTrace(), currentTrace()] as const)
    const context = inside(trace)
    expect(context).to.include({ traceId: ID, parentSpanId: before?.spanId, flags: 1, traceState: 'x=1' })
    expect([...context.baggage.entries()]).to.deep.equal([['user', { value: 'ann', properties: 'p=1' }]])
    expect(rootOf(context).clock.toString() >= (trace?.['tracelane-clock'] as string)).to.equal(true)
  })

  const hostile: Readonly<Record<string, unknown>> = {
    'a text': HEADERS.traceparent,
    'a number': 7,
    'an empty object': {},
    'a list': [HEADERS.traceparent],
    'a wrong id': { traceparent: `00-${'A'.repeat(32)}-00f067aa0ba902b7-01` },
    'a line break': { traceparent: `${HEADERS.traceparent}\nx: y` },
    'an object for a text': { traceparent: { toString: () => HEADERS.traceparent } },
    'an inherited one': Object.create(HEADERS),
    'a getter that throws': {
      get traceparent() {
        throw new Error('mine')
      },
    },
    'something that looks like a context': { traceId: ID, spanId: '00f067aa0ba902b7', flags: 1 },
  }
  for (const [what, trace] of Object.entries(hostile)) {
    it(`starts a new trace for ${what}, and counts it`, () => {
      const { contextsRejected } = counters
      const context = inside(trace)
      expect(context.traceId).to.match(/^[0-9a-f]{32}$/)
      expect(context.traceId).to.not.equal(ID)
      expect(context.parentSpanId).to.equal(undefined)
      expect(counters.contextsRejected).to.equal(contextsRejected + 1)
    })
  }

  it('ignores a hostile state, clock and baggage beside a right traceparent', () => {
    const context = inside({
      traceparent: HEADERS.traceparent,
      tracestate: 'X=\n',
      'tracelane-clock': 'f'.repeat(16),
      baggage: 'a b=1',
    })
    expect(context).to.include({ traceId: ID, traceState: '' })
    expect(context.baggage.size).to.equal(0)
    expect(Number.parseInt(rootOf(context).clock.toString().slice(0, 12), 16)).to.be.below(Date.now() + 60_000)
  })

  it('starts a new trace for null and undefined, uncounted', () => {
    const { contextsRejected } = counters
    for (const none of [null, undefined]) expect(inside(none).traceId).to.match(/^[0-9a-f]{32}$/)
    expect(counters.contextsRejected).to.equal(contextsRejected)
  })
})
