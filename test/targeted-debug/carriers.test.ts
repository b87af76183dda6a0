import { join } from 'node:path'
import { Metadata } from '@grpc/grpc-js'
import { expect } from 'chai'
import {
  type Carrier,
  close,
  configure,
  counters,
  currentTraceId,
  extractEnvironment,
  extractTrace,
  fileSink,
  getLogger,
  injectMessage,
  injectTrace,
  runMessage,
  runWithTrace,
  serializeTrace,
  signLevel,
  traceEnvironment,
} from 'tracelane'
import { tempFolder } from '../support'

const SECRET = 'spoken softly'
const TRACEPARENT = `00-${'a1'.repeat(16)}-${'1'.repeat(16)}-03`

const isDebug = (): boolean => getLogger('carriers').isEnabled('debug')

describe('the level of a trace', () => {
  before(() => {
    void configure({
      thread: false,
      sinks: [fileSink({ path: join(tempFolder(), 'out.log') })],
      targetedDebug: { secret: SECRET },
    })
  })

  after(async () => {
    await close()
  })

  /* Calls `fn` in a trace that is turned to debug. */
  function inDebug<R>(fn: () => R): R {
    return runWithTrace(extractTrace({ traceparent: TRACEPARENT, 'tracelane-level': signLevel({ secret: SECRET }) }), fn)
  }

  const ways: Readonly<Record<string, (check: () => boolean) => boolean>> = {
    headers: (check) => runWithTrace(extractTrace(inDebug(() => injectTrace({}))), check),
    'a Map': (check) => runWithTrace(extractTrace(inDebug(() => injectTrace(new Map()))), check),
    'gRPC metadata': (check) => runWithTrace(extractTrace(inDebug(() => injectTrace(new Metadata() as Carrier))), check),
    'a list of headers': (check) => runWithTrace(extractTrace(inDebug(() => injectTrace([]))), check),
    'the environment': (check) => runWithTrace(extractEnvironment(inDebug(() => traceEnvironment({}))), check),
    'a serialized trace': (check) => runWithTrace(JSON.parse(JSON.stringify(inDebug(serializeTrace))), check),
    'a message': (check) =>
      runMessage(
        inDebug(() => injectMessage()),
        check,
      ),
  }
  for (const [what, way] of Object.entries(ways)) {
    it(`goes along in ${what}`, () => {
      expect(isDebug()).to.equal(false)
      expect(way(() => currentTraceId() === 'a1'.repeat(16) && isDebug())).to.equal(true)
      expect(isDebug()).to.equal(false)
    })
  }

  it('is not sent for a trace that has none', () => {
    expect(runWithTrace(() => injectTrace({}))).to.not.have.property('tracelane-level')
    expect(runWithTrace(() => serializeTrace())).to.not.have.property('tracelane-level')
  })

  it('that somebody put into the baggage unsigned is not handed on to those who trust this service', async () => {
    const forged = (level: string): string => `a=1,tracelane-level=${level}`
    const sentOn = (level: string): string | undefined =>
      runWithTrace(extractTrace({ traceparent: TRACEPARENT, baggage: forged(level) }), () =>
        injectTrace<Record<string, string>>({}),
      )['baggage']
    const signed = signLevel({ secret: 'of another service' })
    for (const secret of [undefined, SECRET]) {
      await configure({
        thread: false,
        sinks: [fileSink({ path: join(tempFolder(), 'out.log') })],
        ...(secret === undefined ? {} : { targetedDebug: { secret } }),
      })
      const before = counters.levelsRejected
      for (const level of ['debug', `debug.${Math.floor(Date.now() / 1000) + 60}`, 'trace.999999999999', 'debug.1.all.x']) {
        expect(sentOn(level)).to.equal('a=1')
      }
      expect(counters.levelsRejected).to.equal(before + 4)
      expect(sentOn(signed)).to.equal(forged(signed))
    }
  })

  it('is ignored, and the trace is not, when a carrier throws', () => {
    const carrier = {
      get: (key: string) => {
        if (key === 'tracelane-level') throw new Error('no')
        return key === 'traceparent' ? TRACEPARENT : undefined
      },
      set: () => {},
    }
    expect(extractTrace(carrier)?.traceId).to.equal('a1'.repeat(16))
  })
})
