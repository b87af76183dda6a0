import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { runWithTrace, withSpan } from 'tracelane'
import { attachTrace, logSpans, traceMeta } from 'tracelane/adapters/winston'
import winston from 'winston'
import { currentTraceId } from '../../../lib/context'
import { tempFolder, until } from '../../support'
import { burst, wrong } from '../support'

describe('adapters/winston', () => {
  let file: string

  beforeEach(() => {
    file = join(tempFolder(), 'out.log')
  })

  /* The File transport makes the logger wait, as it does in production; one to a plain stream never does. */
  function loggerWith(options: winston.LoggerOptions): winston.Logger {
    return winston.createLogger({ ...options, transports: [new winston.transports.File({ filename: file })] })
  }

  /* Not `logger.end()`: winston then ends a transport that still has lines before it. */
  async function linesOf(logger: winston.Logger, count: number): Promise<string[]> {
    const lines = await until(`${count} lines`, () => {
      const written = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
      return written.length >= count && written
    })
    logger.close()
    return lines
  }

  const ways = {
    'traceMeta()': () => loggerWith({ defaultMeta: traceMeta({ service: 'shop' }) }),
    'attachTrace()': () => attachTrace(loggerWith({ defaultMeta: { service: 'shop' } })),
  }

  for (const [name, make] of Object.entries(ways)) {
    describe(name, () => {
      it('puts the right id and MDC on every line of 100 interleaved users under backpressure', async () => {
        const logger = make()
        const ids = await burst(200, (user, line) => logger.info('step', { user, line }))
        const lines = await linesOf(logger, 20_000)
        expect(lines).to.have.length(20_000)
        expect(wrong(lines, ids)).to.equal(0)
      })

      it('works with each form of the call and with child loggers', async () => {
        const logger = make()
        const id = runWithTrace(() => {
          logger.info('text')
          logger.log('info', 'text')
          logger.log({ level: 'info', message: 'text' })
          logger.child({ part: 'child' }).info('text', { a: 1 })
          return currentTraceId()
        })
        const lines = (await linesOf(logger, 4)).map((line) => JSON.parse(line) as Record<string, unknown>)
        expect(lines.map(({ traceId, service, message }) => [traceId, service, message])).to.deep.equal(
          Array(4).fill([id, 'shop', 'text']),
        )
        expect(lines[3]).to.include({ part: 'child', a: 1 })
      })

      it('adds nothing outside any trace', async () => {
        const logger = make()
        logger.info('text')
        expect((await linesOf(logger, 1)).map((line) => JSON.parse(line))).to.deep.equal([
          { level: 'info', message: 'text', service: 'shop' },
        ])
      })
    })
  }

  it('traceMeta() gives the fixed fields to whoever reads them, before anything was logged', () => {
    expect(traceMeta({ service: 'shop' })['service']).to.equal('shop')
  })

  it('shows that a winston format reads another flow under backpressure, which is why there is none here', async () => {
    const late = winston.format((info) => Object.assign(info, { traceId: currentTraceId() }))
    const logger = loggerWith({ format: winston.format.combine(late(), winston.format.json()) })
    const ids = await burst(200, (user, line) => logger.info('step', { user, line, tenant: `t${user}` }))
    expect(wrong(await linesOf(logger, 20_000), ids)).to.be.above(10_000)
  })

  describe('attachTrace()', () => {
    it('keeps the id of each request when one error object is logged by all of them', async () => {
      const logger = attachTrace(
        loggerWith({ format: winston.format.combine(winston.format.errors({ stack: true }), winston.format.json()) }),
      )
      const shared = new Error('pool is closed')
      const ids = Array.from({ length: 600 }, () =>
        runWithTrace(() => {
          logger.error(shared)
          return currentTraceId()
        }),
      )
      const lines = (await linesOf(logger, 600)).map((line) => JSON.parse(line) as Record<string, unknown>)
      expect(lines.map(({ traceId }) => traceId)).to.deep.equal(ids)
      expect(lines[0]).to.include({ message: 'pool is closed', stack: shared.stack })
      expect(shared).not.to.have.property('traceId')
    })

    it('covers children that were made before, and changes nothing the second time', async () => {
      const logger = loggerWith({})
      const child = logger.child({ part: 'child' })
      attachTrace(attachTrace(logger))
      const id = runWithTrace(() => {
        child.info('text')
        return currentTraceId()
      })
      const [line] = await linesOf(logger, 1)
      expect(JSON.parse(line as string)).to.include({ traceId: id, part: 'child' })
    })
  })

  it('logSpans() writes the ends of spans with their own ids', async () => {
    const logger = loggerWith({ defaultMeta: traceMeta() })
    const stop = logSpans(logger)
    const [outer, inner] = runWithTrace(() => withSpan('outer %s', () => [currentTraceId(), withSpan('inner', () => 0)]))
    stop()
    withSpan('not heard', () => 0)
    const lines = (await linesOf(logger, 2)).map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(inner).to.equal(0)
    expect(lines.map(({ logger: name, traceId }) => [name, traceId])).to.deep.equal(Array(2).fill(['tracelane.span', outer]))
    expect(lines[0]?.['parentSpanId']).to.equal(lines[1]?.['spanId'])
    expect(lines[1]?.['message']).to.match(/^outer %s ok /)
  })
})
