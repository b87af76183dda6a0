import { expect } from 'chai'
import pino from 'pino'
import { currentTraceId, mdc, runWithTrace, withSpan } from 'tracelane'
import { logSpans, traceMixin } from 'tracelane/adapters/pino'
import { burst, SlowDestination, wrong } from '../support'

describe('adapters/pino', () => {
  function loggerTo(lines: string[]): pino.Logger {
    return pino({ mixin: traceMixin, base: null }, { write: (line: string) => lines.push(line) })
  }

  describe('traceMixin()', () => {
    it('puts the right id and MDC on every line of 100 interleaved users', async () => {
      const destination = new SlowDestination()
      const logger = pino({ mixin: traceMixin }, destination)
      const ids = await burst(200, (user, line) => logger.info({ user, line }, 'step'))
      destination.end()
      await new Promise((resolve) => destination.once('finish', resolve))
      expect(destination.lines).to.have.length(20_000)
      expect(wrong(destination.lines, ids)).to.equal(0)
    })

    it('adds ids, clock and MDC, lets a field of the call win, and covers child loggers', () => {
      const lines: string[] = []
      const logger = loggerTo(lines)
      const id = runWithTrace(() => {
        mdc.put('a', 1)
        mdc.put('b', 1)
        logger.child({ part: 'child' }).info({ b: 2 }, 'text')
        return currentTraceId()
      })
      const line = JSON.parse(lines[0] as string) as Record<string, string>
      expect(line).to.include({ traceId: id, part: 'child', a: 1, b: 2, msg: 'text' })
      expect(line['spanId']).to.match(/^[0-9a-f]{16}$/)
      expect(line['hlc']).to.match(/^[0-9a-f]{16}$/)
    })

    it('adds nothing outside any trace', () => {
      expect(traceMixin()).to.deep.equal({})
    })

    it('gives a later clock to each line', () => {
      const clocks = runWithTrace(() => Array.from({ length: 1000 }, () => traceMixin()['hlc'] as string))
      expect(clocks).to.deep.equal([...new Set(clocks)].sort())
    })
  })

  it('logSpans() writes the ends of spans with their own ids', () => {
    const lines: string[] = []
    const stop = logSpans(loggerTo(lines))
    const id = runWithTrace(() => withSpan('charge card', () => currentTraceId()))
    stop()
    withSpan('not heard', () => {})
    expect(lines).to.have.length(1)
    expect(JSON.parse(lines[0] as string)).to.deep.include({ level: 30, logger: 'tracelane.span', traceId: id })
  })
})
