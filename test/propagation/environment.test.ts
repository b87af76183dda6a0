import { expect } from 'chai'
import {
  currentTrace,
  extractEnvironment,
  extractTrace,
  injectTrace,
  type RecordCarrier,
  runWithTrace,
  traceEnvironment,
} from 'tracelane'
import { projectRoot, runNode } from '../support'

const ID = 'a'.repeat(32)
const PARENT = `00-${ID}-00f067aa0ba902b7-01`

describe('traceEnvironment()', () => {
  it('gives a child process the trace of this flow, in a span of its own', async () => {
    const program = `
      const { currentTrace, extractEnvironment, runWithTrace } = require('tracelane')
      runWithTrace(extractEnvironment(), () => console.log(JSON.stringify(currentTrace())))`
    const parent = extractTrace({ traceparent: PARENT, tracestate: 'x=1', baggage: 'user=ann' })
    const [here, env] = runWithTrace(parent, () => [currentTrace(), traceEnvironment()])
    const { stdout } = await runNode(['-e', program], { env, cwd: projectRoot })
    const there = JSON.parse(stdout)
    expect(there).to.include({ traceId: ID, traceState: 'x=1' })
    expect(there.parentSpanId).to.equal(env['TRACEPARENT']?.split('-')[2])
    expect(there.parentSpanId).to.not.equal(here?.spanId)
    expect(env['BAGGAGE']).to.equal('user=ann')
    expect(process.env['TRACEPARENT']).to.equal(undefined)
  })

  it('is a plain copy outside any trace', () => {
    const given = { PATH: '/bin' }
    const copy = traceEnvironment(given)
    expect(copy).to.deep.equal(given)
    expect(copy).to.not.equal(given)
  })
})

describe('extractEnvironment()', () => {
  it('is undefined for an environment without a valid trace', () => {
    for (const environment of [{}, { TRACEPARENT: 'x' }, { traceparent: PARENT }]) {
      expect(extractEnvironment(environment)).to.equal(undefined)
    }
    expect(extractEnvironment({ TRACEPARENT: PARENT })).to.include({ traceId: ID })
  })
})

describe('a list of message headers', () => {
  it('is read, bytes and all, and a key that is there twice counts as repeated', () => {
    const list: RecordCarrier[] = [{ other: 1 }, { traceparent: Buffer.from(PARENT) }, { baggage: 'a=1' }, { baggage: 'b=2' }]
    const context = extractTrace(list)
    expect(context).to.include({ traceId: ID })
    expect([...(context?.baggage.entries() ?? [])].map(([key]) => key)).to.deep.equal(['a', 'b'])
    expect(extractTrace([...list, { traceparent: PARENT }])).to.equal(undefined)
    expect(extractTrace([null, 'x', 7] as unknown as RecordCarrier[])).to.equal(undefined)
  })

  it('is written in place of what was there, never beside it', () => {
    const list: RecordCarrier[] = [{ traceparent: 'old' }, { mine: 1, traceparent: 'older' }]
    runWithTrace(extractTrace({ traceparent: PARENT }), () => injectTrace(list))
    expect(list.filter((item) => 'traceparent' in item)).to.have.length(1)
    expect(list[0]).to.deep.equal({ mine: 1 })
    expect(extractTrace(list)).to.include({ traceId: ID })
  })
})
