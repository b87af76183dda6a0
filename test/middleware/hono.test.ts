import { expect } from 'chai'
import { Hono } from 'hono'
import { currentTraceId } from 'tracelane'
import { traceHono } from 'tracelane/middleware/hono'
import { FRAMEWORKS } from '../support/frameworks'
import { describeEnds } from './table/ends'
import { describeFlows } from './table/flows'
import { describeTraces } from './table/traces'
import { describeUnchanged } from './table/unchanged'

for (const describeTable of [describeTraces, describeEnds, describeFlows, describeUnchanged]) describeTable(FRAMEWORKS.hono)

describe('traceHono()', () => {
  it('refuses options that it does not know, with the cure', () => {
    expect(() => traceHono({ span: false } as never)).to.throw("traceHono does not know 'span': did you mean 'spans'?")
  })

  it('lets pass untraced what does not come from a server of Node', async () => {
    const app = new Hono().use(traceHono()).get('/', (c) => c.text(String(currentTraceId())))
    const answer = await app.request('/')
    expect(await answer.text()).to.equal('undefined')
    expect(answer.headers.get('x-trace-id')).to.equal(null)
  })
})
