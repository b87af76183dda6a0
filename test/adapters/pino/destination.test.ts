import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect } from 'chai'
import pino from 'pino'
import pino9 from 'pino9'
import { configure, currentTraceId, fileSink, flush, mdc, runWithTrace, withSpan } from 'tracelane'
import { logSpans, tracelaneDestination, traceMixin } from 'tracelane/adapters/pino'
import { captured } from '../captured'
import { LinesFile } from '../lines'

/* Its declarations would put a pino logger on every request of this program. */
const pinoHttp = createRequire(__filename)('pino-http') as (options: object, destination: object) => { logger: pino.Logger }

const VERSIONS = { pino, pino9: pino9 as unknown as typeof pino }

const FAILURE = new Error('outer', { cause: new TypeError('inner') })

/* What the destination adds at the end of a line of pino's. */
const ADDED = /(,"traceId":"[0-9a-f]{32}","spanId":"[0-9a-f]{16}")?,"hlc":"[0-9a-f]{16}","seq":\d+,"instance":"[0-9a-f]{16}"\}$/

for (const [version, make] of Object.entries(VERSIONS)) {
  describe(`tracelaneDestination() of ${version}`, () => {
    let file: LinesFile

    beforeEach(() => {
      file = new LinesFile()
    })

    afterEach(() => file.close())

    /* Logs the same through two loggers, one of them to a plain destination, and gives the lines of both. */
    async function bothWays(options: pino.LoggerOptions, log: (logger: pino.Logger) => void): Promise<[string[], string[]]> {
      const plain: string[] = []
      const fixed = { timestamp: () => ',"time":1', ...options }
      runWithTrace(() => {
        log(make(fixed, { write: (line: string) => plain.push(line.trimEnd()) }))
        log(make(fixed, tracelaneDestination()))
      })
      return [plain, await file.texts()]
    }

    const cases: Readonly<Record<string, readonly [options: pino.LoggerOptions, log: (logger: pino.Logger) => void]>> = {
      'plain lines': [{}, (log) => log.info({ a: { b: [1, '"'] } }, 'text %s', 'x')],
      'child loggers and their serializers': [
        {},
        (log) => log.child({ part: 7, own: 1 }, { serializers: { own: () => 'serialized' } }).warn({ own: 2 }, 'text'),
      ],
      redaction: [{ redact: ['note', 'a.*.number'] }, (log) => log.info({ note: 'p', a: { b: { number: 1 } } }, 'text')],
      formatters: [
        {
          formatters: {
            level: (label) => ({ severity: label }),
            log: (o) => ({ ...o, more: 1 }),
            bindings: () => ({ who: 'me' }),
          },
        },
        (log) => log.error({ a: 1 }, 'text'),
      ],
      messageKey: [{ messageKey: 'text' }, (log) => log.info('said')],
      isoTime: [{ timestamp: () => ',"time":"2026-01-01T00:00:00.000Z"' }, (log) => log.info('said')],
      'no timestamp': [{ timestamp: false }, (log) => log.info('said')],
      nestedKey: [{ nestedKey: 'payload' }, (log) => log.info({ traceId: 'inside', tenant: 1 }, 'said')],
      'base null': [{ base: null }, (log) => log.info('said')],
      errors: [{}, (log) => log.error(FAILURE, 'text')],
      crlf: [{ crlf: true }, (log) => log.info('said')],
      msgPrefix: [{}, (log) => log.child({}, { msgPrefix: '[p] ' }).info('said')],
      'custom levels': [
        { customLevels: { audit: 35 } },
        (log) => (log as unknown as { audit(text: string): void }).audit('said'),
      ],
      'nothing but a message': [{ base: null, timestamp: false, formatters: { level: () => ({}) } }, (log) => log.info('said')],
    }

    for (const [what, [options, log]] of Object.entries(cases)) {
      it(`keeps pino's own line, byte for byte: ${what}`, async () => {
        const [plain, ours] = await bothWays(options, log)
        expect(ours.map((line) => line.replace(ADDED, '}'))).to.deep.equal(plain)
        expect(ours[0]).to.match(ADDED)
      })
    }

    it('adds ids and MDC of the flow, and leaves MDC keys alone that the line has', async () => {
      const log = make(tracelaneDestination())
      const id = runWithTrace(() => {
        mdc.put('tenant', 't1')
        mdc.put('cart', 'c1')
        log.info({ cart: 'own', deep: { tenant: 'inside' } }, 'text')
        log.child({ tenant: 'bound' }).info('text')
        return currentTraceId()
      })
      log.info('outside')
      const [first, second, third] = await file.lines()
      expect(first).to.include({ traceId: id, tenant: 't1', cart: 'own' })
      expect(second).to.include({ traceId: id, tenant: 'bound', cart: 'c1' })
      expect(third).to.have.keys('level', 'time', 'pid', 'hostname', 'msg', 'hlc', 'seq', 'instance')
    })

    it('takes out what redaction calls secret, and nothing else', async () => {
      const log = make({ redact: ['pin'] }, tracelaneDestination())
      log.info({ password: 'hunter2', pin: 1, user: { apiKey: 'k', name: 'ann' } }, 'at https://ann:hunter2@db/')
      log.error(Object.assign(new Error('token=hunter2'), { cookie: 'hunter2' }))
      const texts = await file.texts()
      expect(texts.join()).to.not.include('hunter2')
      expect(JSON.parse(texts[0] as string)).to.deep.include({
        password: '[redacted]',
        pin: '[Redacted]',
        user: { apiKey: '[redacted]', name: 'ann' },
      })
    })

    it('lets the right id have the last word over a field called traceId', async () => {
      const log = make(tracelaneDestination())
      const id = runWithTrace(() => {
        log.info({ traceId: 'forged', spanId: 'forged', hlc: 'forged' }, 'text')
        return currentTraceId()
      })
      const [line] = await file.lines()
      expect(line?.['traceId']).to.equal(id)
      expect(line?.['hlc']).to.match(/^[0-9a-f]{16}$/)
    })

    it('says everything once beside traceMixin, with the clock of the mixin', async () => {
      const log = make({ mixin: traceMixin }, tracelaneDestination())
      runWithTrace(() => {
        mdc.put('tenant', 't1')
        log.info({ nested: { hlc: 'inside' } }, 'text')
      })
      const [text] = await file.texts()
      expect(text?.match(/"(traceId|spanId|tenant)":/g)).to.deep.equal(['"tenant":', '"traceId":', '"spanId":'])
      expect(text?.match(/"hlc":"[0-9a-f]{16}"/g)).to.have.length(1)
      expect(text).to.match(/,"msg":"text","seq":\d+,"instance":"[0-9a-f]{16}"\}$/)
    })

    it('adds the ids at the top when nestedKey has put those of the mixin deeper', async () => {
      const log = make({ mixin: traceMixin, nestedKey: 'payload' }, tracelaneDestination())
      const id = runWithTrace(() => {
        log.info('text')
        return currentTraceId()
      })
      const [line] = await file.lines()
      expect(line).to.include({ traceId: id })
      expect(line?.['payload']).to.include({ traceId: id, hlc: line?.['hlc'] })
    })

    it('enters under the name of the logger or child, or the one that is given', async () => {
      const events = await captured(() => {
        make({ name: 'orders' }, tracelaneDestination()).info('1')
        make({ name: 'orders' }, tracelaneDestination()).child({ name: 'orders.db' }).info('2')
        make(tracelaneDestination()).info('3')
        make({ name: 'orders' }, tracelaneDestination({ logger: 'mine' })).info('4')
      })
      expect(events.map(({ logger }) => logger)).to.deep.equal(['orders', 'orders.db', 'pino', 'mine'])
    })

    it('maps levels by their names, and those of the application by their numbers', async () => {
      const events = await captured(() => {
        const log = make(
          { level: 'trace', customLevels: { audit: 35, silly: 12, worst: 70, notice: 25 } },
          tracelaneDestination(),
        )
        for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'audit', 'silly', 'worst', 'notice'] as const) {
          log[level]('text')
        }
        const syslog = { emerg: 1, warning: 2, debug: 3 }
        const own = make({ customLevels: syslog, useOnlyCustomLevels: true, level: 'emerg' }, tracelaneDestination())
        for (const level of ['emerg', 'warning', 'debug'] as const) own[level]('text')
      })
      expect(events.map(({ level }) => level).join(' ')).to.equal(
        'trace debug info warn error fatal info trace fatal info fatal warn debug',
      )
    })

    it('gives message, fields and error to layouts and filters that need them', async () => {
      const events = await captured(() => {
        const log = make({ messageKey: 'text' }, tracelaneDestination())
        log.error({ a: 1, err: new TypeError('boom') }, 'said')
        log.error(new RangeError('alone'))
        make(tracelaneDestination()).info({ msg: 'in the object', b: [2] })
      })
      expect(events.map(({ msg }) => msg)).to.deep.equal(['said', 'alone', 'in the object'])
      expect(events.map(({ fields }) => fields)).to.deep.equal([{ a: 1 }, {}, { b: [2] }])
      expect(events[0]?.err).to.be.instanceOf(Error).and.include({ name: 'TypeError', message: 'boom' })
      expect((events[1]?.err as Error | undefined)?.stack).to.match(/^RangeError: alone\n {4}at /)
    })

    it('works as one of several destinations and as that of pino-http', async () => {
      const beside: string[] = []
      const streams = [
        { stream: { write: (line: string) => beside.push(line) } },
        { level: 'warn' as const, stream: tracelaneDestination() },
      ]
      const log = make({ name: 'several', mixin: traceMixin }, make.multistream(streams))
      const http = pinoHttp({ name: 'served' }, tracelaneDestination())
      const id = runWithTrace(() => {
        log.info('below')
        log.warn('above')
        http.logger.info('served')
        return currentTraceId()
      })
      expect(beside).to.have.length(2)
      const lines = await file.lines()
      expect(lines.map(({ msg, traceId }) => [msg, traceId])).to.deep.equal([
        ['above', id],
        ['served', id],
      ])
    })

    it('has everything written when the callback of flush comes, and after a fatal line at once', async () => {
      const log = make(tracelaneDestination())
      log.info('before')
      await new Promise<void>((resolve, reject) => log.flush((error) => (error === undefined ? resolve() : reject(error))))
      expect(file.textsNow()).to.have.length(1)
      log.fatal('the end')
      expect(file.textsNow()).to.have.length(2)
    })

    it('leaves the ends of spans to the port, so that logSpans doubles none', async () => {
      const stop = logSpans(make(tracelaneDestination()))
      runWithTrace(() => withSpan('charge card', () => {}))
      stop()
      expect((await file.lines()).map(({ logger, level }) => [logger, level])).to.deep.equal([['tracelane.span', 'info']])
    })
  })
}

describe('tracelaneDestination()', () => {
  let file: LinesFile

  beforeEach(() => {
    file = new LinesFile()
  })

  afterEach(() => file.close())

  it('takes lines of loggers that tell nothing, by what they say', async () => {
    const destination = tracelaneDestination()
    const events = await captured(() => {
      destination.write('{"level":50,"message":"numbered"}\n')
      destination.write('{"level":"warning","msg":"named"}\n')
      destination.write('{"a":1}\n')
      destination.write('no JSON at all\n')
      destination.write('{nor this}\n')
      destination.write('{"a":1,\n"b":2}\n')
    })
    expect(events.map(({ level, msg }) => `${level} ${msg}`)).to.deep.equal([
      'error numbered',
      'warn named',
      'info ',
      'info no JSON at all',
      'info {nor this}',
      'info ',
    ])
    expect(events[5]?.line).to.equal('{"a":1, "b":2}')
  })

  it('writes an empty object as one that has what was added', async () => {
    tracelaneDestination().write('{}\n')
    expect(await file.lines()).to.have.lengthOf(1)
  })

  it('adds to a line with white space around it, of whoever else writes, what it lacks', async () => {
    tracelaneDestination().write(' {"a":1} \r\n')
    const [line] = await file.lines()
    expect(line).to.include({ a: 1 }).and.to.have.property('seq')
  })

  it('refuses options that do not exist', () => {
    expect(() => tracelaneDestination({ loger: 'a' } as never)).to.throw("did you mean 'logger'?")
  })

  it('lets other layouts print the parts of the line', async () => {
    const path = `${file.path}.ecs`
    void configure({ sinks: [fileSink({ path, layout: 'ecs' })] })
    const id = runWithTrace(() => {
      pino({ name: 'orders' }, tracelaneDestination()).warn({ a: 1, err: new TypeError('boom') }, 'said')
      return currentTraceId()
    })
    await flush()
    const { error, ...line } = JSON.parse(readFileSync(path, 'utf8')) as { error: object }
    expect(line).to.deep.include({
      'log.level': 'warn',
      message: 'said',
      'log.logger': 'orders',
      'trace.id': id,
      labels: { a: '1' },
    })
    expect(error).to.include({ type: 'TypeError', message: 'boom' })
  })
})
