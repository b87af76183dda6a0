import { once } from 'node:events'
import { expect } from 'chai'
import { currentTraceId, mdc, runWithTrace, withSpan } from 'tracelane'
import { attachTrace, logSpans, TracelaneTransport, tracelaneTransport, traceMeta } from 'tracelane/adapters/winston'
import winston from 'winston'
import winston32 from 'winston-3.2'
import { internalFailure } from '../../../lib/diagnostics'
import { projectFile, runNode } from '../../support'
import { captured } from '../captured'
import { LinesFile } from '../lines'
import { StuckTransport } from '../support'

const VERSIONS = { winston, 'winston 3.2': winston32 as unknown as typeof winston }

for (const [version, own] of Object.entries(VERSIONS)) {
  describe(`tracelaneTransport() of ${version}`, () => {
    function loggerWith(options: winston.LoggerOptions = {}, transport = tracelaneTransport()): winston.Logger {
      return own.createLogger({ transports: [transport], ...options })
    }

    it('takes each form of the call, with ids and MDC, and from child loggers', async () => {
      const logger = loggerWith({ defaultMeta: { service: 'shop' } })
      let id: string | undefined
      const events = await captured(() =>
        runWithTrace(() => {
          id = currentTraceId()
          mdc.put('tenant', 't1')
          logger.info('text')
          logger.log('info', 'text', { a: 1 })
          logger.log({ level: 'info', message: 'text', a: 1 })
          logger.child({ part: 'child' }).info('text', { a: 1 })
        }),
      )
      expect(events.map(({ traceId, mdc: { tenant }, msg }) => [traceId, tenant, msg])).to.deep.equal(
        Array(4).fill([id, 't1', 'text']),
      )
      expect(events.map(({ fields }) => fields)).to.deep.equal([
        { service: 'shop' },
        { service: 'shop', a: 1 },
        { service: 'shop', a: 1 },
        { service: 'shop', part: 'child', a: 1 },
      ])
    })

    it('has what the formats of the logger and its own make of an entry', async () => {
      const { combine, splat, timestamp, label, colorize } = own.format
      const redden = own.format((info) => Object.assign(info, { red: true }))
      const logger = loggerWith(
        { format: combine(splat(), label({ label: 'api' }), timestamp({ format: 'now' as never }), colorize()) },
        tracelaneTransport({ format: redden() }),
      )
      const [event] = await captured(() => logger.warn('cart of %s has %d', 'ann', 3, { a: 1 }))
      expect(event).to.include({ msg: 'cart of ann has 3', level: 'warn' })
      expect(event?.fields).to.include({ a: 1, label: 'api', red: true })
    })

    it('leaves out what a format leaves out', async () => {
      const none = own.format(() => false)
      const events = await captured(() => {
        loggerWith({ format: none() }).info('text')
        loggerWith({}, tracelaneTransport({ format: none() })).info('text')
      })
      expect(events).to.deep.equal([])
    })

    const whole = (err: unknown): unknown[] => {
      const { name, message, stack, cause } = err as Error
      return [name, message, stack?.split('\n').slice(0, 1), (cause as Error | undefined)?.message]
    }
    const failure = (): Error => Object.assign(new TypeError('boom', { cause: new Error('root') }), { code: 'E7' })
    const errorCalls: Readonly<Record<string, (logger: winston.Logger, err: Error) => unknown>> = {
      'error(err)': (logger, err) => logger.error(err),
      "error('text', err)": (logger, err) => logger.error('text', err),
      "error('text', { err })": (logger, err) => logger.error('text', { err }),
      "error('text', { error })": (logger, err) => logger.error('text', { error: err }),
      "log('error', err)": (logger, err) => logger.log('error', err as never),
      'log({ message: err })': (logger, err) => logger.log({ level: 'error', message: err as never }),
      'error(err) with errors()': (logger, err) => {
        logger.format = own.format.combine(own.format.errors({ stack: true }), own.format.json())
        logger.error(err)
      },
      "error('%s', 'x', err) with splat()": (logger, err) => {
        logger.format = own.format.splat()
        logger.error('of %s', 'x', err)
      },
    }
    for (const [call, log] of Object.entries(errorCalls)) {
      it(`keeps name, message, stack and cause of ${call}`, async () => {
        const err = failure()
        const [event] = await captured(() => log(loggerWith({ defaultMeta: { service: 'shop' } }), err))
        expect(whole(event?.err)).to.deep.equal(['TypeError', 'boom', ['TypeError: boom'], 'root'])
        expect(event?.fields).to.have.property('service', 'shop')
        expect(event?.fields).to.not.have.any.keys('stack', 'cause', 'err', 'error', 'level', 'message')
      })
    }

    it('keeps the error of a child, of which winston leaves the parts', async () => {
      const [event] = await captured(() => loggerWith().child({ part: 1 }).error(failure()))
      expect(whole(event?.err).slice(0, 3)).to.deep.equal(['TypeError', 'boom', ['TypeError: boom']])
      expect(event?.fields).to.include({ code: 'E7', part: 1 })
    })

    it('reads an object that is the only argument as fields, and other things as the message', async () => {
      const logger = loggerWith()
      const events = await captured(() => {
        logger.info({ a: 1 } as never)
        logger.info(7 as never)
        logger.info([1, 2] as never)
        logger.info('')
      })
      expect(events.map(({ msg }) => msg)).to.deep.equal(['', '7', '[1,2]', ''])
      expect(events[0]?.fields).to.deep.equal({ a: 1 })
    })

    it("maps npm's, syslog's and cli's levels, and says what ours do not", async () => {
      const said = async (levels: Record<string, number>): Promise<string[]> => {
        const logger = loggerWith({ levels, level: Object.keys(levels).at(-1) as string })
        const events = await captured(() => Object.keys(levels).map((level) => logger.log(level, 'text')))
        return events.map(({ level, fields }) => `${level} ${fields?.['severityText'] ?? ''}`.trim())
      }
      const { npm, syslog, cli } = own.config
      expect(await said(npm.levels)).to.deep.equal([
        'error',
        'warn',
        'info',
        'debug http',
        'debug verbose',
        'debug',
        'trace silly',
      ])
      expect(await said(syslog.levels)).to.deep.equal(
        ['fatal emerg', 'fatal alert', 'fatal crit', 'error', 'warn', 'info notice', 'info', 'debug'], // biome-ignore format: one line
      )
      expect((await said(cli.levels)).slice(0, 5)).to.deep.equal(['error', 'warn', 'info help', 'info data', 'info'])
      expect(await said({ worst: 0, error: 1, odd: 2, info: 3, last: 4 })).to.deep.equal([
        'error worst',
        'error',
        'info odd',
        'info',
        'info last',
      ])
    })

    it('takes what its own level, else that of the logger, lets pass, and nothing when either is silent', async () => {
      const events = await captured(() => {
        const logger = own.createLogger({
          level: 'debug',
          transports: [tracelaneTransport({ logger: 'own', level: 'warn' }), tracelaneTransport({ logger: 'inherited' })],
        })
        for (const level of ['warn', 'info', 'debug', 'silly']) logger.log(level, level)
        loggerWith({ silent: true }).info('silent')
        loggerWith({}, tracelaneTransport({ silent: true })).info('silent')
      })
      expect(events.map(({ logger, msg }) => `${logger} ${msg}`).sort()).to.deep.equal([
        'inherited debug',
        'inherited info',
        'inherited warn',
        'own warn',
      ])
    })

    it('keeps the ids of the call, with what another transport makes winston hold back', async () => {
      const stuck = new StuckTransport()
      const logger = own.createLogger({ transports: [stuck as unknown as winston.transport, tracelaneTransport()] })
      const ids: (string | undefined)[] = []
      const events = await captured(async () => {
        for (let i = 0; i < 100; i++) {
          runWithTrace(() => {
            ids.push(currentTraceId())
            logger.info(`line ${i}`)
          })
        }
        stuck.letGo()
        logger.end()
        await once(logger, 'finish')
      })
      expect(events.map(({ traceId }) => traceId)).to.deep.equal(ids)
    })

    it('takes one entry once: added twice, with handlers of exceptions, with traceMeta and attachTrace', async () => {
      const transport = tracelaneTransport({ handleExceptions: true })
      const logger = attachTrace(own.createLogger({ transports: [transport], defaultMeta: traceMeta({ service: 'shop' }) }))
      logger.add(transport)
      logger.exceptions.handle(transport)
      const events = await captured(() =>
        runWithTrace(() => {
          mdc.put('tenant', 't1')
          logger.info('text')
          logger.log({ level: 'error', message: 'uncaughtException: x', exception: true })
        }),
      )
      logger.exceptions.unhandle()
      expect(events.map(({ msg }) => msg)).to.deep.equal(['text', 'uncaughtException: x'])
      expect(events[0]?.fields).to.deep.equal({ tenant: 't1', service: 'shop' })
    })

    it('leaves exceptions out unless it handles them', async () => {
      const events = await captured(() => loggerWith().log({ level: 'error', message: 'x', exception: true }))
      expect(events).to.deep.equal([])
    })

    it('leaves the ends of spans to the port, so that logSpans doubles none', async () => {
      const file = new LinesFile()
      const stop = logSpans(loggerWith())
      runWithTrace(() => withSpan('charge card', () => {}))
      stop()
      expect((await file.lines()).map(({ logger }) => logger)).to.deep.equal(['tracelane.span'])
      await file.close()
    })

    it('leaves no secret in a line', async () => {
      const file = new LinesFile()
      loggerWith().error('https://ann:hunter2@db/', Object.assign(new Error('token=hunter2'), { password: 'hunter2' }))
      loggerWith().info('text', { user: { apiKey: 'hunter2' } })
      expect((await file.texts()).join())
        .to.include('[redacted]')
        .and.not.include('hunter2')
      await file.close()
    })

    it("'finish' comes when all is written", async () => {
      const file = new LinesFile()
      const transport = tracelaneTransport()
      const logger = loggerWith({}, transport)
      for (let i = 0; i < 1000; i++) logger.info(`line ${i}`)
      logger.end()
      await once(transport, 'finish')
      expect(file.textsNow()).to.have.length(1000)
      await file.close()
    })

    it('goes on when it was taken from a logger and added again', async () => {
      const transport = tracelaneTransport()
      const logger = loggerWith({}, transport)
      const events = await captured(() => {
        logger.info('1')
        logger.remove(transport as never)
        logger.add(transport)
        logger.info('2')
        logger.close()
      })
      expect(events.map(({ msg }) => msg)).to.deep.equal(['1', '2'])
    })

    describe('when an entry comes without what was captured', () => {
      const rebuilt = own.format((info) => ({ level: info.level, message: info.message, ...JSON.parse(JSON.stringify(info)) }))
      let complaints: string[]
      const listen = (message: unknown): void => {
        complaints.push((message as { message: string }).message)
      }

      beforeEach(() => {
        complaints = []
        internalFailure.subscribe(listen)
      })
      afterEach(() => internalFailure.unsubscribe(listen))

      it('uses the fields of attachTrace', async () => {
        const logger = attachTrace(loggerWith({}, tracelaneTransport({ format: rebuilt() })))
        let id: string | undefined
        const [event] = await captured(() =>
          runWithTrace(() => {
            id = currentTraceId()
            logger.info('text')
          }),
        )
        expect(event?.traceId).to.equal(id)
        expect(event?.fields).to.deep.equal({})
        expect(complaints).to.deep.equal([])
      })

      it('has no ids rather than wrong ones, and says so with the cure', async () => {
        const logger = loggerWith({}, tracelaneTransport({ format: rebuilt() }))
        const [event] = await captured(() => runWithTrace(() => logger.info('text')))
        expect(event).to.include({ msg: 'text', traceId: undefined })
        expect(complaints).to.have.length(1)
        expect(complaints[0]).to.include('attachTrace(logger)')
      })
    })
  })
}

describe('tracelaneTransport()', () => {
  for (const [how, kind] of Object.entries({ throw: 'uncaughtException', reject: 'unhandledRejection' })) {
    it(`has an ${kind} written, with its error and trace, before the process ends`, async () => {
      const program = projectFile('test/fixtures/adapters/winston-crash.cjs')
      const { code, stdout, stderr } = await runNode([program, how])
      const { traceId, msg, err } = JSON.parse(stdout) as {
        traceId: string
        msg: string
        err: { message: string; cause: unknown }
      }
      expect([code, stderr]).to.deep.equal([1, ''])
      expect(msg).to.include(`${kind}: lost it`)
      expect(err).to.deep.include({ type: 'TypeError', message: 'lost it' })
      expect(err.cause).to.include({ message: `in ${traceId}` })
    })
  }

  it('refuses options that do not exist or are wrong', () => {
    expect(() => tracelaneTransport({ levl: 'info' } as never)).to.throw("did you mean 'level'?")
    expect(() => tracelaneTransport({ format: {} as never })).to.throw('a format of winston')
  })

  it('is a transport for any logger of the process', () => {
    expect(tracelaneTransport()).to.be.instanceOf(TracelaneTransport)
  })
})
