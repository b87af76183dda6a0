import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import * as logtape2 from '@logtape/logtape'
import { expect } from 'chai'
import log4js from 'log4js'
import pino from 'pino'
import {
  close,
  configure,
  counters,
  detach,
  extractTrace,
  fileSink,
  flush,
  type LoggingOptions,
  runWithTrace,
  signLevel,
} from 'tracelane'
import { tracelaneStream } from 'tracelane/adapters/bunyan'
import { routeConsole } from 'tracelane/adapters/console'
import { fastifyLogger } from 'tracelane/adapters/fastify'
import * as log4jsAppender from 'tracelane/adapters/log4js'
import { captureTrace, logtapeSink } from 'tracelane/adapters/logtape'
import { nestLogger } from 'tracelane/adapters/nest'
import { TracelaneLogProcessor } from 'tracelane/adapters/otel-logs'
import { tracelaneDestination } from 'tracelane/adapters/pino'
import { tracelaneTransport } from 'tracelane/adapters/winston'
import { captureEvents } from 'tracelane/testing'
import winston from 'winston'
import { jsonLinesOf, projectRoot, tempFolder } from '../support'
import { StuckTransport } from './support'

const load = createRequire(__filename)
const SECRET = 'spoken softly'
const KEPT = { traceparent: `00-${'e'.repeat(32)}-${'1'.repeat(16)}-03` }
const NAMES = ['eventsRecorded', 'eventsReplayed', 'eventsForgotten', 'eventsEvicted', 'eventsBelowLevel'] as const

/** Says something at a level of ours. */
type Say = (level: 'debug' | 'info' | 'error', msg: string) => void

/** A logger of the application's, set to debug as the guide says, whose lines enter under the name `orders`. */
interface Opened {
  readonly say: Say
  readonly end?: () => unknown
}

type Open = () => Opened | Promise<Opened>

function ofPino(own: typeof pino): Open {
  return () => {
    const log = own({ name: 'orders', level: 'debug' }, tracelaneDestination())
    return { say: (level, msg) => log[level](msg) }
  }
}

function ofWinston(own: typeof winston): Open {
  return () => {
    const log = own.createLogger({ level: 'debug', transports: [tracelaneTransport({ logger: 'orders' })] })
    return { say: (level, msg) => log[level](msg), end: () => log.close() }
  }
}

function ofBunyan(name: string): Open {
  return () => {
    const { createLogger } = load(name) as { createLogger(options: object): Record<string, (msg: string) => void> }
    const log = createLogger({ name: 'orders', streams: [{ type: 'raw', stream: tracelaneStream(), level: 'debug' }] })
    return { say: (level, msg) => log[level]?.(msg) }
  }
}

function ofLog4js(own: typeof log4js): Open {
  return () => {
    own.configure({
      appenders: { lane: { type: log4jsAppender } as never },
      categories: { default: { appenders: ['lane'], level: 'debug' } },
    })
    const log = own.getLogger('orders')
    return { say: (level, msg) => log[level](msg), end: () => new Promise((resolve) => own.shutdown(resolve)) }
  }
}

function ofLogtape(own: typeof logtape2): Open {
  return async () => {
    const exits = process.listeners('exit')
    const meta = { category: ['logtape', 'meta'], lowestLevel: 'warning', sinks: ['lane'] } as const
    const orders = { category: ['orders'], lowestLevel: 'debug', sinks: ['lane'] } as const
    await own.configure({ sinks: { lane: logtapeSink() }, loggers: [orders, meta] as never })
    const log = own.getLogger(['orders'])
    const end = async (): Promise<void> => {
      await own.reset()
      // LogTape adds one that it never removes
      for (const listener of process.listeners('exit')) if (!exits.includes(listener)) process.off('exit', listener)
    }
    return { say: (level, msg) => log[level](msg), end }
  }
}

const SEVERITY_NUMBER = { debug: 5, info: 9, error: 17 }

interface OtelLogger {
  emit(record: object): void
}

function ofOtel(name: string): Open {
  return () => {
    const { LoggerProvider } = createRequire(join(projectRoot, 'package.json'))(name) as {
      LoggerProvider: new (options: object) => { getLogger(name: string): OtelLogger; addLogRecordProcessor?(one: unknown): void }
    }
    const processor = new TracelaneLogProcessor()
    const provider = new LoggerProvider({ processors: [processor] })
    provider.addLogRecordProcessor?.(processor)
    const log = provider.getLogger('orders')
    return { say: (level, body) => log.emit({ severityNumber: SEVERITY_NUMBER[level], severityText: level, body }) }
  }
}

function ofConsole(): Opened {
  const end = routeConsole({ logger: 'orders' })
  return { say: (level, msg) => console[level](msg), end }
}

function ofNest(): Opened {
  const log = nestLogger()
  return { say: (level, msg) => log[level === 'info' ? 'log' : level](msg, 'orders') }
}

function ofFastify(): Opened {
  const log = fastifyLogger({ logger: 'orders' })
  return { say: (level, msg) => log[level](msg) }
}

/* Those whose own level lets debug pass; without a flight recorder it is written. */
const WITH_LEVELS: Readonly<Record<string, Open>> = {
  pino: ofPino(pino),
  'pino 9': ofPino(load('pino9') as typeof pino),
  winston: ofWinston(winston),
  'winston 3.2': ofWinston(load('winston-3.2') as typeof winston),
  bunyan: ofBunyan('bunyan'),
  'bunyan 1': ofBunyan('bunyan1'),
  log4js: ofLog4js(log4js),
  'log4js 5': ofLog4js(load('log4js5') as typeof log4js),
  LogTape: ofLogtape(logtape2),
  'LogTape 1': ofLogtape(load('logtape1') as typeof logtape2),
  'the logs SDK of OpenTelemetry': ofOtel('@opentelemetry/sdk-logs'),
  'its logs SDK 0.57': ofOtel('sdk-logs-0.57'),
}
const ALL = { ...WITH_LEVELS, NestJS: ofNest, Fastify: ofFastify, 'the console': ofConsole }

describe('the flight recorder of lines of other loggers', () => {
  let path: string
  let opened: Opened | undefined
  let before: Record<(typeof NAMES)[number], number>

  async function begin(open: Open, options: LoggingOptions): Promise<Say> {
    path = join(tempFolder(), 'out.log')
    await configure({ thread: false, sinks: [fileSink({ path })], ...options })
    opened = await open()
    before = { ...counters }
    return opened.say
  }

  afterEach(async () => {
    await opened?.end?.()
    opened = undefined
    await close()
  })

  const grown = (): Record<string, number> => Object.fromEntries(NAMES.map((name) => [name, counters[name] - before[name]]))

  interface Line {
    readonly msg: string
    readonly level: string | number
    readonly logger?: string
    readonly traceId?: string
    readonly replayed?: boolean
    readonly hlc: string
    readonly seq: number
  }

  async function linesOf(): Promise<Line[]> {
    await flush()
    return jsonLinesOf(path)
  }

  const said = (lines: readonly Line[]): string[] =>
    lines.map(({ msg, replayed }) => (replayed === true ? `${msg} replayed` : msg))

  for (const [name, open] of Object.entries(ALL)) {
    describe(`with ${name}`, () => {
      it('writes what is below the level here right before the line that made its trace fail, in order, and of no other', async () => {
        const USERS = 20
        const say = await begin(open, { flightRecorder: true })
        const one = (user: number) =>
          runWithTrace({ traceparent: `00-${(user + 1).toString(16).padStart(32, '0')}-${'1'.repeat(16)}-01` }, async () => {
            say('debug', `${user} asks`)
            await turn()
            say('info', `${user} works`)
            await turn()
            say('debug', `${user} looks`)
            await turn()
            if (user % 4 === 0) say('error', `${user} fails`)
          })
        await Promise.all(Array.from({ length: USERS }, (_, user) => one(user)))
        const lines = await linesOf()
        for (let user = 0; user < USERS; user++) {
          const own = lines.filter(({ msg }) => msg.startsWith(`${user} `))
          const replayed = [`${user} asks replayed`, `${user} looks replayed`, `${user} fails`]
          expect(said(own)).to.deep.equal([`${user} works`, ...(user % 4 === 0 ? replayed : [])])
          for (const { traceId } of own) expect(traceId).to.equal((user + 1).toString(16).padStart(32, '0'))
          // The clock is that of the call: by it the reader puts them at their place
          const byClock = own.toSorted((a, b) => (a.hlc < b.hlc ? -1 : 1)).map(({ msg }) => msg.split(' ')[1])
          expect(byClock).to.deep.equal(user % 4 === 0 ? ['asks', 'works', 'looks', 'fails'] : ['works'])
        }
        expect(lines.map(({ seq }, i) => seq - i)).to.deep.equal(lines.map(() => lines[0]?.seq))
        for (const [i, { msg }] of lines.entries()) {
          if (msg.endsWith('fails')) expect(said(lines.slice(i - 2, i)).every((text) => text.endsWith('replayed'))).to.equal(true)
        }
        await close()
        const failed = 2 * (USERS / 4)
        expect(grown()).to.deep.equal({
          eventsRecorded: 2 * USERS,
          eventsReplayed: failed,
          eventsForgotten: 0,
          eventsEvicted: 2 * USERS - failed,
          eventsBelowLevel: 0,
        })
      })

      it('follows the level that its name has here', async () => {
        const say = await begin(open, { flightRecorder: true, levels: { orders: 'debug' } })
        runWithTrace(() => say('debug', 'written'))
        expect(said(await linesOf())).to.deep.equal(['written'])
      })

      it('writes a targeted trace at once', async () => {
        const say = await begin(open, { flightRecorder: true, targetedDebug: { secret: SECRET } })
        runWithTrace(extractTrace({ ...KEPT, 'tracelane-level': signLevel({ secret: SECRET }) }), () => say('debug', 'wanted'))
        expect(said(await linesOf())).to.deep.equal(['wanted'])
      })
    })
  }

  for (const [name, open] of Object.entries(WITH_LEVELS)) {
    describe(`with ${name}, set to debug`, () => {
      it('writes what is below the level here when there is no recorder', async () => {
        const say = await begin(open, {})
        runWithTrace(() => say('debug', 'inside'))
        say('debug', 'outside')
        expect(said(await linesOf())).to.deep.equal(['inside', 'outside'])
        expect(grown()['eventsRecorded']).to.equal(0)
      })

      it('leaves out and counts what is outside any trace, below the level of the recorder, or of a logger that is off', async () => {
        const say = await begin(open, { flightRecorder: { level: 'info' }, levels: { orders: 'error' } })
        const told: unknown[] = []
        const listener = (message: unknown): void => {
          const { reason, event } = message as { reason: string; event: { msg: string } }
          told.push([reason, event.msg])
        }
        subscribe('tracelane.event.left-out', listener)
        say('info', 'outside')
        runWithTrace(() => {
          say('debug', 'too low')
          say('info', 'kept')
          say('error', 'failed')
        })
        await configure({ thread: false, sinks: [fileSink({ path })], flightRecorder: true, levels: { orders: 'off' } })
        runWithTrace(() => say('error', 'off'))
        unsubscribe('tracelane.event.left-out', listener)
        expect(said(await linesOf())).to.deep.equal(['kept replayed', 'failed'])
        expect(told).to.deep.equal([
          ['level', 'outside'],
          ['level', 'too low'],
          ['level', 'off'],
        ])
        expect(grown()).to.include({ eventsBelowLevel: 3, eventsRecorded: 1 })
      })

      it('gives everything to a test that captures events', async () => {
        const say = await begin(open, { flightRecorder: true })
        const captured = captureEvents()
        runWithTrace(() => say('debug', 'told'))
        captured.restore()
        expect(captured.events.map(({ msg }) => msg)).to.deep.equal(['told'])
      })
    })
  }

  it('knows the trace of a line that winston hands over later, from another flow', async () => {
    const stuck = new StuckTransport()
    let log: winston.Logger | undefined
    const open = (): Opened => {
      const own = winston.createLogger({
        level: 'debug',
        transports: [stuck as never, tracelaneTransport({ logger: 'orders' })],
      })
      log = own
      return { say: (level, msg) => own[level](msg), end: () => own.close() }
    }
    const say = await begin(open, { flightRecorder: true })
    const COUNT = 40
    runWithTrace(() => {
      for (let i = 0; i < COUNT; i++) say('debug', `${i}`)
      say('error', 'failed')
    })
    runWithTrace(() => say('debug', 'of another'))
    expect(log?.writableLength).to.be.above(0)
    detach(() => stuck.letGo())
    await turn()
    expect(said(await linesOf())).to.deep.equal([...Array.from({ length: COUNT }, (_, i) => `${i} replayed`), 'failed'])
  })

  it('knows the trace of a record that a sink of LogTape holds back, inside captureTrace()', async () => {
    const held: logtape2.LogRecord[] = []
    const sink = logtapeSink()
    const exits = process.listeners('exit')
    const open = async (): Promise<Opened> => {
      await logtape2.configure({
        sinks: { lane: captureTrace((record: logtape2.LogRecord) => void held.push(record)) },
        loggers: [
          { category: ['orders'], lowestLevel: 'debug', sinks: ['lane'] },
          { category: ['logtape', 'meta'], lowestLevel: 'warning', sinks: ['lane'] },
        ],
      })
      const log = logtape2.getLogger(['orders'])
      return { say: (level, msg) => log[level](msg), end: () => logtape2.reset() }
    }
    const say = await begin(open, { flightRecorder: true })
    runWithTrace(() => {
      say('debug', 'before')
      say('error', 'failed')
    })
    for (const record of held) sink(record)
    expect(said(await linesOf())).to.deep.equal(['before replayed', 'failed'])
    for (const listener of process.listeners('exit')) if (!exits.includes(listener)) process.off('exit', listener)
  })

  it('can not keep a record of a span of OpenTelemetry that is no trace of ours', async () => {
    const say = await begin(
      () => {
        const processor = new TracelaneLogProcessor()
        const of = (level: 'debug' | 'info' | 'error', body: string): void =>
          processor.onEmit({
            hrTime: [1_763_683_905, 0],
            spanContext: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 },
            severityNumber: SEVERITY_NUMBER[level],
            body,
            attributes: {},
            instrumentationScope: { name: 'orders' },
          })
        return { say: of }
      },
      { flightRecorder: true },
    )
    runWithTrace(() => say('debug', 'of another trace'))
    say('error', 'failed')
    expect(said(await linesOf())).to.deep.equal(['failed'])
    expect(grown()).to.include({ eventsBelowLevel: 1, eventsRecorded: 0 })
  })
})
