import { expect } from 'chai'
import type { AsyncAppenderOptions } from '../../lib/appender'
import { AsyncAppender } from '../../lib/appender'
import { captureEvent, type LogEvent } from '../../lib/event'
import { Destination, type Line } from './destination'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

/* The lines that events of one trace become. */
async function linesOf(events: readonly Partial<LogEvent>[], options: AsyncAppenderOptions): Promise<Line[]> {
  const destination = new Destination()
  const appender = new AsyncAppender([destination.sink], { service: undefined }, { maxFlushTimeMs: 20_000, ...options })
  const base = captureEvent(undefined, { level: 'info', logger: 'x', msg: 'm' })
  events.forEach((event, i) => {
    appender.append({ ...base, traceId: TRACE, spanId: '00f067aa0ba902b7', ...event }, i)
  })
  await appender.close()
  return destination.lines()
}

describe('maxEventBytes', () => {
  for (const [what, event] of [
    ['message', { msg: 'x'.repeat(5000) }],
    ['message that is not ASCII', { msg: '€'.repeat(2000) }],
    ['message that JSON makes six times as long', { msg: '\u0001'.repeat(900) }],
    ['message that is cut within a pair', { msg: `${'x'.repeat(84)}${'😀'.repeat(1000)}` }],
    ['field', { fields: { big: 'x'.repeat(5000) } }],
    ['error', { err: new Error('x'.repeat(5000)) }],
    ['MDC', { mdc: { big: 'x'.repeat(5000) } }],
    ['name of a logger', { logger: 'x'.repeat(5000) }],
  ] as const) {
    for (const thread of [true, false]) {
      it(`cuts a line with a large ${what}: it is JSON, says how large it was, and has its ids${thread ? '' : ', without a thread'}`, async () => {
        const [whole] = await linesOf([event], {})
        const [line, next] = await linesOf([event, { msg: 'next' }], { maxEventBytes: 1024, thread })
        expect(Buffer.byteLength(JSON.stringify(line))).to.be.at.most(1024)
        // What is captured for the flush thread is less than the line, by what it shares with others.
        const size = Buffer.byteLength(`${JSON.stringify(whole)}\n`)
        if (thread) expect(line?.truncatedBytes).to.be.within(size - 300, size + 300)
        else expect(line?.truncatedBytes).to.equal(size)
        expect(line).to.include({ traceId: TRACE, spanId: '00f067aa0ba902b7', level: 'info', seq: 0 })
        expect((event as Partial<LogEvent>).msg ?? 'm').to.satisfy((msg: string) => msg.startsWith(line?.msg ?? '-'))
        expect(line?.msg).to.not.equal('')
        expect(line?.msg?.isWellFormed(), 'no half of a pair').to.equal(true)
        expect(next?.msg).to.equal('next')
      })
    }
  }

  it('leaves a line of exactly that size, and cuts one of a byte more', async () => {
    const [empty] = await linesOf([{ msg: '' }], {})
    const rest = 2000 - Buffer.byteLength(`${JSON.stringify(empty)}\n`)
    const lines = await linesOf([{ msg: 'x'.repeat(rest) }, { msg: 'x'.repeat(rest + 1) }], {
      maxEventBytes: 2000,
      thread: false,
    })
    expect(lines.map(({ truncatedBytes }) => truncatedBytes)).to.deep.equal([undefined, 2001])
  })

  it('keeps the MDC where that fits', async () => {
    const [line] = await linesOf([{ msg: 'x'.repeat(5000), mdc: { user: 'ann' } }], { maxEventBytes: 1024 })
    expect(line).to.include({ user: 'ann' })
  })
})

describe('an event that is larger than the ring', () => {
  for (const thread of [true, false]) {
    it(`is written where it belongs, among small ones${thread ? '' : ', without a thread'}`, async () => {
      const events = Array.from({ length: 40 }, (_, i) => ({ msg: `${i} ${'€'.repeat(i % 4 === 3 ? 20_000 : 10)}` }))
      const lines = await linesOf(events, { queueBytes: 8192, overflow: 'block', thread })
      expect(lines.map(({ msg }) => msg)).to.deep.equal(events.map(({ msg }) => msg))
    })
  }

  it('is asked for its fields once', async () => {
    let asked = 0
    const fields = {
      get big() {
        asked++
        return 'x'.repeat(50_000)
      },
    }
    await linesOf([{ fields }], { queueBytes: 8192 })
    expect(asked).to.equal(1)
  })
})
