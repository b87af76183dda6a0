import { once } from 'node:events'
import { createRequire } from 'node:module'
import { expect } from 'chai'
import { currentTraceId, mdc, runWithTrace } from 'tracelane'
import { errSerializer, tracelaneStream } from 'tracelane/adapters/bunyan'
import { captured } from './captured'
import { LinesFile } from './lines'

/* bunyan has no declarations of its own. */
type Logger = (...args: unknown[]) => void
type Log = Readonly<Record<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', Logger>> & {
  child(fields: object): Log
  fields: object
}
interface Bunyan {
  createLogger(options: object): Log
  readonly stdSerializers: object
}

const load = createRequire(__filename)

for (const version of ['bunyan', 'bunyan1']) {
  const bunyan = load(version) as Bunyan

  describe(`tracelaneStream() of ${version}`, () => {
    function loggerWith(options: object = {}, stream = tracelaneStream()): Log {
      return bunyan.createLogger({
        name: 'orders',
        level: 'trace',
        streams: [{ type: 'raw', stream, level: 'trace' }],
        ...options,
      })
    }

    it('takes each form of the call, with ids and MDC, and from child loggers', async () => {
      let id: string | undefined
      const events = await captured(() =>
        runWithTrace(() => {
          id = currentTraceId()
          mdc.put('tenant', 't1')
          const log = loggerWith({ service: 'shop' })
          log.info('cart of %s has %d', 'ann', 3)
          log.info({ a: 1 }, 'text')
          log.child({ component: 'db' }).info({ a: 1, time: new Date(0) }, 'text')
        }),
      )
      expect(events.map(({ traceId, mdc: { tenant }, logger }) => [traceId, tenant, logger])).to.deep.equal(
        Array(3).fill([id, 't1', 'orders']),
      )
      expect(events.map(({ msg }) => msg)).to.deep.equal(['cart of ann has 3', 'text', 'text'])
      expect(events.map(({ fields }) => fields)).to.deep.equal([
        { service: 'shop' },
        { service: 'shop', a: 1 },
        { service: 'shop', component: 'db', a: 1 },
      ])
    })

    it('maps the six levels, and numbers between them', async () => {
      const log = loggerWith()
      const stream = tracelaneStream()
      const events = await captured(() => {
        for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[level]('text')
        stream.write({ name: 'n', level: 35, msg: 'between' })
      })
      expect(events.map(({ level }) => level)).to.deep.equal(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'info'])
    })

    it('keeps name, message and stack of errors, and with our serializer cause and fields', async () => {
      const err = Object.assign(new TypeError('outer', { cause: new RangeError('inner') }), { code: 'E7', status: 409 })
      const events = await captured(() => {
        loggerWith().error(err, 'text')
        const log = loggerWith({ serializers: { ...bunyan.stdSerializers, err: errSerializer } })
        log.error(err, 'text')
        log.error({ err, a: 1 }, 'text')
        loggerWith().error({ err }, 'text')
      })
      for (const { err: found } of events) {
        expect(found).to.be.instanceOf(Error).and.include({ name: 'TypeError', message: 'outer', code: 'E7' })
        expect((found as Error).stack).to.match(/^TypeError: outer\n {4}at /)
      }
      for (const { err: found } of events.slice(1)) {
        expect(found).to.include({ status: 409 })
        expect((found as Error).cause)
          .to.be.instanceOf(Error)
          .and.include({ name: 'RangeError', message: 'inner' })
      }
      expect(events.map(({ fields }) => fields)).to.deep.equal([{}, {}, { a: 1 }, {}])
    })

    it('runs serializers before, and leaves the record as it is for other streams', async () => {
      const beside: Record<string, unknown>[] = []
      const streams = [
        { type: 'raw', stream: tracelaneStream() },
        { type: 'raw', stream: { write: (record: Record<string, unknown>) => beside.push(record) } },
      ]
      const log = bunyan.createLogger({ name: 'n', streams, serializers: { user: () => 'hidden' } })
      const [event] = await captured(() => runWithTrace(() => log.info({ user: { password: 'p' } }, 'text')))
      expect(event?.fields).to.deep.equal({ user: 'hidden' })
      expect(beside[0]).to.not.have.any.keys('traceId', 'logger')
      expect(beside[0]).to.include({ name: 'n', msg: 'text', v: 0 })
    })

    it('takes texts too, if the stream was not said to be raw', async () => {
      const events = await captured(() => {
        const log = bunyan.createLogger({ name: 'n', streams: [{ stream: tracelaneStream() }] })
        log.warn({ a: 1 }, 'text')
        tracelaneStream().write('no JSON\n')
      })
      expect(events.map(({ level, logger, msg }) => `${level} ${logger} ${msg}`)).to.deep.equal([
        'warn n text',
        'info bunyan no JSON',
      ])
    })

    it('leaves no secret in a line', async () => {
      const file = new LinesFile()
      loggerWith().error({ password: 'hunter2', user: { apiKey: 'hunter2' }, err: new Error('token=hunter2') }, 'text')
      loggerWith().info({ authorization: 'Bearer hunter2' }, 'https://ann:hunter2@db/')
      expect((await file.texts()).join())
        .to.include('[redacted]')
        .and.not.include('hunter2')
      await file.close()
    })

    it("'finish' comes when all is written", async () => {
      const file = new LinesFile()
      const stream = tracelaneStream({ logger: 'mine' })
      const log = loggerWith({}, stream)
      for (let i = 0; i < 1000; i++) log.info(`line ${i}`)
      stream.end()
      await once(stream, 'finish')
      expect(file.textsNow()).to.have.length(1000)
      expect(JSON.parse(file.textsNow()[0] as string)).to.include({ logger: 'mine', msg: 'line 0' })
      await file.close()
    })
  })
}

describe('errSerializer()', () => {
  it('leaves alone what is no error, and ends at a cycle', () => {
    const err = new Error('a')
    err.cause = err
    expect(errSerializer('text')).to.equal('text')
    expect(errSerializer(err)).to.deep.include({ message: 'a', name: 'Error', cause: '[cycle]' })
  })
})
