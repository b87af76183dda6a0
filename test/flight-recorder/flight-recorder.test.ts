import { expect } from 'chai'
import { counters } from '../../lib/diagnostics'
import type { LogEvent } from '../../lib/event'
import { checkFlightRecorder, FlightRecorder, type FlightRecorderOptions } from '../../lib/flight-recorder'
import { jsonLayout } from '../../lib/layout'
import { ecsLayout } from '../../lib/layout/ecs-layout'
import { event } from '../filter/support'
import { until } from '../support'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

function line(said: Partial<LogEvent> = {}): LogEvent {
  return event({ level: 'debug', traceId: TRACE, spanId: '1'.repeat(16), ...said })
}

function texts(events: readonly LogEvent[]): string[] {
  return events.map(({ msg }) => msg)
}

type Fates = Pick<typeof counters, 'eventsRecorded' | 'eventsReplayed' | 'eventsForgotten' | 'eventsEvicted'>

/* What the counters have grown by since the beginning of the test. */
function fates(before: Fates): readonly [recorded: number, replayed: number, forgotten: number, evicted: number] {
  return [
    counters.eventsRecorded - before.eventsRecorded,
    counters.eventsReplayed - before.eventsReplayed,
    counters.eventsForgotten - before.eventsForgotten,
    counters.eventsEvicted - before.eventsEvicted,
  ]
}

describe('FlightRecorder', () => {
  const opened: FlightRecorder[] = []
  let before: Fates

  function recorder(options?: FlightRecorderOptions, now?: () => number): FlightRecorder {
    const made = new FlightRecorder(options, now)
    opened.push(made)
    return made
  }

  beforeEach(() => {
    before = { ...counters }
  })

  afterEach(() => {
    for (const one of opened.splice(0)) one.close()
  })

  it('gives the lines of a trace back when it fails, in order, once, marked as replayed', () => {
    const kept = recorder()
    const local = {}
    for (const msg of ['a', 'b', 'c']) kept.record(line({ msg, hlc: msg.repeat(16) }), local)
    const events = kept.fail(local)
    expect(events.map(({ msg, hlc, replayed, level, traceId }) => [msg, hlc[0], replayed, level, traceId])).to.deep.equal([
      ['a', 'a', true, 'debug', TRACE],
      ['b', 'b', true, 'debug', TRACE],
      ['c', 'c', true, 'debug', TRACE],
    ])
    expect(kept.fail(local)).to.deep.equal([])
    expect(fates(before)).to.deep.equal([3, 3, 0, 0])
  })

  it('gives back what other layouts can read, whatever was logged', () => {
    const kept = recorder()
    const local = {}
    const err = new AggregateError([new TypeError('one of several')], 'several')
    const hostile = new Proxy(
      { a: 1 },
      {
        ownKeys: () => {
          throw new Error('no')
        },
      },
    )
    kept.record(line({ msg: 'several', err }), local)
    kept.record(line({ msg: 'hostile', fields: hostile }), local)
    kept.record(line({ msg: 'told as a text', fields: { a: [1], toJSON: () => 'text' } }), local)
    const lines = kept.fail(local).map((event) => ecsLayout({ service: undefined }, false)(event, 1))
    expect(lines[0]).to.include('TypeError: one of several')
    expect(lines[1]).to.include('"labels":{"fields":"[threw: no]"}')
    expect(lines[2]).to.include('"labels":{"fields":"text"}')
  })

  it('forgets the lines of a request that ends well, and nothing else of the same trace', () => {
    const kept = recorder()
    const [one, other] = [{}, {}]
    kept.record(line({ msg: 'one' }), one)
    kept.record(line({ msg: 'other' }), other)
    expect(kept.end(one, false)).to.deep.equal([])
    expect(texts(kept.fail(other))).to.deep.equal(['other'])
    expect(fates(before)).to.deep.equal([2, 1, 1, 0])
  })

  it('gives them back at the end of a request that failed', () => {
    const kept = recorder()
    const local = {}
    kept.record(line({ msg: 'a' }), local)
    expect(texts(kept.end(local, true))).to.deep.equal(['a'])
  })

  it('gives back what came after the failure at the end, though that was well', () => {
    const kept = recorder()
    const local = {}
    kept.record(line({ msg: 'before' }), local)
    kept.fail(local)
    kept.record(line({ msg: 'after' }), local)
    expect(texts(kept.end(local, false))).to.deep.equal(['after'])
  })

  it('keeps what a line said at the call', () => {
    const kept = recorder()
    const local = {}
    const fields: Record<string, unknown> = { n: 1, inner: { list: [1] }, big: 7n, at: new Date(0), none: undefined }
    const error = new RangeError('boom', { cause: new Error('deeper') })
    const layout = jsonLayout({ service: 'shop' }, true)
    const said = line({ fields, err: error })
    const expected = JSON.parse(layout(said, 1)) as object
    kept.record(said, local)
    fields['n'] = 2
    ;(fields['inner'] as { list: number[] }).list.push(2)
    error.message = 'changed'
    const [replayed] = kept.fail(local)
    expect(JSON.parse(layout(replayed as LogEvent, 1))).to.deep.equal({ ...expected, replayed: true })
    expect(replayed?.err).to.be.instanceOf(Error)
  })

  it('keeps what is inside an object as it was, and flat fields too', () => {
    const kept = recorder()
    const local = {}
    const flat: Record<string, unknown> = { n: 1, text: 'a', none: undefined, nil: null, ok: true }
    const deep = { inner: { list: [1] } }
    kept.record(line({ fields: flat }), local)
    kept.record(line({ fields: deep }), local)
    flat['n'] = 2
    deep.inner.list.push(2)
    const [first, second] = kept.fail(local)
    expect(first?.fields).to.deep.equal({ n: 1, text: 'a', none: undefined, nil: null, ok: true })
    expect(second?.fields).to.deep.equal({ inner: { list: [1] } })
  })

  it('takes cycles and getters that throw', () => {
    const kept = recorder()
    const local = {}
    const fields: Record<string, unknown> = {
      get bad() {
        throw new Error('no')
      },
    }
    fields['self'] = fields
    kept.record(line({ fields }), local)
    const [replayed] = kept.fail(local)
    expect(replayed?.fields).to.deep.equal({ bad: '[getter threw: no]', self: '[cycle]' })
  })

  it('keeps the last lines of a trace, and says how many were not kept', () => {
    const kept = recorder({ maxLines: 3 })
    const local = {}
    for (let i = 1; i <= 10; i++) kept.record(line({ msg: `line ${i}`, hlc: String(i).padStart(16, '0') }), local)
    const events = kept.fail(local)
    expect(texts(events)).to.deep.equal(['7 lines of this trace were not kept', 'line 8', 'line 9', 'line 10'])
    expect(events[0]).to.include({ hlc: '8'.padStart(16, '0'), traceId: TRACE, replayed: true, level: 'warn' })
    expect(fates(before)).to.deep.equal([10, 3, 0, 7])
  })

  it('keeps no more than maxTraceBytes of a trace', () => {
    const kept = recorder({ maxTraceBytes: 10_000 })
    const local = {}
    // 256 + 2 x 1000 bytes each
    for (let i = 0; i < 9; i++) kept.record(line({ msg: `${i}`.repeat(1000) }), local)
    expect(kept.fail(local)).to.have.length(1 + 4)
    expect(fates(before)).to.deep.equal([9, 4, 0, 5])
  })

  it('lets one line that is too large push out no others', () => {
    const kept = recorder({ maxTraceBytes: 10_000 })
    const local = {}
    kept.record(line({ msg: 'small' }), local)
    kept.record(line({ msg: 'x'.repeat(10_000) }), local)
    expect(texts(kept.fail(local))).to.deep.equal(['1 lines of this trace were not kept', 'small'])
    kept.record(line({ msg: 'x'.repeat(10_000) }), local)
    expect(kept.fail(local)).to.deep.equal([])
    expect(fates(before)).to.deep.equal([3, 1, 0, 2])
  })

  it('keeps no more than maxBytes in all: the trace that began first makes room', () => {
    const kept = recorder({ maxBytes: 10_000 })
    const locals = Array.from({ length: 6 }, () => ({}))
    for (const local of locals) kept.record(line({ fields: { text: 'x'.repeat(1000) } }), local)
    expect(locals.map((local) => kept.fail(local).length)).to.deep.equal([0, 0, 1, 1, 1, 1])
    expect(fates(before)).to.deep.equal([6, 4, 0, 2])
    for (const local of locals) kept.record(line({ fields: { text: 'x'.repeat(1000) } }), local)
    expect(texts(kept.fail(locals[5] as object))).to.have.length(1)
  })

  it('forgets a trace that has not logged for maxIdleMs, without being asked', async () => {
    let now = 0
    const kept = recorder({ maxIdleMs: 20 }, () => now)
    const [idle, busy] = [{}, {}]
    kept.record(line(), idle)
    now = 15
    kept.record(line(), busy)
    now = 20
    await until('the idle trace is forgotten', () => counters.eventsEvicted - before.eventsEvicted === 1)
    expect(kept.fail(idle)).to.deep.equal([])
    expect(kept.fail(busy)).to.have.length(1)
  })

  it('gives everything back in a crash', () => {
    const kept = recorder()
    for (const msg of ['a', 'b']) kept.record(line({ msg }), {})
    expect(texts(kept.crash())).to.deep.equal(['a', 'b'])
    expect(kept.crash()).to.deep.equal([])
  })

  it('counts what it still has when it is closed', () => {
    const kept = recorder()
    kept.record(line(), {})
    kept.close()
    expect(fates(before)).to.deep.equal([1, 0, 0, 1])
  })

  describe('isFailure()', () => {
    const access = (kind: string, status: number) =>
      line({ level: 'info', logger: 'tracelane.span', fields: { span: { kind, status } } })
    const failedWhen = ({ fields }: LogEvent): boolean => (fields?.['span'] as { status?: number } | undefined)?.status === 404

    it('is true from the trigger on, by default error', () => {
      const levels = ['debug', 'warn', 'error', 'fatal'] as const
      expect(levels.map((level) => recorder().isFailure(line({ level })))).to.deep.equal([false, false, true, true])
      expect(recorder({ trigger: 'warn' }).isFailure(line({ level: 'warn' }))).to.equal(true)
    })

    it('asks failedWhen about requests served and messages handled only', () => {
      const kept = recorder({ failedWhen })
      const answers = [access('server', 404), access('server', 200), access('consumer', 404), access('client', 404), line()]
      expect(answers.map((one) => kept.isFailure(one))).to.deep.equal([true, false, true, false, false])
    })

    it('counts a failedWhen that throws or gives no boolean, and takes it for no', () => {
      const { userCallbackErrors } = counters
      const wrong = [
        () => 1,
        () => {
          throw new Error('no')
        },
      ]
      for (const one of wrong) expect(recorder({ failedWhen: one as never }).isFailure(access('server', 404))).to.equal(false)
      expect(counters.userCallbackErrors - userCallbackErrors).to.equal(2)
    })
  })

  it('refuses wrong options', () => {
    expect(() => checkFlightRecorder('flightRecorder', { maxLine: 1 })).to.throw(/did you mean 'maxLines'/)
    expect(() => checkFlightRecorder('flightRecorder', { level: 'loud' })).to.throw(/'level' must be one of/)
    expect(() => checkFlightRecorder('flightRecorder', { maxBytes: 1 })).to.throw(/'maxBytes' must be an integer/)
  })
})
