import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import pino from 'pino'
import {
  close,
  configure,
  extractTrace,
  fileSink,
  flush,
  getLevels,
  type LayoutOption,
  type LogEvent,
  type LoggingOptions,
  runWithTrace,
  signLevel,
} from 'tracelane'
import { routeConsole } from 'tracelane/adapters/console'
import { fastifyLogger } from 'tracelane/adapters/fastify'
import { nestLogger } from 'tracelane/adapters/nest'
import { tracelaneDestination } from 'tracelane/adapters/pino'
import { tempFolder } from '../support'

const LAYOUTS = ['json', 'ecs', 'otel', 'pretty', 'function'] as const
const PATTERN = { kind: 'pattern', pattern: '%p %m %fields%n' } as const
/* What is in the lines of each layout for a rate and for a replayed line; undefined: that layout does not tell. */
const RATE = /"(?:tracelane\.)?rate"(?::|,"value":\{"doubleValue":)0\.5/
const REPLAYED = /"(?:tracelane\.)?replayed"(?::|,"value":\{"boolValue":)true|\(replayed\)/
/* The highest random bits, so that it is in every sample. */
const KEPT = { traceparent: `00-${'e'.repeat(32)}-${'1'.repeat(16)}-03` }
const LEFT_OUT = { traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-03` }
const SECRET = 'spoken softly'

describe('how much other loggers write through our appenders', () => {
  let folder: string

  async function linesOf(options: LoggingOptions, log: () => void): Promise<Record<string, string>> {
    folder = tempFolder()
    const write = ({ fields, err, rate, replayed, line }: LogEvent): string =>
      JSON.stringify({ fields, err: err instanceof Error ? err.message : err, rate, replayed, line })
    const layouts = { ...Object.fromEntries(LAYOUTS.map((name) => [name, name === 'function' ? write : name])), pattern: PATTERN }
    const sinks = Object.entries(layouts).map(([name, layout]) =>
      fileSink({ path: join(folder, name), layout: layout as LayoutOption }),
    )
    await configure({ thread: false, sinks, ...options })
    log()
    await flush()
    return Object.fromEntries(Object.keys(layouts).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
  }

  afterEach(() => close())

  it('tells the rate, the fields and the error of a line of pino in every layout', async () => {
    const log = pino({ base: null }, tracelaneDestination())
    const texts = await linesOf({ sampling: { rate: 0.5 } }, () => {
      runWithTrace(LEFT_OUT, () => log.info('left out'))
      runWithTrace(KEPT, () => log.info({ cart: { items: 41 }, err: new Error('broken') }, 'kept'))
    })
    for (const [name, text] of Object.entries(texts)) {
      expect(text, name)
        .to.match(/items/)
        .and.match(/41/)
        .and.match(/broken/)
        .and.not.match(/left out/)
      if (name !== 'pretty' && name !== 'pattern') expect(text, name).to.match(RATE)
    }
  })

  it('writes the lines of pino that the sampling left out when their trace fails, marked, in every layout', async () => {
    const log = pino({ base: null }, tracelaneDestination())
    const texts = await linesOf({ sampling: { rate: 0 }, flightRecorder: true }, () => {
      runWithTrace(KEPT, () => {
        log.info({ cart: { items: 41 }, err: new Error('broken') }, 'first')
        log.error('failed')
      })
    })
    for (const [name, text] of Object.entries(texts)) {
      const [first = ''] = text.split('\n')
      expect(text, name)
        .to.match(/items/)
        .and.match(/41/)
        .and.match(/broken/)
      if (name !== 'pattern') expect(first, name).to.match(REPLAYED)
    }
    expect(texts['json']?.trim().split('\n')).to.have.length(2)
  })

  it('reckons the memory of a kept line by its text', async () => {
    const log = pino({ base: null }, tracelaneDestination())
    const texts = await linesOf({ sampling: { rate: 0 }, flightRecorder: { maxTraceBytes: 4096 } }, () => {
      runWithTrace(KEPT, () => {
        log.info({ text: 'x'.repeat(4000) }, 'large')
        log.info('small')
        log.error('failed')
      })
    })
    expect(texts['json']).not.to.include('large')
    expect(texts['json']).to.include('small')
  })

  it('gives no secret of a line of pino to a layout of the application', async () => {
    const log = pino({ base: null }, tracelaneDestination())
    const texts = await linesOf({}, () => log.info({ password: 'hunter2', n: 7 }, 'said'))
    for (const [name, text] of Object.entries(texts)) expect(text, name).to.include('7').and.not.include('hunter2')
  })

  it('adds no name to the hierarchy for what it repeats or replays', async () => {
    const logger = pino({ base: null }, tracelaneDestination({ logger: 'of.data.replayed' }))
    await linesOf(
      { sampling: { rate: 0 }, flightRecorder: true, filters: [{ kind: 'duplicate', allowedRepetitions: 0 }] },
      () => {
        runWithTrace(KEPT, () => {
          logger.info('first')
          logger.error('failed')
          logger.error('failed')
        })
      },
    )
    expect(Object.keys(getLevels()).filter((name) => name.split('.')[0] === 'of')).to.deep.equal([])
  })

  it('throws nothing at the caller when fields cannot be read and there are serializers', async () => {
    const fields = {
      req: 1,
      get a(): never {
        throw new Error('no')
      },
    }
    const { json } = await linesOf({ serializers: { req: (req) => req } }, () => fastify.info(fields, 'said'))
    expect(json).to.include('[arguments threw: no]')
  })

  const nest = nestLogger()
  const fastify = fastifyLogger()
  const own: Readonly<Record<string, (level: 'debug' | 'error', msg: string) => void>> = {
    NestJS: (level, msg) => nest[level](msg),
    Fastify: (level, msg) => fastify[level](msg),
    'the console': (level, msg) => {
      const restore = routeConsole()
      console[level](msg)
      restore()
    },
  }
  for (const [what, log] of Object.entries(own)) {
    it(`turns one trace to debug for ${what} too, and no other`, async () => {
      const { json } = await linesOf({ targetedDebug: { secret: SECRET } }, () => {
        log('debug', 'outside')
        runWithTrace(KEPT, () => log('debug', 'another'))
        runWithTrace(extractTrace({ ...KEPT, 'tracelane-level': signLevel({ secret: SECRET }) }), () => log('debug', 'wanted'))
      })
      expect(json)
        .to.include('wanted')
        .and.not.match(/outside|another/)
    })

    it(`keeps what ${what} says below the level until its trace fails`, async () => {
      const { json = '' } = await linesOf({ flightRecorder: true }, () => {
        runWithTrace(() => log('debug', 'of a trace that goes well'))
        runWithTrace(() => {
          log('debug', 'before')
          log('error', 'failed')
        })
      })
      const said = json
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as LogEvent)
      expect(said.map(({ msg, replayed }) => [msg, replayed])).to.deep.equal([
        ['before', true],
        ['failed', undefined],
      ])
    })
  }
})
