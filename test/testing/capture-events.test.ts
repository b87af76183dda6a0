import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { close, configure, currentTraceId, fileSink, flush, getLogger, mdc, runWithTrace, withSpan } from 'tracelane'
import { type CapturedEvents, captureEvents } from 'tracelane/testing'
import { tempFolder } from '../support'

describe('captureEvents()', () => {
  const log = getLogger('orders.checkout')
  let captured: CapturedEvents

  beforeEach(() => {
    captured = captureEvents()
  })

  afterEach(async () => {
    captured.restore()
    await close()
  })

  it('collects events with the trace and the fields of their flow, in the order of the calls', () => {
    const id = runWithTrace(() => {
      mdc.put('orderId', 7)
      log.info('one', { a: 1 })
      return currentTraceId()
    })
    log.warn('two')
    expect(captured.events).to.have.length(2)
    expect(captured.events[0]).to.include({ level: 'info', logger: 'orders.checkout', msg: 'one', traceId: id })
    expect(captured.events[0]?.mdc).to.include({ orderId: 7 })
    expect(captured.events[0]?.fields).to.deep.equal({ a: 1 })
    expect(captured.events[1]).to.include({ level: 'warn', msg: 'two', traceId: undefined })
  })

  it('has each as the line of JSON that it was at the call', () => {
    const fields = { a: 1 }
    log.info('one', fields)
    fields.a = 2
    const [line = ''] = captured.lines
    expect(line.endsWith('}')).to.equal(true)
    expect(JSON.parse(line)).to.include({ level: 'info', logger: 'orders.checkout', msg: 'one', a: 1 })
  })

  it('has the ends of spans, once, whether or not there is a configuration', async () => {
    const spans = (): number => captured.events.filter(({ logger }) => logger === 'tracelane.span').length
    await withSpan('charge card', () => undefined)
    expect(spans()).to.equal(1)
    configure({ sinks: [fileSink({ path: join(tempFolder(), 'app.log') })] })
    await withSpan('charge card', () => undefined)
    expect(spans()).to.equal(2)
  })

  it('leaves levels as they are', () => {
    log.debug('not seen')
    configure({ level: 'debug' })
    log.debug('seen')
    expect(captured.events.map(({ msg }) => msg)).to.deep.equal(['seen'])
  })

  it('writes nothing in the meantime, and everything after restore(), which can be called twice', async () => {
    const path = join(tempFolder(), 'app.log')
    configure({ sinks: [fileSink({ path })] })
    log.info('captured')
    await withSpan('captured too', () => undefined)
    captured.restore()
    captured.restore()
    log.info('written')
    await withSpan('written too', () => undefined)
    await flush()
    const written = readFileSync(path, 'utf8').trim().split('\n')
    expect(written.map((line) => JSON.parse(line).msg.split(' ')[0])).to.deep.equal(['written', 'written'])
    expect(captured.events).to.have.length(2)
  })

  it('gives events to the last one when nested, and to the first again after that, whichever ends first', async () => {
    const inner = captureEvents()
    log.info('inner')
    await withSpan('inner', () => undefined)
    inner.restore()
    log.info('outer')
    const other = captureEvents()
    captured.restore()
    log.info('other')
    other.restore()
    expect(inner.events).to.have.length(2)
    expect(captured.events.map(({ msg }) => msg)).to.deep.equal(['outer'])
    expect(other.events.map(({ msg }) => msg)).to.deep.equal(['other'])
  })
})
