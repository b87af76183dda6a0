import { expect } from 'chai'
import { appWith, codesOf, diagnosisOf, examine, findingOf } from './support'

describe('the doctor, of requests and log calls', function () {
  this.timeout(60_000)

  it('finds nothing in a healthy app, and says so', async () => {
    const folder = await appWith(['express'])
    const { outcome, diagnoses } = await examine(folder, ['healthy.cjs'])
    expect(outcome.stderr).to.match(/^tracelane doctor: nothing found in process \d+ \(Node\.js v[\d.]+, tracelane [\d.]+\)\n/)
    expect(outcome.stderr).to.contain('3 requests, 3 with a trace.\n3 log calls, 3 with a trace id.\n')
    expect(diagnoses.map(codesOf)).to.deep.equal([[]])
    expect(diagnoses[0]).to.deep.include({ requests: { total: 3, traced: 3 }, used: true, threadId: 0 })
  })

  for (const express of ['express', 'express4']) {
    it(`names what stands before traceMiddleware and the lines that it cost (${express})`, async () => {
      const folder = await appWith([express, 'pino'])
      const diagnosis = await diagnosisOf(folder, ['late.cjs'], { EXPRESS: express })
      expect(codesOf(diagnosis)).to.deep.equal(['MIDDLEWARE_LATE'])
      const { message, where, count, severity, cure } = findingOf(diagnosis, 'MIDDLEWARE_LATE')
      expect({ where, count, severity }).to.deep.equal({ where: 'express', count: 3, severity: 'warning' })
      expect(message).to.contain('it stands behind audit, jsonParser; 3 requests had waited for something before')
      expect(message).to.contain('3 lines of late.cjs:11 had no trace id')
      expect(cure).to.contain('before every other middleware')
      expect(diagnosis.logCalls).to.include({ total: 6, untraced: 3 })
    })
  }

  it('only remarks on middleware before ours that neither waits nor logs, and not on routes', async () => {
    const diagnosis = await diagnosisOf(await appWith(['express']), ['not-first.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['MIDDLEWARE_NOT_FIRST'])
    expect(findingOf(diagnosis, 'MIDDLEWARE_NOT_FIRST').message).to.contain('it stands behind locale.')
  })

  it('only remarks on a route before ours that answers by itself, and logs', async () => {
    const diagnosis = await diagnosisOf(await appWith(['express']), ['partly.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['REQUESTS_PARTLY_UNTRACED'])
    expect(findingOf(diagnosis, 'REQUESTS_PARTLY_UNTRACED').message).to.contain('2 of 5 requests got no trace')
  })

  it('finds a middleware that is mounted twice', async () => {
    const diagnosis = await diagnosisOf(await appWith(['express']), ['twice.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['MIDDLEWARE_TWICE'])
    expect(findingOf(diagnosis, 'MIDDLEWARE_TWICE')).to.deep.include({ where: 'express', count: 3, severity: 'info' })
  })

  it('finds a server without middleware, which has no late lines', async () => {
    const diagnosis = await diagnosisOf(await appWith(), ['unmounted.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['REQUESTS_UNTRACED'])
    expect(findingOf(diagnosis, 'REQUESTS_UNTRACED')).to.deep.include({ count: 3, severity: 'error' })
    expect(diagnosis.logCalls?.sites).to.have.length(1)
    expect(diagnosis.logCalls?.sites[0]).to.deep.include({ where: 'unmounted.cjs:6', total: 3, untraced: 3 })
  })

  it('finds a hook of Fastify before traceFastify', async () => {
    const diagnosis = await diagnosisOf(await appWith(['fastify']), ['fastify-late.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['MIDDLEWARE_LATE'])
    expect(findingOf(diagnosis, 'MIDDLEWARE_LATE').message).to.contain('1 line of fastify-late.cjs:7 had no trace id')
  })

  it('finds lines of a middleware of Koa that goes on after ours has ended', async () => {
    const diagnosis = await diagnosisOf(await appWith(['koa']), ['koa-outside.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['MIDDLEWARE_LATE'])
    const { message, where } = findingOf(diagnosis, 'MIDDLEWARE_LATE')
    expect(where).to.equal('koa-outside.cjs:10')
    expect(message).to.contain('3 of 3 log calls')
  })

  it('finds the line at which the trace is lost, and names the helper', async () => {
    const folder = await appWith()
    const diagnosis = await diagnosisOf(folder, ['lost.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['CONTEXT_LOST'])
    const { message, where, cure, count } = findingOf(diagnosis, 'CONTEXT_LOST')
    expect({ where, count }).to.deep.equal({ where: 'lost.cjs:15', count: 3 })
    expect(message).to.contain('3 of 3 log calls at lost.cjs:15 had no trace id while a request was served')
    expect(cure).to.contain('bindEmitter(emitter)')
  })

  it('finds nothing any more when that helper is used', async () => {
    const diagnosis = await diagnosisOf(await appWith(), ['lost.cjs'], { CURED: '1' })
    expect(codesOf(diagnosis)).to.deep.equal([])
  })

  it('tells a message of a worker thread by its stack, through winston', async () => {
    const diagnosis = await diagnosisOf(await appWith(['winston']), ['lost-winston.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['CONTEXT_LOST'])
    const { where, cure } = findingOf(diagnosis, 'CONTEXT_LOST')
    expect(where).to.equal('lost-winston.cjs:17')
    expect(cure).to.contain('serializeTrace()')
  })

  it('has nothing against lines that have no trace by right', async () => {
    const diagnosis = await diagnosisOf(await appWith(), ['background.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal([])
    expect(diagnosis.logCalls?.detached).to.equal(3)
    expect(diagnosis.logCalls?.untraced).to.be.above(10)
  })

  it('remarks on lines that still have the trace of a request long after its answer', async () => {
    const diagnosis = await diagnosisOf(await appWith(), ['outlives.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['TRACE_OUTLIVES_REQUEST'])
    const { where, count } = findingOf(diagnosis, 'TRACE_OUTLIVES_REQUEST')
    expect({ where, count }).to.deep.equal({ where: 'outlives.cjs:16', count: 1 })
  })

  it('finds calls that do not carry the trace, by package and host', async () => {
    const diagnosis = await diagnosisOf(await appWith(['axios']), ['calls.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['CALLS_UNTRACED', 'CALLS_UNTRACED'])
    const cures = diagnosis.findings.map(({ cure, count }) => `${count} ${cure}`).sort()
    expect(cures[0]).to.match(/^2 Use traceFetch/)
    expect(cures[1]).to.match(/^3 Use traceAxios/)
  })

  it('only remarks on calls by node:http that do not, if an interceptor for that is there', async () => {
    const diagnosis = await diagnosisOf(await appWith(['axios']), ['calls.cjs'], { LOADED: '1' })
    expect(codesOf(diagnosis)).to.deep.equal(['CALLS_UNTRACED', 'CALLS_NOT_TOLD'])
    expect(findingOf(diagnosis, 'CALLS_NOT_TOLD')).to.deep.include({ count: 3, severity: 'info' })
  })

  it('has nothing against calls that do', async () => {
    const diagnosis = await diagnosisOf(await appWith(['axios']), ['calls.cjs'], { WIRED: '1' })
    expect(codesOf(diagnosis)).to.deep.equal([])
  })

  it('keeps a thousand places, and the sum of the others', async () => {
    const { logCalls } = await diagnosisOf(await appWith(), ['many-places.cjs'])
    expect(logCalls?.sites).to.have.length(1000)
    expect(logCalls).to.include({ total: 1200, untraced: 1200, elsewhere: 200 })
  })
})
