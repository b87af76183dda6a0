import { resolve } from 'node:path'
import { expect } from 'chai'
import {
  circuitBreaking,
  consoleSink,
  type EventCondition,
  failover,
  fileSink,
  filtering,
  httpSink,
  retrying,
  rollingFileSink,
  routing,
  type SinkSpec,
  spooling,
  tee,
  throttling,
} from 'tracelane'
import { destinationOf, isAsyncSink, lineFormOf, openAsyncSink, readSink, withoutLayout } from '../../../lib/sinks'

const http = httpSink({ url: 'http://a.example/' })
const other = httpSink({ url: 'http://b.example/' })
const file = fileSink({ path: '/var/log/a.log' })
const errors: EventCondition = { level: 'error' }
const route = { when: errors, to: http }

const ALL: Readonly<Record<string, SinkSpec>> = {
  retrying: retrying(http, { attempts: 5 }),
  failover: failover([http, other]),
  tee: tee([http, file]),
  routing: routing({ routes: [{ when: { logger: 'a' }, to: [http, other] }], otherwise: file }),
  filtering: filtering(http, { keep: errors }),
  'throttling that waits': throttling(http, { perSecond: 10 }),
  'throttling that drops': throttling(http, { perSecond: 0.5, over: 'drop' }),
  circuitBreaking: circuitBreaking(http),
  spooling: spooling(http, { directory: '/var/spool/orders', replayPerSecond: 100 }),
  'several of them': retrying(circuitBreaking(filtering(failover([throttling(http, { perSecond: 1 }), file]), { drop: errors }))),
}

describe('decorators as data', () => {
  for (const [what, spec] of Object.entries(ALL)) {
    it(`are plain data, complete and frozen: ${what}`, () => {
      expect(structuredClone(spec)).to.deep.equal(spec)
      const { kind, options } = readSink(JSON.parse(JSON.stringify({ kind: spec.kind, options: spec.options })))
      expect({ kind, options }).to.deep.equal({ kind: spec.kind, options: spec.options })
      expect(Object.isFrozen(spec)).to.equal(true)
      expect(Object.isFrozen(spec.options)).to.equal(true)
      expect(isAsyncSink(spec)).to.equal(true)
    })
  }

  it('are read from a file of options, with defaults', () => {
    const data = { kind: 'retrying', options: { sink: { kind: 'http', options: { url: 'http://a.example/' } } } }
    expect(readSink(data as SinkSpec)).to.deep.equal(retrying(http, { firstDelayMs: 100, maxDelayMs: 30_000 }))
  })

  it('copy what they are given', () => {
    const when = { fields: { user: ['ann'] } }
    const spec = filtering(http, { keep: when })
    when.fields.user.push('bob')
    expect(spec.options.keep).to.deep.equal({ fields: { user: ['ann'] } })
  })

  it('name the destinations below them', () => {
    expect(destinationOf(retrying(http))).to.equal('http://a.example')
    expect(destinationOf(failover([http, file]))).to.equal('http://a.example, else the file /var/log/a.log')
    expect(destinationOf(tee([http, other, file]))).to.equal('http://a.example, http://b.example and the file /var/log/a.log')
  })

  it('go to the flush thread without a layout that is a function', () => {
    const layout = (): string => 'x'
    const spec = retrying(tee([httpSink({ url: 'http://a.example/', layout }), fileSink({ path: '/a', layout })]))
    expect(lineFormOf(spec).layout).to.equal(layout)
    expect(() => structuredClone(spec)).to.throw()
    expect(lineFormOf(structuredClone(withoutLayout(spec)))).to.include({ layout: 'json' })
  })

  it('give their sinks one form of lines, to which a console adapts', () => {
    expect(lineFormOf(tee([consoleSink(), file]))).to.deep.equal({ layout: 'json', ordering: true, streams: [] })
    expect(lineFormOf(retrying(consoleSink()))).to.deep.equal({ layout: 'auto', ordering: false, streams: [1] })
    const ecs = fileSink({ path: '/a', layout: 'ecs', ordering: false })
    expect(lineFormOf(failover([ecs, consoleSink()]))).to.deep.equal({ layout: 'ecs', ordering: false, streams: [] })
  })
})

describe('batches for a decorator', () => {
  it('are as the sinks below it want them: the smallest bounds, the longest wait', () => {
    const one = httpSink({ url: 'http://a.example/', maxBatchEvents: 10, lingerMs: 5, maxInFlight: 4 })
    const two = httpSink({ url: 'http://b.example/', maxBatchBytes: 2048, maxInFlight: 2 })
    const { sending } = openAsyncSink(tee([retrying(one), two, file]))
    expect(sending).to.include({ maxBatchEvents: 10, maxBatchBytes: 2048, lingerMs: 5, maxInFlight: 2, mode: 'acknowledged' })
    expect(openAsyncSink(retrying(file)).sending).to.include({ lingerMs: 0, maxInFlight: 1 })
  })
})

describe('decorators refuse', () => {
  const wrong: Readonly<Record<string, readonly [make: () => unknown, message: string]>> = {
    'what is no sink': [() => retrying({} as SinkSpec), 'retrying needs a sink, as fileSink(), httpSink()'],
    'nothing at all': [() => throttling(undefined as never, { perSecond: 1 }), 'throttling needs a sink'],
    'an unknown option': [() => retrying(http, { attemps: 3 } as never), "did you mean 'attempts'"],
    'a wrong option of a sink below': [
      () => retrying({ kind: 'http', options: { url: 'ftp://x' } } as never),
      'http:// or https://',
    ],
    'an option out of range': [() => retrying(http, { attempts: 0 }), "'attempts' must be an integer from 1"],
    'delays the wrong way round': [() => retrying(http, { firstDelayMs: 20, maxDelayMs: 10 }), 'must not be larger than'],
    'to retry a retrying': [() => retrying(retrying(http)), 'take one of them out'],
    'a circuit that never opens': [() => circuitBreaking(retrying(http)), "give that 'attempts' or 'deadlineMs'"],
    'a failover that never fails over': [
      () => failover([filtering(retrying(http), { keep: errors }), file]),
      "give that 'attempts'",
    ],
    'a failover to nothing': [() => failover([http]), 'a list of two sinks or more'],
    'a tee of one sink twice': [() => tee([http, http]), 'two sinks for http://a.example'],
    'a tee into one file twice': [
      () =>
        tee([
          file,
          retrying(rollingFileSink({ path: '/var/log/a.log', filePattern: '/var/log/a.%i.log', maxFileBytes: 2 ** 20 })),
        ]),
      'two sinks for the file /var/log/a.log',
    ],
    'two layouts below one queue': [
      () => tee([fileSink({ path: '/a', layout: 'ecs' }), http]),
      "the file /a and http://a.example need the same 'layout'; or put them side by side in 'sinks'",
    ],
    'lines with and without ordering below one queue': [
      () => failover([httpSink({ url: 'http://a.example/', ordering: false }), file]),
      "http://a.example and the file /var/log/a.log need the same 'ordering'",
    ],
    'to read fields of lines that are no JSON': [
      () => filtering(fileSink({ path: '/a', layout: 'ecs' }), { keep: { logger: 'a' } }),
      "give the file /a the option layout: 'json'",
    ],
    'to read fields of lines that may be for people': [
      () => routing({ routes: [{ when: { fields: { a: 1 } }, to: consoleSink() }], otherwise: 'drop' }),
      "give stdout the option layout: 'json'",
    ],
    'a condition without content': [() => filtering(http, { keep: {} }), 'keep must name something: level, levels'],
    'a level that there is not': [() => filtering(http, { keep: { level: 'loud' as never } }), "'level' must be one of"],
    'both ways to filter': [() => filtering(http, { keep: errors, drop: errors }), "either 'keep' or 'drop'"],
    'neither way to filter': [() => filtering(http, {}), "either 'keep' or 'drop'"],
    'a route to nowhere': [() => routing({ routes: [{ when: errors, to: [] }], otherwise: 'drop' }), "'to' must not be empty"],
    'a routing that does not say where the rest goes': [() => routing({ routes: [route] } as never), "routing needs 'otherwise'"],
    'two routes into one file': [
      () =>
        routing({
          routes: [
            { when: errors, to: file },
            { when: { level: 'warn' }, to: file },
          ],
          otherwise: http,
        }),
      'two sinks for the file /var/log/a.log',
    ],
    'a level where nothing is dropped': [() => throttling(http, { perSecond: 1, level: 'warn' }), "it needs over: 'drop'"],
    'to act on what is sent once whatever happens': [
      () => retrying(throttling(httpSink({ url: 'http://a.example/', mode: 'one-way' }), { perSecond: 1 })),
      "retrying does something with what could not be sent, and mode: 'one-way'",
    ],
    'to wait for some receipts and not for others': [
      () => tee([http, httpSink({ url: 'http://b.example/', mode: 'one-way' })]),
      "all or none must have mode: 'one-way'",
    ],
    'a spooling that never spools': [() => spooling(retrying(http), { directory: '/a' }), "give that 'attempts'"],
    'a spooling in what sends elsewhere, or to several': [
      () => tee([spooling(http, { directory: '/a' }), other]),
      'put the spooling around it',
    ],
    'a spooling without a folder': [() => spooling(http, {} as never), "spooling needs 'directory'"],
    'no rate': [() => throttling(http, {} as never), "throttling needs 'perSecond'"],
    'to be without options, in a file': [() => readSink({ kind: 'retrying' } as never), 'retrying needs a sink'],
  }
  for (const [what, [make, message]] of Object.entries(wrong)) {
    it(what, () => {
      expect(make)
        .to.throw(message.replaceAll('/var/log/a.log', resolve('/var/log/a.log')))
        .with.property('code')
        .that.matches(/^ERR_TRACELANE_OPTION_/)
    })
  }
})
