import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import express from 'express'
import {
  close,
  configure,
  counters,
  currentTrace,
  extractTrace,
  fileSink,
  flush,
  getLogger,
  injectTrace,
  runWithTrace,
  type TraceContext,
} from 'tracelane'
import { traceMiddleware } from 'tracelane/middleware/express'
import { heavy, tempFolder } from '../support'
import { hostileCarrier, hostileLines } from '../support/hostile-headers'
import { serve } from '../support/http-server'
import { SeededRandom } from '../support/random'
import { rawConnect } from '../support/raw-http'

const SEEDS = [0x5eed0001, 0xbadcafe, 0x0ddba11, 42, 1_700_000_000, 0xdeadbeef, 7, 0x7ace1a4e, 20_26, 0xffffffff]
const CARRIERS = heavy ? 950_000 : 15_000
const REQUESTS = heavy ? 50_000 : 500
/** How many go between two flushes, so that the queue never has to discard. */
const ROUND = 250

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
const LINE_BREAKS = /\r\n/g
const TRACE_PARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/
const PRINTABLE = /^[\x20-\x7e]*$/
const CLOCK = /^[0-9a-f]{16}$/

function check(context: TraceContext | undefined, what: string): void {
  const { traceId, spanId, parentSpanId, flags, traceState } = context as TraceContext
  const sound =
    TRACE_PARENT.test(`00-${traceId}-${spanId}-0${flags}`) &&
    (parentSpanId === undefined || /^(?!0{16})[0-9a-f]{16}$/.test(parentSpanId)) &&
    PRINTABLE.test(traceState)
  if (!sound) throw new Error(`${what}: no valid context ${JSON.stringify(context)}`)
}

function checkSent(headers: Readonly<Record<string, string>>, what: string): void {
  const { traceparent = '', tracestate = '', baggage = '', 'tracelane-clock': clock = '' } = headers
  const sound =
    TRACE_PARENT.test(traceparent) &&
    tracestate.length <= 1024 &&
    tracestate.split(',').length <= 32 &&
    baggage.length <= 8192 &&
    PRINTABLE.test(tracestate + baggage) &&
    CLOCK.test(clock)
  if (!sound) throw new Error(`${what}: would send ${JSON.stringify(headers)}`)
}

function checkLines(path: string): number {
  const lines = readFileSync(path, 'utf8').split('\n')
  expect(lines.pop()).to.equal('')
  for (const line of lines) {
    if (CONTROL.test(line)) throw new Error(`a control character in ${JSON.stringify(line)}`)
    const { traceId, spanId, hlc } = JSON.parse(line) as Record<string, string>
    if (!TRACE_PARENT.test(`00-${traceId}-${spanId}-00`) || !CLOCK.test(hlc ?? '')) throw new Error(`wrong ids in ${line}`)
  }
  return lines.length
}

describe('hostile trace headers', function () {
  this.timeout(heavy ? 900_000 : 60_000)

  let path: string
  let discarded: number

  beforeEach(() => {
    path = join(tempFolder(), 'hostile.log')
    discarded = counters.eventsDiscarded
    void configure({ thread: false, level: 'info', sinks: [fileSink({ path })] })
  })

  afterEach(async () => {
    await close()
  })

  for (const seed of SEEDS) {
    it(`in ${CARRIERS / SEEDS.length} carriers of seed ${seed} never throw, and leave a valid context and clean lines`, async () => {
      const random = new SeededRandom(seed)
      const log = getLogger('hostile')
      const count = CARRIERS / SEEDS.length
      for (let i = 0; i < count; i++) {
        const carrier = hostileCarrier(random)
        runWithTrace(extractTrace(carrier), () => {
          const context = currentTrace() as TraceContext
          check(context, `seed ${seed}, carrier ${i}`)
          checkSent(injectTrace({} as Record<string, string>), `seed ${seed}, carrier ${i}`)
          const [key, entry] = context.baggage.entries().next().value ?? ['none', { value: '' }]
          log.info(context.traceState.slice(0, 200), { [key]: entry.value.slice(0, 200) })
        })
        if (i % ROUND === 0) await flush()
      }
      await flush()
      expect(checkLines(path)).to.equal(count)
      expect(counters.eventsDiscarded).to.equal(discarded)
    })
  }

  it(`in ${REQUESTS} pipelined requests through a socket to Express are all answered, each with a valid trace`, async () => {
    const app = express()
    app.use(traceMiddleware({ businessId: (req: express.Request) => req.get('baggage'), businessIdBaggage: true }))
    let served = 0
    app.get('/', (_req, res) => {
      served++
      check(currentTrace(), `request ${served}`)
      checkSent(injectTrace({} as Record<string, string>), `request ${served}`)
      getLogger('hostile').info('served')
      res.end('.')
    })
    const server = await serve(app)
    const random = new SeededRandom(SEEDS[0] as number)
    const fromCallers = counters.contextsAccepted
    let lines = 0
    for (let sent = 0; sent < REQUESTS; sent += ROUND) {
      const client = await rawConnect(server.port)
      const requests = Array.from({ length: ROUND }, () => {
        const headers = hostileLines(random).map(([name, value]) => `${name}: ${value}\r\n`)
        return `GET / HTTP/1.1\r\nhost: x\r\n${headers.join('')}\r\n`
      })
      client.socket.write(Buffer.from(requests.join(''), 'latin1'))
      const replies = await client.until('HTTP/1.1 200 OK', ROUND)
      client.socket.destroy()
      if (CONTROL.test(replies.replace(LINE_BREAKS, ''))) throw new Error('a control character in a reply')
      const ids = [...replies.matchAll(/\r\nx-trace-id: (.*)\r\n/g)].map(([, id]) => `00-${id}-${'1'.repeat(16)}-00`)
      expect(ids).to.have.length(ROUND)
      for (const id of ids) expect(id).to.match(TRACE_PARENT)
      for (const [, clock] of replies.matchAll(/\r\ntracelane-clock: (.*)\r\n/g)) expect(clock).to.match(CLOCK)
      lines += ROUND
      await flush()
    }
    await server.close()
    await flush()
    expect(served).to.equal(REQUESTS)
    expect(counters.contextsAccepted).to.be.greaterThan(fromCallers)
    expect(checkLines(path)).to.be.at.least(lines)
    expect(counters.eventsDiscarded).to.equal(discarded)
  })

  it('with bytes that HTTP forbids are refused by Node itself, and the next request is served', async () => {
    const app = express()
    app.use(traceMiddleware())
    app.get('/', (_req, res) => res.end(currentTrace()?.traceId))
    const server = await serve(app)
    for (const byte of ['\0', '\x01', '\x0b', '\x1b', '\x7f', '\n']) {
      const client = await rawConnect(server.port)
      client.socket.write(Buffer.from(`GET / HTTP/1.1\r\nhost: x\r\ntraceparent: 00-${byte}x\r\n\r\n`, 'latin1'))
      await client.until('HTTP/1.1 400 Bad Request')
      client.socket.destroy()
    }
    const client = await rawConnect(server.port)
    client.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    expect(await client.until('200 OK')).to.match(/x-trace-id: [0-9a-f]{32}\r\n/)
    client.socket.destroy()
    await server.close()
  })
})
